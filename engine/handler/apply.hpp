// The first way through a handler: its whole effect is a set of rows, applied at once, in the
// transaction that moves the lane's position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/handler/attempt.hpp"
#include "engine/message/envelope.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::handler {

// What became of the events that one apply() was given; together they are all of them.
struct ApplyCounts {
  std::int64_t written = 0;  // they, or the newest of those folded with them, changed the database
  std::int64_t coalesced = 0;  // folded into another event of the same apply()
  std::int64_t stale = 0;      // older than what the database had
  std::int64_t duplicate = 0;  // the same (source, id) once more, where the handler can tell
  std::int64_t rows = 0;       // rows written, for the flush statistics
  // Not among the above. The engine decides what becomes of them, and may apply the batch again
  // without them and without the later events of their keys.
  std::vector<EventFailure> failed = {};
  std::vector<DomainEvent> told = {};
};

// The events of one transaction, staged by one thread and applied by the same thread.
class Batch {
 public:
  virtual ~Batch() = default;

  // Validates the event and keeps what apply() needs: a copy, nothing of the event outlives the
  // call. Pure. An event that is rejected or not due leaves no trace in the batch.
  virtual Staging stage(const message::Event& event, const Attempt& attempt) = 0;

  // How many events are staged; they are numbered 0..size-1 in the order of stage().
  virtual std::size_t size() const = 0;

  // Forgets the events, keeps the memory.
  virtual void clear() = 0;

  // Applies the staged events [first, last) in their order, set-based. May be called again for
  // parts, after a rollback, when the database refused the whole (bad_data): the engine halves
  // until it has the culprit.
  virtual base::Result<ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                          std::size_t last) = 0;
};

class ApplyAtOnce {
 public:
  virtual ~ApplyAtOnce() = default;
  virtual std::unique_ptr<Batch> make_batch() const = 0;

  // With Order::finer_key: whose events wait for each other, within one Kafka key. Pure; any
  // thread.
  virtual std::string order_key(const message::Event&) const { return {}; }
};

}  // namespace spool::handler
