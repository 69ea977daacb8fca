#include "handlers/list_operations/operation_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace spool::list_operations {
namespace {

using testing::HasSubstr;

const base::Uuid kFresh = *base::parse_uuid("6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e01");
const std::string kOther = "11111111-2222-4333-8444-555555555555";

base::Result<OperationRequest> read(const std::string& type,
                                    std::map<std::string, std::string> options,
                                    const std::string& user = "7") {
  app::Arguments arguments;
  arguments.set("TYPE", {type});
  if (!user.empty()) arguments.set("user", {user});
  for (const auto& [name, value] : options) arguments.set(name, {value});
  return read_request(arguments, kFresh);
}

void expect_refused(const base::Result<OperationRequest>& read, const std::string& piece) {
  ASSERT_FALSE(read.ok()) << piece;
  EXPECT_EQ(read.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(read.failure().text, HasSubstr(piece));
}

TEST(OperationRequest, AMovieIsAddedToAList) {
  const auto request = read("add_movie", {{"list", "42"}, {"movie", "550"}});
  ASSERT_TRUE(request.ok()) << request.failure().text;
  EXPECT_EQ(request->id, kFresh);
  EXPECT_EQ(request->data, R"({"operation_type":"add_movie","tmdb_user_id":7,"tmdb_list_id":42,)"
                           R"("operation_data":{"movie_id":550}})");
  EXPECT_EQ(request->operation.change.movie_id, 550);
  EXPECT_EQ(request->operation.tmdb_list_id, 42);
}

TEST(OperationRequest, AListThatIsCreatedIsNamedByTheOperationUnlessItHasAName) {
  const auto request = read("create_list", {{"name", "Noir \"1940\""}, {"public", "false"}});
  ASSERT_TRUE(request.ok()) << request.failure().text;
  EXPECT_EQ(request->operation.list_ref, kFresh);
  EXPECT_EQ(request->operation.change.fields.name, "Noir \"1940\"");
  EXPECT_EQ(request->operation.change.fields.is_public, false);
  EXPECT_THAT(request->data, HasSubstr("\"list_ref\":\"6d1f0c1e"));
  const auto named = read("create_list", {{"name", "Noir"}, {"ref", kOther}});
  ASSERT_TRUE(named.ok()) << named.failure().text;
  EXPECT_EQ(base::to_string(*named->operation.list_ref), kOther);
  EXPECT_EQ(named->id, kFresh);
}

TEST(OperationRequest, ItsIdAndItsTimeCanBeGiven) {
  const auto request =
      read("clear_list", {{"ref", kOther}, {"id", kOther}, {"at", "2030-01-02T03:04:05Z"}});
  ASSERT_TRUE(request.ok()) << request.failure().text;
  EXPECT_EQ(base::to_string(request->id), kOther);
  EXPECT_EQ(base::format_rfc3339(*request->operation.scheduled_for), "2030-01-02T03:04:05.000000Z");
  EXPECT_THAT(request->data, HasSubstr("\"scheduled_for\":\"2030-01-02T03:04:05Z\""));
}

TEST(OperationRequest, WhatIsMissingOrTooMuchIsSaid) {
  expect_refused(read("burn_list", {}), "is none of create_list");
  expect_refused(read("delete_list", {{"list", "42"}}, ""), "--user N is needed");
  expect_refused(read("delete_list", {}), "--list ID or --ref UUID is needed");
  expect_refused(read("delete_list", {{"list", "42"}, {"ref", kOther}}), "not both");
  expect_refused(read("add_movie", {{"list", "42"}}), "--movie is needed");
  expect_refused(read("clear_list", {{"list", "42"}, {"movie", "1"}}), "does not go with clear");
  expect_refused(read("add_movie", {{"list", "42"}, {"movie", "1"}, {"name", "x"}}),
                 "--name does not go with add_movie");
}

TEST(OperationRequest, TheRulesOfTheEventAreKept) {
  expect_refused(read("create_list", {}), "operation_data.name");
  expect_refused(read("create_list", {{"name", std::string(256, 'x')}}), "operation_data.name");
  expect_refused(read("create_list", {{"name", "x"}, {"list", "42"}}), "tmdb_list_id");
  expect_refused(read("update_list", {{"list", "42"}}), "operation_data");
  expect_refused(read("update_list", {{"list", "42"}, {"language", "EN"}}), "language");
  expect_refused(read("add_movie", {{"list", "42"}, {"movie", "0"}}), "movie_id");
  expect_refused(read("delete_list", {{"list", "42"}}, "0"), "tmdb_user_id");
}

TEST(OperationRequest, WhatIsNoNumberNoTimeAndNoUuidIsNamed) {
  expect_refused(read("delete_list", {{"list", "noir"}}), "list: \"noir\"");
  expect_refused(read("delete_list", {{"ref", "noir"}}), "--ref: \"noir\" is not a uuid");
  expect_refused(read("delete_list", {{"list", "42"}, {"id", "1"}}), "--id: \"1\" is not a uuid");
  expect_refused(read("delete_list", {{"list", "42"}, {"at", "soon"}}), "--at: \"soon\"");
  expect_refused(read("update_list", {{"list", "42"}, {"name", "\xff"}}), "--name: not UTF-8");
}

}  // namespace
}  // namespace spool::list_operations
