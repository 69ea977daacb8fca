// The story: a producer gets every field of list_operation.v1 wrong in every way that the examples
// of its schema know, and the envelope besides, always between good operations of the same user.
// Each bad one is a dead letter whose reason names the field, and nothing of it is done: no
// operation, no list in the mirror, no call. The good ones are carried out.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kUser = 548;  // of the examples

struct Bad {
  std::string id;
  std::string field;  // that the reason must name; "": the document as a whole
  std::string error_type = "schema.violation";
  GeneratedRecord record = {};
};

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers headers_of(const std::string& id) {
  return {{"ce_specversion", "1.0"},
          {"ce_id", id},
          {"ce_source", "urn:lists"},
          {"ce_type", "list_operation.v1"},
          {"content-type", "application/json"}};
}

GeneratedRecord record_of(const std::string& id, std::string value) {
  GeneratedRecord record;
  record.key = std::to_string(kUser);
  record.headers = headers_of(id);
  record.value = std::move(value);
  return record;
}

std::string data_of(const std::string& type, const std::string& data) {
  return R"({"operation_type":")" + type + R"(","tmdb_user_id":)" + std::to_string(kUser) +
         R"(,"list_ref":")" + uuid_of(1) + R"(","operation_data":)" + data + "}";
}

// The name of an example begins with the field that is wrong.
std::vector<Bad> from_examples() {
  std::vector<Bad> all;
  for (const auto& entry :
       std::filesystem::directory_iterator(SPOOL_SCHEMAS "/list_operations/examples/invalid")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string name = entry.path().stem().string();
    Bad bad{"bad-" + name, name.substr(0, name.rfind('.'))};
    if (bad.field == "document") {
      bad.field = name == "document.empty" ? "data" : "";
      bad.error_type = "schema.invalid_json";
    }
    bad.record =
        record_of(bad.id, {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
    all.push_back(std::move(bad));
  }
  std::ranges::sort(all, {}, &Bad::id);
  return all;
}

// What is wrong outside the data, which is a good operation each time.
std::vector<Bad> from_envelopes() {
  std::vector<Bad> all;
  int movie = 900'000;
  const auto bad = [&](const char* id, const char* field, auto spoil) {
    Bad one{std::string("bad-") + id, field};
    one.record =
        record_of(one.id, data_of("add_movie", "{\"movie_id\":" + std::to_string(++movie) + "}"));
    spoil(one);
    all.push_back(std::move(one));
  };
  const auto without = [](Bad& one, std::string_view name) {
    std::erase_if(one.record.headers, [&](const auto& header) { return header.first == name; });
  };
  const auto with = [](Bad& one, std::string_view name, const char* value) {
    for (auto& header : one.record.headers)
      if (header.first == name) header.second = value;
  };
  bad("key.of_another_user", "key", [](Bad& one) { one.record.key = "549"; });
  bad("key.missing", "key", [](Bad& one) { one.record.key = ""; });
  bad("value.missing", "data", [](Bad& one) { one.record.value.reset(); });
  bad("ce_type.unknown", "type", [&](Bad& one) {
    with(one, "ce_type", "list_operation.v2");
    one.error_type = "schema.unknown_type";
  });
  bad("ce_type.missing", "ce_type", [&](Bad& one) { without(one, "ce_type"); });
  bad("ce_id.missing", "ce_id", [&](Bad& one) { without(one, "ce_id"); });
  bad("ce_source.missing", "ce_source", [&](Bad& one) { without(one, "ce_source"); });
  bad("ce_specversion.other", "ce_specversion",
      [&](Bad& one) { with(one, "ce_specversion", "2"); });
  bad("content-type.other", "content-type",
      [&](Bad& one) { with(one, "content-type", "text/plain"); });
  return all;
}

// What the database has of a record, wherever it came to stand: "type|field".
std::string letter_at(ListStage& stage, std::size_t offset) {
  return stage.text(
      "select coalesce(string_agg(error_type || '|' || error_field, ' and '), 'none')"
      " from spool.dead_letters where state = 'open' and record_offset = " +
      std::to_string(offset));
}

// The copies on the dead-letter topic, by the offset of what they are copies of: "type reason".
std::map<std::string, std::string> published_letters(ListStage& stage) {
  std::map<std::string, std::string> found;
  for (const TopicRecord& record : stage.read_topic(stage.topic() + ".dlt", 1))
    found[record.header("__dlq.errors.offset")] +=
        record.header("spool-error-type") + " " + record.header("spool-error-message");
  return found;
}

TEST(BadInput, IsADeadLetterThatNamesTheFieldAndNothingOfItIsDone) {
  ListStage stage({.partitions = 1, .users = 0});
  stage.log_in(kUser, "user-" + std::to_string(kUser));
  std::vector<Bad> all = from_examples();
  ASSERT_GE(all.size(), 50U);
  std::ranges::move(from_envelopes(), std::back_inserter(all));
  // Offsets 0, 2, 4, ... are good, beginning with the list's own creation; behind each is a bad
  // one.
  std::vector<GeneratedRecord> records{
      record_of("good-list", data_of("create_list", R"({"name":"the good one"})"))};
  std::set<std::int64_t> movies;
  for (const Bad& bad : all) {
    records.push_back(bad.record);
    const auto movie = static_cast<std::int64_t>(1000 + movies.size());
    movies.insert(movie);
    records.push_back(
        record_of("good-" + std::to_string(movie),
                  data_of("add_movie", "{\"movie_id\":" + std::to_string(movie) + "}")));
  }
  stage.publish_to(stage.topic(), records);
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();

  const std::map<std::string, std::string> published = published_letters(stage);
  EXPECT_EQ(published.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t offset = 2 * i + 1;
    EXPECT_EQ(letter_at(stage, offset), all[i].error_type + "|" + all[i].field) << all[i].id;
    const auto copy = published.find(std::to_string(offset));
    ASSERT_NE(copy, published.end()) << all[i].id;
    EXPECT_EQ(copy->second.find(all[i].error_type + " " + all[i].field), 0U) << copy->second;
  }
  EXPECT_EQ(stage.number("select count(*) from media.queued_list_operations"),
            static_cast<std::int64_t>(movies.size()) + 1);
  EXPECT_EQ(stage.operations("completed"), static_cast<std::int64_t>(movies.size()) + 1);
  EXPECT_EQ(stage.number("select count(*) from media.queued_list_operations"
                         " where event_id like 'bad-%'"),
            0);
  EXPECT_EQ(stage.number("select count(*) from media.lists"), 1);
  EXPECT_EQ(stage.service(), (ListStage::Lists{{"the good one", movies}}));
  EXPECT_EQ(stage.standin().ledger().size(), movies.size() + 1);
  EXPECT_EQ(stage.standin().requests().size(), movies.size() + 1) << "something else was called";
  EXPECT_EQ(stage.mirror(), stage.service());
  EXPECT_EQ(stage.number("select dead from spool.lanes"), static_cast<std::int64_t>(all.size()));
  stage.expect_conserved();
}

}  // namespace
}  // namespace spool::test
