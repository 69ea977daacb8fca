#include "engine/postgres/classify.hpp"

#include <new>
#include <string>

#include <pqxx/pqxx>

#include "engine/base/text.hpp"

namespace spool::postgres {
namespace {

using base::Failure;
using base::FailureKind;

constexpr std::size_t kTextBytesMax = 400;

std::string first_line(std::string_view text) {
  for (const std::string_view severity : {"ERROR:  ", "FATAL:  ", "PANIC:  "}) {
    if (text.starts_with(severity)) text.remove_prefix(severity.size());
  }
  return base::printable(text.substr(0, text.find('\n')), kTextBytesMax);
}

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  for (const std::string_view candidate : words) {
    if (word == candidate) return true;
  }
  return false;
}

// Deadlocks and serialization failures derive from transaction_rollback and carry no SQLSTATE;
// neither does a statement whose outcome is unknown, which derives from it too and must be seen
// first.
const char* state_of_rollback(const std::exception& error) {
  if (dynamic_cast<const pqxx::deadlock_detected*>(&error) != nullptr) return "40P01";
  if (dynamic_cast<const pqxx::serialization_failure*>(&error) != nullptr) return "40001";
  return "40000";
}

}  // namespace

FailureKind kind_of(std::string_view sqlstate, std::string_view message) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (is_any(sqlstate, {"57014", "53200", "55P03"})) return FailureKind::slow;
  if (sqlstate == "40003") return FailureKind::in_doubt;
  if (sqlstate == "23514" && message.find("no partition of relation") != std::string_view::npos) {
    return FailureKind::schema;
  }
  // A statement prepared before a migration: a new connection prepares it again.
  if (sqlstate == "0A000" && message.find("cached plan") != std::string_view::npos) {
    return FailureKind::unavailable;
  }
  if (sqlstate == "P0001" || is_any(group, {"22", "23", "54"})) return FailureKind::bad_data;
  if (group == "40") return FailureKind::conflict;
  if (is_any(group, {"42", "0A", "3F", "XX"})) return FailureKind::schema;
  return FailureKind::unavailable;
}

Failure classify(const std::exception& error) {
  std::string text = first_line(error.what());
  if (dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr) {
    return {FailureKind::in_doubt, std::move(text)};
  }
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&error) != nullptr) {
    return {FailureKind::in_doubt, std::move(text), "40003"};
  }
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr) {
    return {FailureKind::conflict, std::move(text), state_of_rollback(error)};
  }
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error)) {
    return {kind_of(sql->sqlstate(), error.what()), std::move(text), sql->sqlstate()};
  }
  if (dynamic_cast<const pqxx::usage_error*>(&error) != nullptr ||
      dynamic_cast<const pqxx::argument_error*>(&error) != nullptr) {
    return {FailureKind::schema, "wrong use of the driver: " + text};
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return {FailureKind::slow, "out of memory"};
  }
  return {FailureKind::unavailable, std::move(text)};
}

}  // namespace spool::postgres
