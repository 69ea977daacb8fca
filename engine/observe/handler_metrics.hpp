// The metrics of one handler, made by Metrics::handler() and living as long as the Metrics. Any
// thread. Call it once a batch, not once an event: what is measured per event is collected in a
// Tally and handed over with the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/observe/tally.hpp"

namespace spool::observe {

struct Families;

// One transaction that was committed. The outcomes together are all of its events.
struct BatchReport {
  std::int64_t applied = 0;
  std::int64_t duplicate = 0;
  std::int64_t stale = 0;
  std::int64_t retried = 0;  // failed, and will be attempted again
  std::int64_t dead_lettered = 0;
  std::int64_t rows = 0;            // written, after coalescing
  double seconds = 0;               // BEGIN to the answer to COMMIT
  Tally wait{kDurationBounds};      // seconds from fetch to the start of the batch, per event
  Tally age{kAgeBounds};            // seconds from publication to now, per event
  Tally attempts{kAttemptBounds};   // made in this life, per event that is not retried
  Tally lateness{kLatenessBounds};  // seconds from due to the start, per attempt that had to wait

  std::int64_t events() const { return applied + duplicate + stale + retried + dead_lettered; }
};

enum class RunOutcome { applied, failed };
enum class ErrorKind { transient, permanent, poison, waiting };

// What became of events that were looked up among those settled before.
struct Lookups {
  std::int64_t fresh = 0;        // new: nobody has seen them
  std::int64_t replay = 0;       // settled before: nothing is done again
  std::int64_t in_progress = 0;  // somebody else is at it
  std::int64_t conflict = 0;     // the same identity with another content
};

// Events that wait on one rung of the retry ladder.
struct RetryTier {
  std::string tier;  // "30s", ...
  std::int64_t waiting = 0;
  std::optional<base::EpochMicros> next_due;
};

struct DeadLetterCount {
  std::string error_type;
  std::int64_t open = 0;
};

class HandlerMetrics {
 public:
  HandlerMetrics(Families& families, std::string handler, const std::string& topic);
  ~HandlerMetrics();
  HandlerMetrics(const HandlerMetrics&) = delete;
  HandlerMetrics& operator=(const HandlerMetrics&) = delete;

  void batch_committed(const BatchReport& report);

  // One call of the handler's apply().
  void handler_ran(RunOutcome outcome, double seconds);

  // `error_type` is a word of the closed list of error types.
  void attempts_failed(std::string_view error_type, ErrorKind kind, std::int64_t count = 1);

  void count_lookups(const Lookups& lookups);

  // Dead letters that a person gave up.
  void count_discarded(std::int64_t count);

  // All waiting retries of the handler; tiers that are not named have none any more.
  void set_retry_pending(const std::vector<RetryTier>& tiers);

  // All open dead letters of the handler as the background collector found them, and when the
  // oldest of them died; error types that are not named have none any more.
  void set_dead_letters(const std::vector<DeadLetterCount>& counts,
                        std::optional<base::EpochMicros> oldest);

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace spool::observe
