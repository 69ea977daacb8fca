#include "handlers/tmdb_sessions/account.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::tmdb_sessions {
namespace {

using crypto::Secret;
using message::ErrorType;
using testing::HasSubstr;
using testing::Not;

http::Response response(int status, std::string body) {
  http::Response made;
  made.status = status;
  made.body = std::move(body);
  return made;
}

ErrorType failure_type(const http::Outcome& outcome) {
  const auto read = read_account(outcome);
  const auto* failure = std::get_if<tmdb::CallFailure>(&read);
  if (failure == nullptr) return ErrorType::other;
  EXPECT_THAT(failure->text, testing::StartsWith("account: "));
  return failure->type;
}

TEST(Account, IsAskedForWithTheSessionAndTheApplicationsKey) {
  const http::Request bearer = account_request({"read-token", false}, Secret("a&b"));
  EXPECT_EQ(bearer.method, "GET");
  EXPECT_EQ(bearer.target, "/account?session_id=a%26b");
  EXPECT_EQ(bearer.headers.back().name, "Authorization");
  EXPECT_EQ(bearer.headers.back().value, "Bearer read-token");
  const http::Request query = account_request({"k/y", true}, Secret("s"));
  EXPECT_EQ(query.target, "/account?session_id=s&api_key=k%2Fy");
  for (const http::Header& header : query.headers) EXPECT_NE(header.name, "Authorization");
}

TEST(Account, IsTheIdAmongWhateverElseComes) {
  const auto read = read_account(response(
      200, R"({"avatar":{"gravatar":{"hash":"c9"},"id":7},"id":548,"username":"walter"})"));
  ASSERT_TRUE(std::holds_alternative<Account>(read));
  EXPECT_EQ(std::get<Account>(read).id, 548);
}

TEST(Account, ARefusalIsWhatItIsForOtherReads) {
  EXPECT_EQ(failure_type(response(401, R"({"success":false,"status_code":3})")),
            ErrorType::upstream_auth);
  EXPECT_EQ(failure_type(response(503, R"({"success":false,"status_code":9})")),
            ErrorType::upstream_unavailable);
  EXPECT_EQ(failure_type(response(429, "<html>")), ErrorType::upstream_rate_limited);
  EXPECT_EQ(failure_type(http::Failed(http::Fault::network, "reset", true)),
            ErrorType::upstream_network);
}

TEST(Account, AnAnswerWithoutAnIdIsNone) {
  for (const char* body : {"{}", R"({"id":null})", R"({"id":0})", R"({"id":"walter"})"})
    EXPECT_EQ(failure_type(response(200, body)), ErrorType::upstream_server_error) << body;
}

}  // namespace
}  // namespace spool::tmdb_sessions
