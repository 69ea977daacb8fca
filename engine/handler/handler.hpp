// What the author of a handler writes. A handler lives in handlers/<name>/ and is known to the
// program by one line of handlers/all_handlers.cpp. It decides what an event means; the engine
// decides when, in which transaction, in which order and what becomes of a failure. A handler never
// commits, waits, reads a clock, or touches Kafka.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/message/envelope.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::handler {

// Why applying an event again has no second effect. Redelivery is covered by the lane's position;
// this is about a producer that publishes the same (source, id) twice.
enum class Idempotence {
  natural,  // a monotone upsert: applying again changes nothing
  ledger,   // the handler's own table is unique on (source, id)
  inbox,    // the engine remembers (handler, source, id)
};

struct HandlerSpec {
  std::string name;   // [a-z_]+, e.g. progress_events; names the lanes, the group, the metrics
  std::string topic;  // the main topic, unless the configuration names another
  std::vector<std::string> types;  // event types that it takes
  Idempotence idempotence = Idempotence::natural;
};

// What became of the events that one apply() was given; together they are all of them.
struct ApplyCounts {
  std::int64_t written = 0;  // they, or the newest of those folded with them, changed the database
  std::int64_t coalesced = 0;  // folded into another event of the same apply()
  std::int64_t stale = 0;      // older than what the database had
  std::int64_t duplicate = 0;  // the same (source, id) once more, where the handler can tell
  std::int64_t rows = 0;       // rows written, for the flush statistics
};

// The events of one transaction, staged by one thread and applied by the same thread.
class Batch {
 public:
  virtual ~Batch() = default;

  // Validates the event and keeps what apply() needs: a copy, nothing of the event outlives the
  // call. Pure: `now` (the database's time) is the only clock. A rejected event leaves no trace in
  // the batch.
  virtual std::optional<message::Rejection> stage(const message::Event& event,
                                                  base::EpochMicros now) = 0;

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

// A handler whose whole effect is a set of rows: applied at once, in the transaction that moves the
// lane's position.
class ApplyAtOnce {
 public:
  virtual ~ApplyAtOnce() = default;
  virtual std::unique_ptr<Batch> make_batch() const = 0;
};

// How the events take their way through the handler. A handler that calls other services (admit,
// perform, settle) is a second alternative of this type, and joins it together with the first
// handler that needs it.
using Way = std::variant<std::unique_ptr<ApplyAtOnce>>;

struct Handler {
  HandlerSpec spec;
  Way way;
};

}  // namespace spool::handler
