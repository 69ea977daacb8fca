// For the tests of this folder: a database of the test program's own, emptied before each test,
// and a key.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/store/letter_fixture.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::tmdb_sessions {

class SessionFixture : public store::LetterFixture {
 protected:
  void SetUp() override {
    LetterFixture::SetUp();
    database().execute("truncate media.tmdb_sessions");
  }

  static crypto::SealedBox box_of(char digit, const std::string& before = {}) {
    return *session_box(std::string(64, digit), before);
  }

  static Session session_of(std::int32_t user, const std::string& secret) {
    Session session;
    session.v3_session_id = crypto::Secret(std::string(secret));
    session.v3_account_id = user;
    return session;
  }

  // Runs it in a transaction of its own, committed; what it answers.
  template <typename Work>
  auto in_transaction(const Work& work) {
    auto transaction = connection_->begin();
    EXPECT_TRUE(transaction.ok());
    auto result = work(**transaction);
    EXPECT_TRUE(result.ok()) << result.failure().text;
    EXPECT_TRUE((*transaction)->commit().ok());
    if constexpr (!std::is_same_v<decltype(result), base::Status>) return std::move(*result);
  }

  void save(std::int32_t user, const std::string& secret) {
    in_transaction([&](postgres::Transaction& transaction) {
      return save_session(transaction, box_, user, session_of(user, secret));
    });
  }
  std::optional<StoredSession> load(std::int32_t user) {
    return in_transaction(
        [&](postgres::Transaction& transaction) { return load_session(transaction, box_, user); });
  }

  const crypto::SealedBox box_ = box_of('7');
};

}  // namespace spool::tmdb_sessions
