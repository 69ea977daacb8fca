#include <string>

#include <gtest/gtest.h>

#include "tests/support/pg_database.hpp"

namespace spool::postgres {
namespace {

using base::FailureKind;

class ConnectionPg : public testing::Test {
 protected:
  static const test::PgDatabase& database() {
    static const test::PgDatabase database(test::PgDatabase::Content::empty);
    return database;
  }
};

constexpr Statement kOne{"one", "select 1"};
constexpr Statement kShow{"show", "select current_setting($1)"};

TEST_F(ConnectionPg, EverySessionHasItsSettings) {
  ConnectionSettings settings = database().settings();
  settings.application_name = "o'brien \\ co";
  settings.statement_timeout = std::chrono::milliseconds(1234);
  settings.lock_timeout = std::chrono::milliseconds(567);
  settings.idle_in_transaction_timeout = std::chrono::milliseconds(8901);
  settings.synchronous_commit_off = true;
  auto connection = Connection::open(settings);
  ASSERT_TRUE(connection.ok()) << connection.failure().text;
  const auto show = [&](const char* name) {
    return (*connection)->execute(kShow, Params::of(name))->text(0, 0);
  };
  EXPECT_EQ(show("application_name"), "o'brien \\ co");
  EXPECT_EQ(show("statement_timeout"), "1234ms");
  EXPECT_EQ(show("lock_timeout"), "567ms");
  EXPECT_EQ(show("idle_in_transaction_session_timeout"), "8901ms");
  EXPECT_EQ(show("synchronous_commit"), "off");
  EXPECT_EQ(show("client_encoding"), "UTF8");
}

TEST_F(ConnectionPg, OptionsOfTheUrlWin) {
  ConnectionSettings settings = database().settings();
  settings.url += "?options=-c%20statement_timeout%3D77ms%20-c%20geqo%3Doff";
  auto connection = Connection::open(settings);
  ASSERT_TRUE(connection.ok()) << connection.failure().text;
  EXPECT_EQ((*connection)->execute(kShow, Params::of("statement_timeout"))->text(0, 0), "77ms");
  EXPECT_EQ((*connection)->execute(kShow, Params::of("geqo"))->text(0, 0), "off");
  EXPECT_EQ((*connection)->execute(kShow, Params::of("lock_timeout"))->text(0, 0), "10s");
}

TEST_F(ConnectionPg, ASessionBeginsWithTheSettingsOfItsOwner) {
  ConnectionSettings settings = database().settings();
  settings.session = {{"jit", "off"}, {"enable_seqscan", "off"}};
  auto connection = Connection::open(settings);
  ASSERT_TRUE(connection.ok()) << connection.failure().text;
  EXPECT_EQ((*connection)->execute(kShow, Params::of("enable_seqscan"))->text(0, 0), "off");
  EXPECT_EQ((*connection)->execute(kShow, Params::of("jit"))->text(0, 0), "off");
}

TEST_F(ConnectionPg, ALostSessionIsUnavailableAndNeverRevived) {
  const auto connection = database().connect();
  ASSERT_TRUE(connection->execute(kOne).ok());
  database().kill_sessions();
  const auto lost = connection->execute(kOne);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure().kind, FailureKind::unavailable);
  EXPECT_FALSE(connection->usable());
  for (int again = 0; again < 3; ++again) {
    EXPECT_FALSE(connection->execute(kOne).ok());
    EXPECT_FALSE(connection->begin().ok());
  }
}

TEST_F(ConnectionPg, AFailedStatementLeavesTheSessionUsable) {
  const auto connection = database().connect();
  const auto refused = connection->execute({"bad", "select 1 / $1::int"}, Params::of(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().kind, FailureKind::bad_data);
  EXPECT_EQ(refused.failure().sqlstate, "22012");
  EXPECT_TRUE(connection->usable());
  EXPECT_TRUE(connection->execute(kOne).ok());
}

TEST_F(ConnectionPg, ATimeoutIsSlow) {
  ConnectionSettings settings = database().settings();
  settings.statement_timeout = std::chrono::milliseconds(20);
  auto connection = Connection::open(settings);
  ASSERT_TRUE(connection.ok());
  const auto slow = (*connection)->execute({"sleep", "select pg_sleep(30)"});
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.failure().kind, FailureKind::slow);
  EXPECT_EQ(slow.failure().sqlstate, "57014");
}

TEST_F(ConnectionPg, ADatabaseThatDoesNotExistIsUnavailable) {
  ConnectionSettings settings = database().settings();
  settings.url += "_not";
  const auto connection = Connection::open(settings);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.failure().kind, FailureKind::unavailable);
}

TEST_F(ConnectionPg, NoticesReachTheirListener) {
  ConnectionSettings settings = database().settings();
  std::string heard;
  settings.on_notice = [&heard](std::string_view text) { heard.append(text); };
  auto connection = Connection::open(settings);
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE((*connection)->execute_script("do $$ begin raise warning 'hello'; end $$").ok());
  EXPECT_NE(heard.find("hello"), std::string::npos) << heard;
}

TEST_F(ConnectionPg, ParametersOfEveryKind) {
  const auto connection = database().connect();
  const std::string bytes("\0\xff'\\", 4);
  const base::Uuid id = base::random_uuid();
  const auto rows = connection->execute(
      {"kinds", "select $1::bigint, $2::text, $3::bytea, $4::uuid, $5::bool, $6::text, $7::float8"},
      Params::of(-7, std::string("a'\\b"), Bytes{bytes}, id, true, std::optional<std::string>{},
                 0.25));
  ASSERT_TRUE(rows.ok()) << rows.failure().text;
  EXPECT_EQ(rows->int64(0, 0), -7);
  EXPECT_EQ(rows->text(0, 1), "a'\\b");
  EXPECT_EQ(rows->bytes(0, 2), bytes);
  EXPECT_EQ(rows->uuid(0, 3), id);
  EXPECT_TRUE(rows->boolean(0, 4));
  EXPECT_EQ(rows->at(0, 5), std::nullopt);
  EXPECT_EQ(rows->at(0, 6), "0.25");
}

TEST_F(ConnectionPg, ANulInATextIsRefusedNotCut) {
  const auto connection = database().connect();
  const auto rows =
      connection->execute({"nul", "select $1::text"}, Params::of(std::string("a\0b", 3)));
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.failure().kind, FailureKind::bad_data);
  EXPECT_EQ(rows.failure().sqlstate, "22021");
  EXPECT_TRUE(connection->usable());
}

TEST(ConnectionPgTest, HearsOfANotification) {
  test::PgDatabase database;
  const auto listening = database.connect();
  ASSERT_TRUE(listening->listen("spool_test"));
  const auto quiet = listening->wait_notified(-1, std::chrono::milliseconds(0));
  ASSERT_TRUE(quiet);
  EXPECT_FALSE(*quiet);
  ASSERT_TRUE(database.connect()->execute_script("notify spool_test; notify spool_test"));
  const auto heard = listening->wait_notified(-1, std::chrono::seconds(20));
  ASSERT_TRUE(heard);
  EXPECT_TRUE(*heard);
}

}  // namespace
}  // namespace spool::postgres
