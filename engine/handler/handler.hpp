// What the author of a handler writes. A handler lives in handlers/<name>/ and is known to the
// program by one line of handlers/all_handlers.cpp. It decides what an event means; the engine
// decides when, in which transaction, in which order and what becomes of a failure. A handler never
// commits, waits, reads a clock, or touches Kafka.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/handler/apply.hpp"
#include "engine/handler/duty.hpp"
#include "engine/handler/perform.hpp"

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
  finer_key,  // ApplyAtOnce::order_key(), or what admission says, within the Kafka key
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

// How the events take their way through the handler.
using Way = std::variant<std::unique_ptr<ApplyAtOnce>, std::unique_ptr<PerformThenSettle>>;

struct Handler {
  HandlerSpec spec;
  Way way;
  std::vector<std::unique_ptr<Duty>> duties = {};

  // Null: the handler goes the other way.
  const ApplyAtOnce* applies() const {
    const auto* at_once = std::get_if<std::unique_ptr<ApplyAtOnce>>(&way);
    return at_once == nullptr ? nullptr : at_once->get();
  }
  const PerformThenSettle* performs() const {
    const auto* performer = std::get_if<std::unique_ptr<PerformThenSettle>>(&way);
    return performer == nullptr ? nullptr : performer->get();
  }
};

}  // namespace spool::handler
