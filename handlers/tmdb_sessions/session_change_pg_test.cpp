#include "handlers/tmdb_sessions/session_change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/tmdb_sessions/session_fixture.hpp"

namespace spool::tmdb_sessions {
namespace {

using testing::HasSubstr;
using testing::Not;

class SessionChangePg : public SessionFixture {
 protected:
  // An operation of the user with that number, waiting.
  static void waits(int number, const std::string& user,
                    const std::string& error = "upstream.auth") {
    open_event("list_operations", 0, number,
               "key = '" + user + "', error_type = '" + error + "', order_key = md5('" +
                   std::to_string(number) + "')::uuid");
  }
  std::int64_t logged_in(std::int32_t user) {
    const auto commands = in_transaction([&](postgres::Transaction& open) {
      return log_in(open, box_, user, session_of(user, "secret"), who_);
    });
    std::int64_t matched = 0;
    for (const store::GivenCommand& one : commands) matched += one.matched;
    return matched;
  }
  static std::string commands(const std::string& columns) {
    return database().value("select string_agg(concat_ws(' ', " + columns +
                            "), '; ') from spool.commands");
  }
};

TEST_F(SessionChangePg, ALoginHasTheUsersWaitingOperationsTriedAtOnce) {
  lane("list_operations", 0);
  lane("other", 0);
  waits(1, "42");
  waits(2, "42");
  waits(3, "421");
  waits(4, "42", "upstream.timeout");
  open_event("list_operations", 0, 5, "key = '42', state = 'scheduled'");
  open_event("other", 0, 6, "key = '42', error_type = 'upstream.auth'");
  EXPECT_EQ(logged_in(42), 2);
  EXPECT_EQ(commands("kind, handler, matched, filter ->> 'key', filter ->> 'error', actor, reason"),
            "retry_now list_operations 2 42 upstream.auth anna@host because");
  EXPECT_EQ(load(42)->session.v3_session_id.reveal(), "secret");
  EXPECT_EQ(audited("actor, action, handler, subject, reason, detail ->> 'api_version'"),
            "anna@host | tmdb_session.login | list_operations | 42 | because | 3");
  EXPECT_EQ(database().value("select count(*) from spool.audit_log where action ="
                             " 'retry_now.start'"),
            "1");
  EXPECT_THAT(database().value("select string_agg(a::text, '') from spool.audit_log a"),
              Not(HasSubstr("secret")));
}

TEST_F(SessionChangePg, ALoginThatNobodyWaitedForGivesNoCommand) {
  EXPECT_EQ(logged_in(42), 0);
  EXPECT_EQ(commands("id"), "");
  EXPECT_TRUE(load(42).has_value());
}

TEST_F(SessionChangePg, ALoginThatIsNotCommittedReleasesNothing) {
  lane("list_operations", 0);
  waits(1, "42");
  {
    auto transaction = connection_->begin();
    ASSERT_TRUE(log_in(**transaction, box_, 42, session_of(42, "secret"), who_).ok());
  }
  EXPECT_EQ(commands("id"), "");
  EXPECT_FALSE(load(42).has_value());
  EXPECT_EQ(database().value("select count(*) from spool.audit_log"), "0");
}

TEST_F(SessionChangePg, ALogoutLeavesNothingButTheAuditRow) {
  logged_in(42);
  logged_in(43);
  in_transaction([&](postgres::Transaction& open) { return log_out(open, 42, who_); });
  EXPECT_FALSE(load(42).has_value());
  EXPECT_TRUE(load(43).has_value());
  EXPECT_EQ(audited("actor, action, subject"), "anna@host | tmdb_session.logout | 42");
  auto transaction = connection_->begin();
  const auto again = log_out(**transaction, 42, who_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.failure().kind, base::FailureKind::not_found);
}

}  // namespace
}  // namespace spool::tmdb_sessions
