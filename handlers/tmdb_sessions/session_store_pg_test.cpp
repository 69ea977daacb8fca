#include "handlers/tmdb_sessions/session_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/tmdb_sessions/session_fixture.hpp"

namespace spool::tmdb_sessions {
namespace {

using postgres::Transaction;
using testing::HasSubstr;
using testing::Not;

class SessionStorePg : public SessionFixture {
 protected:
  bool expire(std::int32_t user, base::EpochMicros saved_at) {
    return in_transaction([&](Transaction& open) { return mark_expired(open, user, saved_at); });
  }
  // "7 active, 8 expired"
  std::string listed(std::optional<State> state, std::int32_t after = 0, std::int64_t limit = 10) {
    const auto found =
        in_transaction([&](Transaction& open) { return list_sessions(open, state, after, limit); });
    std::string text;
    for (const SessionInfo& one : found) {
      EXPECT_EQ(one.expired_at.has_value(), one.state == State::expired);
      EXPECT_GE(one.updated_at, one.created_at);
      text += (text.empty() ? "" : ", ") + std::to_string(one.user) + " " +
              std::string(to_string(one.state));
    }
    return text;
  }
  std::string counted(std::string_view mark) {
    const auto counts =
        in_transaction([&](Transaction& open) { return count_sessions(open, mark); });
    return std::to_string(counts.active) + " " + std::to_string(counts.expired) + " " +
           std::to_string(counts.older_key);
  }
  base::Failure load_failure(const crypto::SealedBox& box, std::int32_t user) {
    auto transaction = connection_->begin();
    const auto loaded = load_session(**transaction, box, user);
    EXPECT_FALSE(loaded.ok());
    return loaded.ok() ? base::Failure(base::FailureKind::stopped, "") : loaded.failure();
  }
};

TEST_F(SessionStorePg, LoadsWhatItHasSavedAndKeepsItSealed) {
  save(7, "secret-of-seven");
  const auto stored = load(7);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->session.v3_session_id.reveal(), "secret-of-seven");
  EXPECT_EQ(stored->session.v3_account_id, 7);
  EXPECT_EQ(stored->state, State::active);
  EXPECT_GT(stored->saved_at, 0);
  EXPECT_FALSE(load(8).has_value());
  EXPECT_THAT(database().value("select encode(sealed, 'escape') || s::text"
                               " from media.tmdb_sessions s"),
              Not(HasSubstr("secret")));
}

TEST_F(SessionStorePg, ANewSessionTakesThePlaceOfTheOneBefore) {
  save(7, "first");
  const auto first = load(7);
  ASSERT_TRUE(expire(7, first->saved_at));
  EXPECT_EQ(load(7)->state, State::expired);
  save(7, "second");
  const auto second = load(7);
  EXPECT_EQ(second->session.v3_session_id.reveal(), "second");
  EXPECT_EQ(second->state, State::active);
  EXPECT_GT(second->saved_at, first->saved_at);
  EXPECT_EQ(database().value("select count(*) from media.tmdb_sessions where expired_at is null"),
            "1");
}

TEST_F(SessionStorePg, WhatWasCalledWithTheSessionBeforeDoesNotEndTheNewOne) {
  save(7, "first");
  const auto before = load(7)->saved_at;
  save(7, "second");
  EXPECT_FALSE(expire(7, before));
  EXPECT_EQ(load(7)->state, State::active);
  EXPECT_TRUE(expire(7, load(7)->saved_at));
  EXPECT_FALSE(expire(7, load(7)->saved_at)) << "once";
  EXPECT_FALSE(expire(8, before));
}

TEST_F(SessionStorePg, TwoSessionsOfAUserNeverHaveTheSameTime) {
  save(7, "first");
  database().execute("update media.tmdb_sessions set updated_at = now() + interval '1 day'");
  const auto ahead = load(7)->saved_at;
  save(7, "second");
  EXPECT_EQ(load(7)->saved_at, ahead + 1);
}

TEST_F(SessionStorePg, ARowThatWasMovedOrChangedOpensForNobody) {
  save(7, "secret-of-seven");
  save(8, "secret-of-eight");
  database().execute(
      "update media.tmdb_sessions set sealed = (select sealed from media.tmdb_sessions where"
      " tmdb_user_id = 8) where tmdb_user_id = 7");
  EXPECT_THAT(load_failure(box_, 7).text, HasSubstr("the session of TMDB user 7"));
  EXPECT_EQ(load(8)->session.v3_session_id.reveal(), "secret-of-eight");
  database().execute(
      "update media.tmdb_sessions set sealed = set_byte(sealed, 20, get_byte(sealed,"
      " 20) # 1) where tmdb_user_id = 8");
  const base::Failure why = load_failure(box_, 8);
  EXPECT_EQ(why.kind, base::FailureKind::invalid);
  EXPECT_THAT(why.text, Not(HasSubstr("secret")));
}

TEST_F(SessionStorePg, TheKeyBeforeStillOpensWhatItHasSealed) {
  save(7, "secret-of-seven");
  const auto next = box_of('8', std::string(64, '7'));
  in_transaction([&](Transaction& open) {
    return save_session(open, next, 8, session_of(8, "secret-of-eight"));
  });
  for (const std::int32_t user : {7, 8}) {
    const auto loaded =
        in_transaction([&](Transaction& open) { return load_session(open, next, user); });
    EXPECT_EQ(loaded->session.v3_account_id, user);
  }
  EXPECT_EQ(counted(next.mark()), "2 0 1");
  EXPECT_EQ(counted(box_.mark()), "2 0 1");
  EXPECT_EQ(counted(""), "2 0 0");
  EXPECT_THAT(load_failure(box_of('8'), 7).text, HasSubstr("a key that is not configured"));
}

TEST_F(SessionStorePg, ListsWhoIsThereAndRemovesWhoGoes) {
  for (const std::int32_t user : {9, 7, 8}) save(user, "s");
  ASSERT_TRUE(expire(8, load(8)->saved_at));
  EXPECT_EQ(listed({}), "7 active, 8 expired, 9 active");
  EXPECT_EQ(listed(State::active), "7 active, 9 active");
  EXPECT_EQ(listed(State::expired), "8 expired");
  EXPECT_EQ(listed({}, 7, 1), "8 expired");
  EXPECT_EQ(counted(""), "2 1 0");
  const auto remove = [&](std::int32_t user) {
    return in_transaction([&](Transaction& open) { return remove_session(open, user); });
  };
  EXPECT_TRUE(remove(8));
  EXPECT_FALSE(remove(8));
  EXPECT_EQ(listed({}), "7 active, 9 active");
}

TEST_F(SessionStorePg, AKeyThatIsNoneIsNamedAndNotQuoted) {
  const auto current = session_box("not-a-key", "");
  ASSERT_FALSE(current.ok());
  EXPECT_THAT(current.failure().text,
              testing::AllOf(HasSubstr("upstream.tmdb.session_key: "), Not(HasSubstr("not-a"))));
  const auto before = session_box(std::string(64, 'a'), "not-a-key");
  ASSERT_FALSE(before.ok());
  EXPECT_THAT(before.failure().text,
              testing::AllOf(HasSubstr("session_key_before: "), Not(HasSubstr("not-a"))));
}

}  // namespace
}  // namespace spool::tmdb_sessions
