#include "engine/message/error_type.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace spool::message {
namespace {

TEST(ErrorType, AFewWordsStandAtTheirTypes) {
  const std::pair<ErrorType, const char*> table[] = {
      {ErrorType::schema_invalid_json, "schema.invalid_json"},
      {ErrorType::import_parse_error, "import.parse_error"},
      {ErrorType::upstream_rate_limited, "upstream.rate_limited"},
      {ErrorType::source_purged, "source.purged"},
      {ErrorType::policy_excluded, "policy.excluded"},
      {ErrorType::db_constraint, "db.constraint"},
      {ErrorType::local_disk_full, "local.disk_full"},
      {ErrorType::handler_bug, "handler.bug"},
      {ErrorType::handler_crash, "handler.crash"},
      {ErrorType::other, "_OTHER"}};
  for (const auto& [type, word] : table) EXPECT_EQ(to_string(type), word);
}

TEST(ErrorType, TheWordsAreTheseInThisOrder) {
  const std::vector<std::string> words = {"schema.invalid_json",
                                          "schema.violation",
                                          "schema.unknown_type",
                                          "payload.too_large",
                                          "payload.corrupted",
                                          "import.parse_error",
                                          "import.failed",
                                          "import.unmatched",
                                          "upstream.connect_timeout",
                                          "upstream.network",
                                          "upstream.server_error",
                                          "upstream.rate_limited",
                                          "upstream.unavailable",
                                          "upstream.timeout",
                                          "upstream.stalled",
                                          "upstream.auth",
                                          "upstream.forbidden",
                                          "upstream.quota",
                                          "upstream.not_found",
                                          "upstream.rejected",
                                          "source.purged",
                                          "policy.quality",
                                          "policy.size",
                                          "policy.manual",
                                          "policy.excluded",
                                          "db.unavailable",
                                          "db.conflict",
                                          "db.disk_full",
                                          "db.constraint",
                                          "local.disk_full",
                                          "handler.timeout",
                                          "handler.expired",
                                          "handler.bug",
                                          "handler.crash",
                                          "_OTHER"};
  std::vector<std::string> found;
  for (const ErrorType type : error_types()) found.emplace_back(to_string(type));
  EXPECT_EQ(found, words);
}

TEST(ErrorType, EveryWordIsReadAsItsType) {
  for (const ErrorType type : error_types()) EXPECT_EQ(parse_error_type(to_string(type)), type);
}

TEST(ErrorType, OtherWordsAreNoType) {
  for (const char* word : {"", "schema", "schema.", "schema.violation ", "Schema.Violation",
                           "schema_violation", "_other", "OTHER"}) {
    EXPECT_EQ(parse_error_type(word), std::nullopt) << word;
  }
}

}  // namespace
}  // namespace spool::message
