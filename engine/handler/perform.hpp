// The second way through a handler: its effect is a call to another service. An event is admitted
// in the transaction that moves the lane's position (it is visible, mergeable and cancellable from
// then on, though the service be away), waits for its turn within its order key, is begun under a
// durable marker, performed by a coroutine on the call loop, and settled in a later transaction.
// Whoever finds a marker without an end asks the service what became of it before anybody calls
// again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/handler/attempt.hpp"
#include "engine/handler/priority.hpp"
#include "engine/message/envelope.hpp"
#include "engine/message/identity.hpp"

namespace boost::asio {
class io_context;
}
namespace spool::postgres {
class Transaction;
}

namespace spool::handler {

// What admission makes of a staged event.
struct Admission {
  enum class Kind : std::uint8_t {
    waits,  // for its turn, and for `due`
    ended,  // nothing is left to be done: later events of the batch, or what is known, cancel it
    duplicate,  // the same (source, id) once more
  };
  Kind kind = Kind::waits;
  // Events of one key are performed one after the other. Within the Kafka key.
  std::string order_key = {};
  base::EpochMicros due = 0;  // not before, and it holds nobody up until then; 0: at once
  // Which of the events whose turn has come goes first, of those in one partition.
  std::int16_t priority = kPriorityDefault;
};

struct Admitted {
  std::vector<Admission> events;  // of the staged, index by index
  // Events that waited before this batch and need not be performed any more; none has begun.
  std::vector<message::Identity> swallowed = {};
  std::vector<EventFailure> failed = {};  // what `events` says of these does not count
  std::vector<DomainEvent> told = {};
  std::int64_t rows = 0;
};

// The events of one transaction on their way in; staged by one thread and admitted by the same.
class Admissions {
 public:
  virtual ~Admissions() = default;

  // Validates the event and keeps what admit() needs: a copy. Pure. A rejected event leaves no
  // trace. An event comes again when it was scheduled and its time has come (Attempt::called), and
  // when its dead letter is replayed (Attempt::life).
  virtual std::optional<message::Rejection> stage(const message::Event& event,
                                                  const Attempt& attempt) = 0;
  virtual std::size_t size() const = 0;
  virtual void clear() = 0;

  // Writes the handler's own rows for the staged events [first, last), in their order, set-based.
  // May be called again for parts, after a rollback, when the database refused the whole.
  virtual base::Result<Admitted> admit(postgres::Transaction& transaction, std::size_t first,
                                       std::size_t last) = 0;
};

// An event whose turn has come.
struct Turn {
  message::Identity event;
  std::int32_t life = 0;
  std::int32_t number = 1;  // of the attempt, within the life
  // Somebody may have begun to perform it and nobody knows the end: it is asked about, not
  // performed.
  bool in_doubt = false;
};

// What a call needs to know, read in the transaction that marks it: the handler's own.
struct Call {
  virtual ~Call() = default;
};
using CallPtr = std::shared_ptr<const Call>;

struct NothingToDo {};  // ends well without a call
struct AdmitFirst {};   // no row is waiting for this event: it must be admitted (again)
using Opening = std::variant<CallPtr, NothingToDo, AdmitFirst, EventFailure>;

struct Opened {
  std::vector<Opening> events;  // of the turns, index by index; EventFailure::event is ignored
  std::vector<DomainEvent> told = {};
  std::int64_t rows = 0;
};

// What a call brought back: the handler's own, for settle().
struct Answer {
  virtual ~Answer() = default;
};
using AnswerPtr = std::shared_ptr<const Answer>;

struct Performed {
  AnswerPtr answer;
};
// Nothing has left the process: the event has its turn again, at once or after that time, and no
// attempt is charged.
struct NotBegun {
  std::string why;
  std::optional<std::chrono::milliseconds> retry_after = {};
};
// Of reconcile(): the service knows nothing of it. It is performed.
struct HadNoEffect {};
struct CallFailed {
  EventFailure why;       // `event` and `not_before` are ignored
  bool in_doubt = false;  // it may have had its effect all the same
  AnswerPtr answer = {};  // what settle() should know besides
  std::optional<std::chrono::milliseconds> retry_after = {};  // the service's word
};
using CallOutcome = std::variant<Performed, NotBegun, HadNoEffect, CallFailed>;

// What became of an event, for the handler's own rows.
enum class Settled : std::uint8_t {
  done,         // performed, or nothing was to do
  retried,      // failed; it will be tried again at `due`
  withdrawn,    // not begun after all, or proven to have had no effect: it waits as before
  died,         // failed for good: its dead letter says why
  cancelled,    // by an operator
  hastened,     // an operator made it due now
  prioritized,  // an operator gave it another priority
};

struct Settling {
  message::Identity event;
  std::int32_t life = 0;
  std::int32_t attempts = 0;  // charged in this life, this one included
  Settled fate = Settled::done;
  AnswerPtr answer = {};
  message::Rejection why = {};               // of retried and died
  base::EpochMicros due = 0;                 // of retried, withdrawn, hastened
  std::int16_t priority = kPriorityDefault;  // of prioritized
};

struct SettledRows {
  std::vector<DomainEvent> told = {};  // their cause: the number of the settling
  std::int64_t rows = 0;
};

// Until when a call may begin, and when it must have ended; steady clock, of this process.
struct Ticket {
  std::chrono::steady_clock::time_point begin_by;
  std::chrono::steady_clock::time_point end_by;
};

// A request that was made for a call, for logs and metrics.
struct RequestSeen {
  std::string upstream;   // e.g. tmdb
  std::string operation;  // out of a closed list
  std::string outcome;    // a status, or the class of what went wrong
  double seconds = 0;
  std::string correlation_id = {};
};

// What the engine lends to a caller; outlives it.
struct CallerTools {
  using Instant = std::chrono::steady_clock::time_point;
  boost::asio::io_context& loop;
  // May one more request be made, beside the one that each perform() has a ticket for? Answers, at
  // once or later and on any thread, until when it must have begun; empty: not before the deadline.
  std::function<void(Instant deadline, std::function<void(std::optional<Instant>)>)> permit;
  std::function<void(const RequestSeen&)> seen;  // on the loop's thread
};

// Makes the calls. Lives on the call loop's thread: constructed, used and destroyed there.
class Caller {
 public:
  using Done = std::function<void(CallOutcome)>;

  virtual ~Caller() = default;
  // Calls `done` once, on the same thread, and not from within perform(). The first byte leaves
  // before `begin_by`, or nothing does (NotBegun); by `end_by` it is over.
  virtual void perform(CallPtr call, const Ticket& ticket, Done done) = 0;
  // What became of it? Changes nothing out there.
  virtual void reconcile(CallPtr call, const Ticket& ticket, Done done) = 0;
};

class PerformThenSettle {
 public:
  virtual ~PerformThenSettle() = default;
  virtual std::unique_ptr<Admissions> make_admissions() const = 0;

  // In the transaction that marks them as begun: what is to be called, or not. Each turn is the
  // first of its order key.
  virtual base::Result<Opened> open(postgres::Transaction& transaction,
                                    std::span<const Turn> turns) const = 0;

  // What became of events that were admitted before.
  virtual base::Result<SettledRows> settle(postgres::Transaction& transaction,
                                           std::span<const Settling> settlings) const = 0;

  // Called once, on the call loop's thread.
  virtual base::Result<std::unique_ptr<Caller>> make_caller(CallerTools tools) const = 0;
};

}  // namespace spool::handler
