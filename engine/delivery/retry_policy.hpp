// What becomes of an attempt that failed: made again at a time, or a dead letter. A pure function
// of the failure, the handler's policy, the time and a throw of dice, all of them the caller's. Any
// thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/message/error_type.hpp"

namespace spool::delivery {

// What the configuration says of one class instead of failure_class(). `delays`: this class is
// tried again after these, whatever its kind; none at all: it is not tried again.
struct ClassOverride {
  std::optional<std::vector<std::chrono::milliseconds>> delays = {};
  std::optional<std::chrono::milliseconds> ttl = {};
};

struct RetryPolicy {
  // Attempt n is followed by the n-th; after the attempt that has none the event dies. At least
  // one, all above zero.
  std::vector<std::chrono::milliseconds> delays{
      std::chrono::seconds(30), std::chrono::seconds(60), std::chrono::seconds(120),
      std::chrono::seconds(240), std::chrono::seconds(480)};
  std::chrono::milliseconds max_delay{3'600'000};  // no delay is longer, whoever asks for it
  double jitter = 0;  // a delay grows by up to this share of itself; never less
  // Classes that are not tried again: words, or their beginnings with '*' behind. `classes` goes
  // before it.
  std::vector<std::string> permanent{"schema.*"};
  std::map<message::ErrorType, ClassOverride> classes = {};
};

// `base` with these overrides, by the words of their classes. Fails with `invalid` for a word that
// is none.
base::Result<RetryPolicy> with_classes(RetryPolicy base,
                                       const std::map<std::string, ClassOverride>& classes);

struct FailedAttempt {
  message::ErrorType type = message::ErrorType::other;
  std::int32_t attempt = 1;  // the one that failed, from 1 in each life
  base::EpochMicros now = 0;
  base::EpochMicros first_failed_at = 0;             // in this life; 0: now
  std::optional<base::EpochMicros> not_before = {};  // Retry-After
  std::uint64_t dice = 0;                            // any number: decides the jitter
};

struct RetryAt {
  base::EpochMicros due = 0;
  std::size_t rung = 0;  // which of retry_topics() carries it
  bool charged = true;   // false: the attempt does not count, the next one has the same number
  friend bool operator==(const RetryAt&, const RetryAt&) = default;
};

struct Die {
  message::ErrorType type = message::ErrorType::other;
  bool exhausted = false;  // it was worth another attempt, but had them all or became too old
  friend bool operator==(const Die&, const Die&) = default;
};

using Disposition = std::variant<RetryAt, Die>;

Disposition decide(const RetryPolicy& policy, const FailedAttempt& failed);

// The topics that carry its retries, shortest delay first: "spool.progress-events.retry.30s". In
// seconds, or in milliseconds if it is not whole ones; equal delays share a topic.
std::vector<std::string> retry_topics(std::string_view topic, const RetryPolicy& policy);

}  // namespace spool::delivery
