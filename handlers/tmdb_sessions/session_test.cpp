#include "handlers/tmdb_sessions/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::tmdb_sessions {
namespace {

using crypto::Secret;
using testing::HasSubstr;
using testing::Not;

Session version_4() {
  Session session;
  session.api = tmdb::Api::v4;
  session.v3_session_id = Secret("the-session");
  session.v4_access_token = Secret("the \"token\"\\");
  session.v4_account_id = "4bc8892a017a3c0f92001001";
  session.v3_account_id = 42;
  return session;
}

Session version_3() {
  Session session;
  session.v3_session_id = Secret("the-session");
  session.v3_account_id = 2'147'483'647;
  return session;
}

TEST(Session, SurvivesBeingWrittenDown) {
  for (const Session& session : {version_3(), version_4()}) {
    const auto read = parse_session(to_json(session));
    ASSERT_TRUE(read.ok()) << read.failure().text;
    EXPECT_EQ(read->api, session.api);
    EXPECT_EQ(read->v3_session_id.reveal(), session.v3_session_id.reveal());
    EXPECT_EQ(read->v4_access_token.reveal(), session.v4_access_token.reveal());
    EXPECT_EQ(read->v4_account_id, session.v4_account_id);
    EXPECT_EQ(read->v3_account_id, session.v3_account_id);
  }
}

TEST(Session, IsWhatTheCallsOfItsVersionNeed) {
  const tmdb::Credentials three = credentials(version_3());
  EXPECT_EQ(three.api, tmdb::Api::v3);
  EXPECT_EQ(three.secret, "the-session");
  EXPECT_EQ(three.account_id, "2147483647");
  const tmdb::Credentials four = credentials(version_4());
  EXPECT_EQ(four.api, tmdb::Api::v4);
  EXPECT_EQ(four.secret, "the \"token\"\\");
  EXPECT_EQ(four.account_id, "4bc8892a017a3c0f92001001");
}

TEST(Session, RefusesWhatIsNoneWithoutQuotingIt) {
  const std::string good = to_json(version_3()).reveal();
  ASSERT_TRUE(parse_session(Secret(std::string(good))).ok());
  std::string other_version = good;
  other_version.replace(good.find("3"), 1, "5");
  for (const std::string& json :
       {std::string(), std::string("the-session"), std::string("{}"), good + "x", good.substr(1),
        other_version, to_json(Session()).reveal()}) {
    const auto read = parse_session(Secret(std::string(json)));
    ASSERT_FALSE(read.ok()) << json;
    EXPECT_EQ(read.failure().kind, base::FailureKind::invalid);
    EXPECT_THAT(read.failure().text, Not(HasSubstr("the-session")));
  }
}

TEST(Session, NeedsWhatItsVersionLogsInWith) {
  Session no_token = version_4();
  no_token.v4_access_token = Secret();
  EXPECT_FALSE(parse_session(to_json(no_token)).ok());
  Session no_account = version_4();
  no_account.v4_account_id.clear();
  EXPECT_FALSE(parse_session(to_json(no_account)).ok());
  Session no_session = version_3();
  no_session.v3_session_id = Secret();
  EXPECT_FALSE(parse_session(to_json(no_session)).ok());
}

TEST(Session, ACredentialIsOneWord) {
  EXPECT_TRUE(is_credential("0f1e2d"));
  EXPECT_TRUE(is_credential("eyJh.b_-c"));
  EXPECT_TRUE(is_credential(std::string(4096, 'a')));
  for (const std::string& text :
       {std::string(), std::string("two words"), std::string("line\n"), std::string("\xc3\xa9"),
        std::string("a\0b", 3), std::string(4097, 'a')})
    EXPECT_FALSE(is_credential(text)) << text;
}

}  // namespace
}  // namespace spool::tmdb_sessions
