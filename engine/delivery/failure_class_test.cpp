#include "engine/delivery/failure_class.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace spool::delivery {
namespace {

using message::ErrorType;

TEST(FailureClasses, EveryTypeHasItsRow) {
  for (const ErrorType type : message::error_types()) {
    const FailureClass& found = failure_class(type);
    EXPECT_EQ(found.type, type) << to_string(type);
    EXPECT_NE(to_string(found.kind), "unknown") << to_string(type);
    EXPECT_GE(found.ttl.count(), 0) << to_string(type);
  }
}

TEST(FailureClasses, OnlyWhatIsTriedAgainHasDelays) {
  for (const FailureClass& row : failure_classes()) {
    const bool dies = row.kind == ErrorKind::permanent || row.kind == ErrorKind::poison;
    const bool waits = row.kind == ErrorKind::waiting;
    EXPECT_FALSE(dies && (!row.delays.empty() || row.ttl.count() != 0)) << to_string(row.type);
    EXPECT_FALSE(waits && row.delays.empty()) << to_string(row.type);
    for (const auto delay : row.delays) EXPECT_GT(delay.count(), 0) << to_string(row.type);
  }
}

TEST(FailureClasses, TheKindsAreThese) {
  std::map<std::string, std::set<std::string>> by_kind;
  for (const FailureClass& row : failure_classes())
    by_kind[std::string(to_string(row.kind))].emplace(to_string(row.type));
  EXPECT_EQ(by_kind["transient"],
            (std::set<std::string>{"upstream.connect_timeout", "upstream.network",
                                   "upstream.server_error", "upstream.rate_limited",
                                   "upstream.unavailable", "upstream.timeout", "upstream.stalled",
                                   "handler.timeout", "_OTHER"}));
  EXPECT_EQ(by_kind["waiting"],
            (std::set<std::string>{"upstream.auth", "upstream.quota", "db.unavailable",
                                   "db.conflict", "db.disk_full", "local.disk_full"}));
  EXPECT_EQ(by_kind["poison"], (std::set<std::string>{"schema.invalid_json", "payload.too_large",
                                                      "payload.corrupted", "import.parse_error"}));
  EXPECT_EQ(by_kind["permanent"].size(), message::kErrorTypeCount - 9 - 6 - 4);
}

TEST(FailureClasses, EveryFailureThatOperatorsKnowHasAType) {
  std::set<std::string> words;
  for (const FailureClass& row : failure_classes()) {
    for (std::string_view rest = row.taxonomy; !rest.empty();) {
      const std::size_t end = std::min(rest.find(", "), rest.size());
      words.emplace(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  }
  EXPECT_EQ(words,
            (std::set<std::string>{"connection timeout", "network error", "server error",
                                   "rate limited", "authentication failed", "permission denied",
                                   "transfer stalled", "checksum mismatch", "corrupted payload",
                                   "remote client error", "import failed", "disk full",
                                   "parse error", "quality rejected", "size rejected",
                                   "manually rejected", "exclusion matched", "source purged"}));
}

}  // namespace
}  // namespace spool::delivery
