#include "engine/message/error_type.hpp"

#include <algorithm>

namespace spool::message {
namespace {

// In the order of the types.
constexpr std::array<std::string_view, kErrorTypeCount> kWords = {
    "schema.invalid_json",
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
    "_OTHER",
};

}  // namespace

const std::array<ErrorType, kErrorTypeCount>& error_types() {
  static constexpr auto kAll = [] {
    std::array<ErrorType, kErrorTypeCount> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<ErrorType>(i);
    return all;
  }();
  return kAll;
}

std::string_view to_string(ErrorType type) {
  return kWords[static_cast<std::size_t>(type)];
}

std::optional<ErrorType> parse_error_type(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<ErrorType>(found - kWords.begin());
}

}  // namespace spool::message
