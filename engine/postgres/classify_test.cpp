#include "engine/postgres/classify.hpp"

#include <string>

#include <gtest/gtest.h>
#include <pqxx/pqxx>

namespace spool::postgres {
namespace {

using base::FailureKind;

struct Rule {
  const char* sqlstate;
  const char* message;
  FailureKind kind;
};

TEST(KindOf, FollowsTheTable) {
  const Rule rules[] = {
      {"22P02", "invalid input syntax for type uuid", FailureKind::bad_data},
      {"22003", "integer out of range", FailureKind::bad_data},
      {"22P05", "unsupported Unicode escape sequence", FailureKind::bad_data},
      {"23505", "duplicate key value", FailureKind::bad_data},
      {"23502", "null value in column", FailureKind::bad_data},
      {"23503", "violates foreign key constraint", FailureKind::bad_data},
      {"23514", "violates check constraint \"positive\"", FailureKind::bad_data},
      {"23514", "no partition of relation \"inbox\" found for row", FailureKind::schema},
      {"54000", "row is too big", FailureKind::bad_data},
      {"P0001", "raised by a trigger", FailureKind::bad_data},
      {"P0002", "no data found", FailureKind::unavailable},
      {"40001", "could not serialize access", FailureKind::conflict},
      {"40P01", "deadlock detected", FailureKind::conflict},
      {"40003", "statement completion unknown", FailureKind::in_doubt},
      {"57014", "canceling statement due to statement timeout", FailureKind::slow},
      {"53200", "out of memory", FailureKind::slow},
      {"55P03", "canceling statement due to lock timeout", FailureKind::slow},
      {"42P01", "relation does not exist", FailureKind::schema},
      {"42501", "permission denied", FailureKind::schema},
      {"0A000", "not supported", FailureKind::schema},
      {"0A000", "cached plan must not change result type", FailureKind::unavailable},
      {"3F000", "schema does not exist", FailureKind::schema},
      {"XX000", "internal error", FailureKind::schema},
      {"08006", "connection failure", FailureKind::unavailable},
      {"25006", "cannot execute UPDATE in a read-only transaction", FailureKind::unavailable},
      {"25P03", "terminating connection due to idle-in-transaction timeout",
       FailureKind::unavailable},
      {"28P01", "password authentication failed", FailureKind::unavailable},
      {"3D000", "database does not exist", FailureKind::unavailable},
      {"53100", "could not extend file", FailureKind::unavailable},
      {"53300", "too many connections", FailureKind::unavailable},
      {"55000", "object not in prerequisite state", FailureKind::unavailable},
      {"57P01", "terminating connection due to administrator command", FailureKind::unavailable},
      {"58030", "could not read file", FailureKind::unavailable},
      {"", "", FailureKind::unavailable},
  };
  for (const Rule& rule : rules) {
    EXPECT_EQ(kind_of(rule.sqlstate, rule.message), rule.kind)
        << rule.sqlstate << " " << rule.message;
  }
}

TEST(Classify, SeesDoubtBeforeRollback) {
  EXPECT_EQ(classify(pqxx::in_doubt_error("lost")).kind, FailureKind::in_doubt);
  EXPECT_EQ(classify(pqxx::statement_completion_unknown("lost")).kind, FailureKind::in_doubt);
  EXPECT_EQ(classify(pqxx::transaction_rollback("gone")).kind, FailureKind::conflict);
}

TEST(Classify, KnowsTheRollbacksThatAreNoSqlErrors) {
  EXPECT_EQ(classify(pqxx::deadlock_detected("dead")).sqlstate, "40P01");
  EXPECT_EQ(classify(pqxx::serialization_failure("late")).sqlstate, "40001");
  EXPECT_EQ(classify(pqxx::deadlock_detected("dead")).kind, FailureKind::conflict);
}

TEST(Classify, TakesTheStateFromSqlErrors) {
  const base::Failure failure = classify(pqxx::unique_violation("ERROR:  twice", "q", "23505"));
  EXPECT_EQ(failure.kind, FailureKind::bad_data);
  EXPECT_EQ(failure.sqlstate, "23505");
  EXPECT_EQ(failure.text, "twice");
}

TEST(Classify, LostConnectionsAndStrangersAreUnavailable) {
  EXPECT_EQ(classify(pqxx::broken_connection("away")).kind, FailureKind::unavailable);
  EXPECT_EQ(classify(std::runtime_error("what is this")).kind, FailureKind::unavailable);
}

TEST(Classify, WrongUseIsOurOwnFault) {
  EXPECT_EQ(classify(pqxx::usage_error("two at once")).kind, FailureKind::schema);
}

TEST(Classify, KeepsOnlyTheFirstLineOfTheServer) {
  const base::Failure failure = classify(pqxx::sql_error(
      "ERROR:  duplicate key\nDETAIL:  Key (email)=(someone@example.org) already exists.", "q",
      "23505"));
  EXPECT_EQ(failure.text, "duplicate key");
  const base::Failure cut = classify(pqxx::sql_error(std::string(5000, 'x'), "q", "22000"));
  EXPECT_LE(cut.text.size(), 400U);
}

}  // namespace
}  // namespace spool::postgres
