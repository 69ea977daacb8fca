#include "handlers/local_lists/list_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/message/record_batch.hpp"

namespace spool::local_lists {
namespace {

using list_operations::Operation;
using list_operations::OperationType;
using testing::HasSubstr;

constexpr std::string_view kContent = "movie_id\n550\n551\n";

ImportRequest request(std::string name = "Noir") {
  ImportRequest request;
  request.user = 7;
  request.content = kContent;
  request.fields.name = std::move(name);
  return request;
}

Import plan(const ImportRequest& request) {
  const auto file = read_list_file(request.content, std::nullopt);
  EXPECT_TRUE(file.ok());
  auto planned = plan_import(*file, request);
  EXPECT_TRUE(planned.ok()) << planned.failure().text;
  return planned.ok() ? std::move(planned).value() : Import{};
}

Operation decoded(const ImportEvent& event) {
  std::string padded = event.data;
  padded.append(message::kReadAheadBytes, ' ');
  const auto result = list_operations::Decoder().decode(
      std::string_view(padded).substr(0, event.data.size()), *base::parse_uuid(event.id));
  EXPECT_TRUE(std::holds_alternative<Operation>(result)) << event.data;
  return std::get<Operation>(result);
}

std::set<std::string> ids(const Import& import) {
  std::set<std::string> ids;
  for (const ImportEvent& event : import.events) ids.insert(event.id);
  return ids;
}

TEST(ListImport, ANewListIsCreatedAndFilledUnderOneRef) {
  const Import import = plan(request());
  ASSERT_EQ(import.events.size(), 3U);
  const Operation create = decoded(import.events[0]);
  EXPECT_EQ(create.change.type, OperationType::create_list);
  EXPECT_EQ(create.change.fields.name, "Noir");
  EXPECT_EQ(create.list_ref, import.list);
  EXPECT_EQ(create.tmdb_user_id, 7);
  for (std::size_t i = 1; i < 3; ++i) {
    const Operation add = decoded(import.events[i]);
    EXPECT_EQ(add.change.type, OperationType::add_movie);
    EXPECT_EQ(add.change.movie_id, 549 + static_cast<std::int32_t>(i));
    EXPECT_EQ(add.list_ref, import.list);
  }
}

TEST(ListImport, AListThatIsThereIsOnlyFilled) {
  ImportRequest to = request();
  to.fields = {};
  to.to = list_operations::ListId{8136, std::nullopt};
  const Import import = plan(to);
  ASSERT_EQ(import.events.size(), 2U);
  EXPECT_EQ(decoded(import.events[0]).tmdb_list_id, 8136);
}

TEST(ListImport, TheSameOnceMoreIsTheSameAndAllElseIsNot) {
  const std::set<std::string> first = ids(plan(request()));
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(ids(plan(request())), first);
  ImportRequest user = request();
  user.user = 8;
  ImportRequest content = request();
  content.content = "movie_id\n550\n551\n\n";
  ImportRequest to = request();
  to.to = list_operations::ListId{8136, std::nullopt};
  ImportRequest elsewhere = request();
  elsewhere.to = list_operations::ListId{8137, std::nullopt};
  std::set<std::string> all = first;
  std::size_t count = first.size();
  for (const ImportRequest& other : {request("Heist"), user, content, to, elsewhere}) {
    const std::set<std::string> more = ids(plan(other));
    count += more.size();
    all.insert(more.begin(), more.end());
  }
  EXPECT_EQ(all.size(), count);
}

TEST(ListImport, WhatIsGivenGoesBeforeWhatTheFileSays) {
  ImportRequest given = request();
  given.content =
      R"({"name": "Old", "description": "d", "public": false, "language": "de", "movies": []})";
  const Import import = plan(given);
  EXPECT_EQ(import.fields.name, "Noir");
  EXPECT_EQ(import.fields.description, "d");
  EXPECT_EQ(decoded(import.events[0]).change.fields.language, "de");
}

TEST(ListImport, AListMustBeOneThatTmdbTakes) {
  for (const std::string& name : {std::string(), std::string(256, 'x')}) {
    const auto file = read_list_file(kContent, std::nullopt);
    const auto refused = plan_import(*file, request(name));
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.failure().text, HasSubstr("name"));
  }
}

}  // namespace
}  // namespace spool::local_lists
