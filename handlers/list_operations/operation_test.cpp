#include "handlers/list_operations/operation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/message/record_batch.hpp"

namespace spool::list_operations {
namespace {

using message::ErrorType;
using message::Rejection;
using Members = std::vector<std::pair<std::string, std::string>>;  // name, JSON text

const std::string kRefText = "6f1c2a4e-8d5b-4c3a-9e7f-0123456789ab";
const base::Uuid kRef = *base::parse_uuid(kRefText);
const base::Uuid kEvent = *base::parse_uuid("11111111-2222-4333-8444-555555555555");

Members with(Members members, const std::string& name, const std::string& json) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  members.emplace_back(name, json);
  return members;
}

Members without(Members members, const std::string& name) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  return members;
}

Members of(const std::string& type, const std::string& data) {
  Members members{{"operation_type", "\"" + type + "\""},
                  {"tmdb_user_id", "7"},
                  {"tmdb_list_id", "42"},
                  {"operation_data", data}};
  return type == "create_list" ? without(members, "tmdb_list_id") : members;
}

const Members kAdd = of("add_movie", R"({"movie_id":603})");
const Members kDelete = of("delete_list", "{}");

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

class OperationTest : public testing::Test {
 protected:
  std::string_view padded(std::string text) {
    const std::size_t size = text.size();
    memory_ = std::move(text);
    memory_.append(message::kReadAheadBytes, ' ');
    return std::string_view(memory_).substr(0, size);
  }

  std::variant<Operation, Rejection> decode(const Members& members) {
    std::string text = "{";
    for (const auto& [name, json] : members) {
      text += text.size() > 1 ? "," : "";
      text += quoted(name) + ":" + json;
    }
    return decoder_.decode(padded(text + "}"), kEvent);
  }

  Operation accepted(const Members& members) {
    const auto result = decode(members);
    const auto* rejection = std::get_if<Rejection>(&result);
    EXPECT_EQ(rejection, nullptr) << rejection->message();
    return rejection == nullptr ? std::get<Operation>(result) : Operation{};
  }

  // The field that a violation names.
  std::string refused(const Members& members) {
    const auto result = decode(members);
    const auto* rejection = std::get_if<Rejection>(&result);
    if (rejection == nullptr) return "accepted";
    EXPECT_EQ(rejection->type, ErrorType::schema_violation);
    EXPECT_FALSE(rejection->text.empty());
    return rejection->field;
  }

  void expect_id(const Members& members, const std::string& name) {
    EXPECT_EQ(refused(with(members, name, "1")), "accepted") << name;
    EXPECT_EQ(refused(with(members, name, "2147483647")), "accepted") << name;
    for (const std::string json : {"0", "-1", "2147483648", "1.5", "1.0", "\"7\"", "true", "[7]"})
      EXPECT_EQ(refused(with(members, name, json)), name) << json;
  }

  Decoder decoder_;
  std::string memory_;
};

TEST_F(OperationTest, ReadsEveryField) {
  const Members all =
      with(with(kAdd, "scheduled_for", "\"2026-01-02T03:04:05.5+01:00\""), "priority", "9");
  Operation expected{.change = {.type = OperationType::add_movie, .movie_id = 603},
                     .tmdb_user_id = 7,
                     .tmdb_list_id = 42,
                     .scheduled_for = 1'767'319'445'500'000,
                     .priority = 9};
  EXPECT_EQ(accepted(all), expected);
  expected.scheduled_for.reset();
  expected.priority = kPriorityDefault;
  EXPECT_EQ(accepted(kAdd), expected);
  EXPECT_EQ(accepted(with(with(kAdd, "priority", "null"), "scheduled_for", "null")), expected);
  expected.tmdb_list_id.reset();
  expected.list_ref = kRef;
  EXPECT_EQ(accepted(with(without(kAdd, "tmdb_list_id"), "list_ref", quoted(kRefText))), expected);
}

TEST_F(OperationTest, EachTypeHasItsData) {
  const auto type_of = [&](const std::string& type, const std::string& data) {
    return accepted(of(type, data)).change;
  };
  const ListFields fields{"Noir", "dark", false, "de"};
  const std::string json = R"({"name":"Noir","description":"dark","public":false,"language":"de"})";
  EXPECT_EQ(type_of("create_list", json), (Change{OperationType::create_list, fields}));
  EXPECT_EQ(type_of("update_list", json), (Change{OperationType::update_list, fields}));
  EXPECT_EQ(type_of("update_list", R"({"public": true })"),
            (Change{OperationType::update_list, {.is_public = true}}));
  EXPECT_EQ(type_of("update_list", R"({"description":"","name":null})"),
            (Change{OperationType::update_list, {.description = ""}}));
  EXPECT_EQ(type_of("delete_list", "{}"), (Change{OperationType::delete_list}));
  EXPECT_EQ(type_of("clear_list", "null"), (Change{OperationType::clear_list}));
  EXPECT_EQ(type_of("remove_movie", R"({"movie_id":1})"),
            (Change{.type = OperationType::remove_movie, .movie_id = 1}));
}

TEST_F(OperationTest, ARefreshTakesOverWhatItFindsUnlessItSaysSo) {
  const auto compares = [&](const std::string& data) {
    const Change change = accepted(of("refresh_list", data)).change;
    EXPECT_EQ(change.type, OperationType::refresh_list);
    return change.compare_only;
  };
  for (const std::string data : {"null", "{}", R"({"compare_only":null})",
                                 R"({"compare_only":false})", R"({"movie_id":"x"})"})
    EXPECT_FALSE(compares(data)) << data;
  EXPECT_FALSE(accepted(without(of("refresh_list", "{}"), "operation_data")).change.compare_only);
  EXPECT_TRUE(compares(R"({"compare_only": true })"));
  for (const std::string json : {"0", "1", "\"true\"", "[true]", "\"\""})
    EXPECT_EQ(refused(of("refresh_list", "{\"compare_only\":" + json + "}")),
              "operation_data.compare_only");
  EXPECT_EQ(refused(of("refresh_list", "[]")), "operation_data");
}

TEST_F(OperationTest, ACreateSaysEverythingOfItsList) {
  const Operation create = accepted(of("create_list", R"({"name":"Noir"})"));
  EXPECT_EQ(create.change.fields, (ListFields{"Noir", "", true, "en"}));
  EXPECT_EQ(create.list_ref, kEvent) << "the event stands in";
  EXPECT_EQ(create.tmdb_list_id, std::nullopt);
  const Members named = with(of("create_list", R"({"name":"Noir"})"), "list_ref", quoted(kRefText));
  EXPECT_EQ(accepted(named).list_ref, kRef);
}

TEST_F(OperationTest, AListIsNamedInExactlyOneWay) {
  EXPECT_EQ(refused(without(kAdd, "tmdb_list_id")), "tmdb_list_id");
  EXPECT_EQ(refused(with(kAdd, "list_ref", quoted(kRefText))), "list_ref");
  EXPECT_EQ(refused(with(kAdd, "list_ref", "\"mine\"")), "list_ref");
  EXPECT_EQ(refused(with(kAdd, "list_ref", "7")), "list_ref");
  EXPECT_EQ(refused(with(of("create_list", R"({"name":"a"})"), "tmdb_list_id", "42")),
            "tmdb_list_id");
}

TEST_F(OperationTest, IdsArePositiveAndFitInto32Bits) {
  expect_id(kAdd, "tmdb_user_id");
  expect_id(kAdd, "tmdb_list_id");
  EXPECT_EQ(refused(without(kAdd, "tmdb_user_id")), "tmdb_user_id");
  for (const std::string json : {"0", "-1", "2147483648", "1.5", "\"7\"", "null"})
    EXPECT_EQ(refused(of("remove_movie", "{\"movie_id\":" + json + "}")), "operation_data.movie_id")
        << json;
  EXPECT_EQ(refused(of("add_movie", "{}")), "operation_data.movie_id");
}

TEST_F(OperationTest, PriorityIsADigit) {
  EXPECT_EQ(accepted(with(kAdd, "priority", "0")).priority, 0);
  EXPECT_EQ(accepted(with(kAdd, "priority", "9")).priority, 9);
  for (const std::string json : {"-1", "10", "1.5", "\"5\""})
    EXPECT_EQ(refused(with(kAdd, "priority", json)), "priority") << json;
}

TEST_F(OperationTest, TheTypeIsOneOfSeven) {
  EXPECT_EQ(refused(without(kAdd, "operation_type")), "operation_type");
  for (const std::string json : {"\"add\"", "\"ADD_MOVIE\"", "\"\"", "1"})
    EXPECT_EQ(refused(with(kAdd, "operation_type", json)), "operation_type") << json;
}

TEST_F(OperationTest, TheScheduleIsATime) {
  for (const std::string json : {"\"tomorrow\"", "\"2026-01-02\"", "1767322805", "\"\""})
    EXPECT_EQ(refused(with(kAdd, "scheduled_for", json)), "scheduled_for") << json;
}

TEST_F(OperationTest, TextsAreCountedInCharacters) {
  const auto with_text = [](const std::string& name, const std::string& text) {
    const std::string more = name == "name" ? "" : R"("name":"a",)";
    return of("create_list", "{" + more + quoted(name) + ":" + quoted(text) + "}");
  };
  for (const std::string character : {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xac"}) {
    EXPECT_EQ(refused(with_text("name", repeated(character, 255))), "accepted") << character;
    EXPECT_EQ(refused(with_text("name", repeated(character, 256))), "operation_data.name");
    EXPECT_EQ(refused(with_text("description", repeated(character, 1'000))), "accepted");
    EXPECT_EQ(refused(with_text("description", repeated(character, 1'001))),
              "operation_data.description");
  }
  EXPECT_EQ(refused(with_text("name", "")), "operation_data.name");
  EXPECT_EQ(refused(with_text("name", "a\\u0000b")), "operation_data.name");
  for (const std::string language : {"", "d", "deu", "DE", "d1", "\xc3\xa9"})
    EXPECT_EQ(refused(with_text("language", language)), "operation_data.language") << language;
}

TEST_F(OperationTest, DataThatIsNotWhatItsTypeNeedsIsRefused) {
  EXPECT_EQ(refused(of("create_list", R"({"description":"a"})")), "operation_data.name");
  EXPECT_EQ(refused(of("create_list", R"({"name":null})")), "operation_data.name");
  EXPECT_EQ(refused(of("update_list", "{}")), "operation_data");
  EXPECT_EQ(refused(of("update_list", R"({"name":null})")), "operation_data");
  for (const std::string json : {"0", "1", "\"true\"", "[true]", "\"\""})
    EXPECT_EQ(refused(of("update_list", "{\"public\":" + json + "}")), "operation_data.public");
  EXPECT_EQ(refused(of("update_list", R"({"name":"a","name":"b"})")), "operation_data.name");
  for (const std::string json : {"[]", "1", "\"{}\"", "true"}) {
    EXPECT_EQ(refused(of("delete_list", json)), "operation_data") << json;
    EXPECT_EQ(refused(of("add_movie", json)), "operation_data") << json;
  }
  EXPECT_EQ(refused(without(kAdd, "operation_data")), "operation_data");
  EXPECT_EQ(refused(with(kAdd, "operation_data", "null")), "operation_data");
  EXPECT_EQ(refused(without(kDelete, "operation_data")), "accepted");
}

TEST_F(OperationTest, UnknownMembersAreIgnoredThoseOfOtherTypesToo) {
  const Members odd = with(of("delete_list", R"({"name":7,"movie_id":"x"})"), "colour", "[1,{}]");
  EXPECT_EQ(accepted(odd).change, (Change{OperationType::delete_list}));
}

TEST_F(OperationTest, WhatIsNoJsonIsRefusedAsSuch) {
  for (const std::string text : {"", "[]", "{", "{\"operation_data\":{\"name\":}}", "{} x"}) {
    const auto result = decoder_.decode(padded(text), kEvent);
    const auto* rejection = std::get_if<Rejection>(&result);
    ASSERT_NE(rejection, nullptr) << text;
    EXPECT_EQ(rejection->type, ErrorType::schema_invalid_json) << text;
  }
}

TEST_F(OperationTest, DataComesBackAsItWasWritten) {
  const std::vector<Change> changes{
      {OperationType::create_list, {"No\"ir \xe2\x82\xac\n", "", true, "en"}},
      {OperationType::update_list, {.is_public = false}},
      {OperationType::update_list, {.name = "a", .language = "de"}},
      {OperationType::delete_list},
      {OperationType::clear_list},
      {.type = OperationType::add_movie, .movie_id = 2'147'483'647},
      {.type = OperationType::remove_movie, .movie_id = 1},
      {.type = OperationType::refresh_list},
      {.type = OperationType::refresh_list, .compare_only = true}};
  for (const Change& change : changes) {
    const auto result = decoder_.decode_data(change.type, padded(data_json(change)));
    ASSERT_TRUE(std::holds_alternative<Change>(result)) << data_json(change);
    EXPECT_EQ(std::get<Change>(result), change);
  }
  EXPECT_EQ(data_json({OperationType::clear_list}), "{}");
}

TEST_F(OperationTest, TheKeyIsTheUser) {
  const Operation operation{.tmdb_user_id = 7};
  EXPECT_EQ(check_key(operation, "7"), std::nullopt);
  for (const std::string key : {"", "8", "07", "7 ", "7:42", "\xff"}) {
    const auto rejection = check_key(operation, key);
    ASSERT_NE(rejection, std::nullopt) << key;
    EXPECT_EQ(rejection->type, ErrorType::schema_violation);
    EXPECT_EQ(rejection->field, "key");
  }
  EXPECT_NE(check_key(operation, "8")->text.find("\"8\""), std::string::npos);
}

TEST_F(OperationTest, WordsComeBackAsTheirTypes) {
  for (int i = 0; i < 7; ++i) {
    const auto type = static_cast<OperationType>(i);
    EXPECT_EQ(parse_operation_type(to_string(type)), type);
  }
  EXPECT_EQ(to_string(OperationType::remove_movie), "remove_movie");
  EXPECT_EQ(to_string(OperationType::refresh_list), "refresh_list");
}

}  // namespace
}  // namespace spool::list_operations
