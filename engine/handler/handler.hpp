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

// Which events wait for each other: those of one key keep their order, also through failures.
enum class Order {
  kafka_key,  // a record without a key waits for nobody
  finer_key,  // ApplyAtOnce::order_key(), within the Kafka key
  none,
};

struct HandlerSpec {
  std::string name;   // [a-z_]+, e.g. progress_events; names the lanes, the group, the metrics
  std::string topic;  // the main topic, unless the configuration names another
  std::vector<std::string> types;  // event types that it takes
  Idempotence idempotence = Idempotence::natural;
  Order order = Order::kafka_key;
  // Services whose outage holds the lanes of this handler, and no others; EventFailure names them.
  std::vector<std::string> dependencies = {};
  // The member of `data` that names the person an event is about, for erasing what is kept of them.
  std::string user_field = {};
};

// The attempt at hand. Events come for the first time in life 0; each replay begins a new life.
struct Attempt {
  base::EpochMicros now = 0;  // the database's time: the only clock
  std::int32_t life = 0;
  std::int32_t number = 1;  // within the life
  // It was scheduled, and its time has come, or an operator said so: it is not to say NotDue again.
  bool called = false;
};

// The event is to be applied at this time, not before. It holds nobody up until then.
struct NotDue {
  base::EpochMicros due = 0;
};

// What stage() makes of an event: staged, rejected for ever, or not due yet.
using Staging = std::variant<std::monostate, message::Rejection, NotDue>;

// An event that apply() could not apply; it has left no trace in the database.
struct EventFailure {
  std::size_t event = 0;  // its number in the batch
  message::ErrorType type = message::ErrorType::other;
  std::string text = {};                             // printable, without secrets
  std::optional<base::EpochMicros> not_before = {};  // Retry-After, as a point in time
  std::string dependency = {};  // the service to blame, one of HandlerSpec::dependencies, or empty
};

// What other systems are told when an event has taken effect: published, through the outbox of the
// same transaction, to the topic of domain events, under the key of its cause.
struct DomainEvent {
  std::size_t cause = 0;  // the number in the batch of the event that it follows from
  std::string type;       // e.g. list.synced.v1
  std::string subject = {};
  std::string data;  // JSON
};

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

// A handler whose whole effect is a set of rows: applied at once, in the transaction that moves the
// lane's position.
class ApplyAtOnce {
 public:
  virtual ~ApplyAtOnce() = default;
  virtual std::unique_ptr<Batch> make_batch() const = 0;

  // With Order::finer_key: whose events wait for each other, within one Kafka key. Pure; any
  // thread.
  virtual std::string order_key(const message::Event&) const { return {}; }
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
