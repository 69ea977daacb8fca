#include "engine/delivery/retry_policy.hpp"

#include <algorithm>
#include <span>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/failure_class.hpp"

namespace spool::delivery {
namespace {

using message::ErrorType;
using std::chrono::milliseconds;

base::EpochMicros micros(milliseconds delay) {
  return std::chrono::microseconds(delay).count();
}

bool matches(std::string_view pattern, std::string_view word) {
  if (pattern.ends_with('*')) return word.starts_with(pattern.substr(0, pattern.size() - 1));
  return word == pattern;
}

struct Strategy {
  std::span<const milliseconds> delays;  // none: it is not tried again
  milliseconds ttl;                      // 0: no limit
  bool waits = false;
};

// The most special word counts: the override of the class, then the patterns, then the table.
Strategy strategy_of(const RetryPolicy& policy, ErrorType type) {
  const FailureClass& row = failure_class(type);
  Strategy strategy{row.delays, row.ttl, row.kind == ErrorKind::waiting};
  const bool is_transient = row.kind == ErrorKind::transient;
  if (is_transient && row.delays.empty()) strategy.delays = policy.delays;
  const bool forbidden = std::ranges::any_of(policy.permanent, [type](const std::string& pattern) {
    return matches(pattern, message::to_string(type));
  });
  if (forbidden) strategy.delays = {};
  if (const auto own = policy.classes.find(type); own != policy.classes.end()) {
    if (own->second.delays) strategy.delays = *own->second.delays;
    strategy.ttl = own->second.ttl.value_or(strategy.ttl);
  }
  return strategy;
}

// The delays that have a topic, each once, shortest first.
std::vector<milliseconds> rungs(const RetryPolicy& policy) {
  std::vector<milliseconds> rungs;
  for (const milliseconds delay : policy.delays) rungs.push_back(std::min(delay, policy.max_delay));
  std::ranges::sort(rungs);
  rungs.erase(std::unique(rungs.begin(), rungs.end()), rungs.end());
  return rungs;
}

// The longest that is not above the delay; the shortest if all are.
std::size_t rung_for(const RetryPolicy& policy, base::EpochMicros delay) {
  const std::vector<milliseconds> all = rungs(policy);
  const auto above = std::ranges::upper_bound(all, delay, {}, micros);
  return above == all.begin() ? 0 : static_cast<std::size_t>(above - all.begin()) - 1;
}

base::EpochMicros with_jitter(base::EpochMicros delay, double jitter, std::uint64_t dice) {
  const double thrown = static_cast<double>(dice >> 11U) * 0x1p-53;  // 0 to below 1
  return delay + static_cast<base::EpochMicros>(static_cast<double>(delay) * jitter * thrown);
}

std::string suffix(milliseconds delay) {
  const auto count = delay.count();
  return count % 1'000 == 0 ? std::to_string(count / 1'000) + "s" : std::to_string(count) + "ms";
}

}  // namespace

base::Result<RetryPolicy> with_classes(RetryPolicy base,
                                       const std::map<std::string, ClassOverride>& classes) {
  for (const auto& [word, own] : classes) {
    const std::optional<ErrorType> type = message::parse_error_type(word);
    if (!type) {
      std::vector<std::string> words;
      for (const ErrorType any : message::error_types()) words.emplace_back(to_string(any));
      std::string text = "no class of errors is called \"" + word + "\"";
      const std::string meant = base::nearest(word, words);
      if (!meant.empty()) text += ", did you mean " + meant + "?";
      return base::Failure(base::FailureKind::invalid, std::move(text));
    }
    base.classes[*type] = own;
  }
  return base;
}

Disposition decide(const RetryPolicy& policy, const FailedAttempt& failed) {
  SPOOL_ASSERT(!policy.delays.empty(), "a ladder has a rung");
  SPOOL_ASSERT(failed.attempt >= 1, "an attempt was made");
  const Strategy strategy = strategy_of(policy, failed.type);
  if (strategy.delays.empty()) return Die{failed.type, false};
  auto step = static_cast<std::size_t>(failed.attempt - 1);
  if (strategy.waits) step = std::min(step, strategy.delays.size() - 1);
  if (step >= strategy.delays.size()) return Die{failed.type, true};

  const base::EpochMicros cap = micros(policy.max_delay);
  base::EpochMicros delay =
      std::min(cap, with_jitter(micros(strategy.delays[step]), policy.jitter, failed.dice));
  // The service's own word, also where it is shorter.
  if (failed.not_before)
    delay = std::clamp(*failed.not_before, failed.now, failed.now + cap) - failed.now;

  const base::EpochMicros due = failed.now + delay;
  const base::EpochMicros since = failed.first_failed_at == 0 ? failed.now : failed.first_failed_at;
  if (strategy.ttl.count() > 0 && due - since > micros(strategy.ttl)) return Die{failed.type, true};
  return RetryAt{due, rung_for(policy, delay), !strategy.waits};
}

std::vector<std::string> retry_topics(std::string_view topic, const RetryPolicy& policy) {
  std::vector<std::string> topics;
  for (const milliseconds delay : rungs(policy))
    topics.push_back(std::string(topic) + ".retry." + suffix(delay));
  return topics;
}

}  // namespace spool::delivery
