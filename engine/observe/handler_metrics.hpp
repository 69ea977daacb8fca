// The metrics of one handler, made by Metrics::handler() and living as long as the Metrics. Any
// thread. Call it once a batch, not once an event: what is measured per event is collected in a
// Tally and handed over with the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/observe/tally.hpp"

namespace spool::observe {

struct Families;

// One transaction that was committed. The outcomes together are all of its events.
struct BatchReport {
  std::int64_t applied = 0;
  std::int64_t duplicate = 0;
  std::int64_t stale = 0;
  std::int64_t dead_lettered = 0;
  std::int64_t rows = 0;        // written, after coalescing
  double seconds = 0;           // BEGIN to the answer to COMMIT
  Tally wait{kDurationBounds};  // seconds from fetch to the start of the batch, per event
  Tally age{kAgeBounds};        // seconds from publication to now, per event

  std::int64_t events() const { return applied + duplicate + stale + dead_lettered; }
};

enum class RunOutcome { applied, failed };
enum class ErrorKind { transient, permanent, poison };

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

  // All open dead letters of the handler as the background collector found them; error types that
  // are not named have none any more.
  void set_dead_letters(const std::vector<DeadLetterCount>& counts);

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace spool::observe
