#include <string>

#include <gtest/gtest.h>

#include "tests/support/pg_database.hpp"

namespace spool::postgres {
namespace {

using base::FailureKind;

constexpr Statement kInsert{"insert_n", "insert into t (n) values ($1)"};

class TransactionPg : public testing::Test {
 protected:
  static const test::PgDatabase& database() {
    static const test::PgDatabase database(test::PgDatabase::Content::empty);
    return database;
  }

  void SetUp() override {
    connection_ = database().connect();
    ASSERT_TRUE(connection_
                    ->execute_script("set client_min_messages = warning; drop table if exists t;"
                                     "create table t (n int primary key check (n > 0))")
                    .ok());
    auto begun = connection_->begin();
    ASSERT_TRUE(begun.ok());
    transaction_ = std::move(begun).value();
  }
  void TearDown() override { transaction_.reset(); }

  bool insert(int n) { return transaction_->execute(kInsert, Params::of(n)).ok(); }
  static std::string rows() {
    return database().value("select coalesce(string_agg(n::text, ' ' order by n), '') from t");
  }

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Transaction> transaction_;
};

TEST_F(TransactionPg, CommitKeeps) {
  EXPECT_TRUE(insert(1));
  EXPECT_EQ(rows(), "");
  EXPECT_TRUE(transaction_->commit().ok());
  EXPECT_EQ(rows(), "1");
}

TEST_F(TransactionPg, DestructionRollsBackAndFreesTheConnection) {
  EXPECT_TRUE(insert(1));
  transaction_.reset();
  EXPECT_EQ(rows(), "");
  EXPECT_TRUE(connection_->begin().ok());
}

TEST_F(TransactionPg, AFailureStandsUntilTheEnd) {
  EXPECT_TRUE(insert(1));
  EXPECT_FALSE(insert(-1));
  ASSERT_TRUE(transaction_->failed().has_value());
  EXPECT_EQ(transaction_->failed()->sqlstate, "23514");
  EXPECT_FALSE(insert(2));
  const auto status = transaction_->commit();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::bad_data);
  transaction_.reset();
  EXPECT_EQ(rows(), "");
}

TEST_F(TransactionPg, SavepointsUndoAPart) {
  EXPECT_TRUE(insert(1));
  ASSERT_TRUE(transaction_->savepoint().ok());
  EXPECT_TRUE(insert(2));
  ASSERT_TRUE(transaction_->savepoint().ok());
  EXPECT_FALSE(insert(-1));
  ASSERT_TRUE(transaction_->rollback_to_savepoint().ok());
  EXPECT_FALSE(transaction_->failed().has_value());
  ASSERT_TRUE(transaction_->release_savepoint().ok());
  ASSERT_TRUE(transaction_->rollback_to_savepoint().ok());
  EXPECT_TRUE(insert(3));
  EXPECT_TRUE(transaction_->commit().ok());
  EXPECT_EQ(rows(), "1 3");
}

TEST_F(TransactionPg, AConnectionLostOnTheWayIsUnavailable) {
  EXPECT_TRUE(insert(1));
  database().kill_sessions();
  const auto lost = transaction_->execute(kInsert, Params::of(2));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure().kind, FailureKind::unavailable);
  EXPECT_FALSE(transaction_->rollback_to_savepoint().ok());
  EXPECT_FALSE(connection_->usable());
}

TEST_F(TransactionPg, AConnectionLostInCommitIsInDoubt) {
  EXPECT_TRUE(insert(1));
  database().kill_sessions();
  const auto status = transaction_->commit();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::in_doubt);
  EXPECT_FALSE(connection_->usable());
}

TEST_F(TransactionPg, ADeadlineForIdlersEndsTheSession) {
  ASSERT_TRUE(transaction_->execute_script("set idle_in_transaction_session_timeout = '1ms'").ok());
  // The server ends it without being asked: seen from outside, no time is waited for here.
  database().execute(
      "do $$ begin while exists (select 1 from pg_stat_activity where datname = current_database()"
      " and pid <> pg_backend_pid()) loop perform pg_stat_clear_snapshot(); end loop; end $$");
  const auto lost = transaction_->execute(kInsert, Params::of(2));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure().kind, FailureKind::unavailable);
  EXPECT_FALSE(connection_->usable());
}

TEST_F(TransactionPg, ADeadlockIsAConflict) {
  ASSERT_TRUE(insert(1));
  ASSERT_TRUE(insert(2));
  ASSERT_TRUE(transaction_->commit().ok());
  transaction_.reset();
  // Raised by hand: a real one costs a second of deadlock_timeout and gives the same state.
  auto status = connection_->execute_script(
      "do $$ begin raise exception using errcode = 'deadlock_detected'; end $$");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::conflict);
  EXPECT_EQ(status.failure().sqlstate, "40P01");
  EXPECT_TRUE(connection_->usable());
}

TEST_F(TransactionPg, AMissingTableIsOurOwnFaultEachTime) {
  ASSERT_TRUE(transaction_->savepoint().ok());
  for (int time = 0; time < 2; ++time) {
    const auto missing = transaction_->execute({"missing", "select * from nowhere"});
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.failure().kind, FailureKind::schema);
    EXPECT_EQ(missing.failure().sqlstate, "42P01");
    ASSERT_TRUE(transaction_->rollback_to_savepoint().ok());
  }
}

TEST_F(TransactionPg, AMissingPartitionIsOurOwnFault) {
  ASSERT_TRUE(transaction_->execute_script("create table p (d date) partition by range (d)").ok());
  const auto missing =
      transaction_->execute({"insert_p", "insert into p values ($1)"}, Params::of("2026-01-01"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.failure().kind, FailureKind::schema);
  EXPECT_EQ(missing.failure().sqlstate, "23514");
}

}  // namespace
}  // namespace spool::postgres
