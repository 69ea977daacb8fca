// What a handler does by the clock and not for an event: it looks after its own rows, and what is
// to be done in the order of events it asks for by publishing some, as any producer does. One
// worker of the deployment runs a duty at a time, each period once, in one transaction; a worker
// that dies in between leaves no trace but events that were published already, which the next run
// publishes again under the same identity.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::handler {

// To the handler's main topic. Its source is `spool.<handler>`.
struct PublishedEvent {
  std::string id;  // the same for the same purpose, so that doing it twice is a duplicate
  std::string type;
  std::string key;   // the Kafka key: the order in which it is to stand
  std::string data;  // JSON
};

struct DutyDone {
  std::vector<PublishedEvent> publish = {};  // acknowledged by the broker before the commit
  std::int64_t rows = 0;                     // written or removed, for the log
  bool more = false;                         // another run has work at once
};

class Duty {
 public:
  virtual ~Duty() = default;
  virtual std::string name() const = 0;  // [a-z_]+, one of its kind within the handler
  virtual std::chrono::milliseconds every() const = 0;
  // On a thread of the engine's own. May end in a rollback, also after it has returned.
  virtual base::Result<DutyDone> run(postgres::Transaction& transaction) = 0;
};

}  // namespace spool::handler
