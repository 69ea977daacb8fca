// What a transaction writes besides the handler's own rows, once the handler has applied what was
// staged: events that open, wait, fail, end. Made for one transaction of one BatchRun.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/open_book.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery {

// An attempt that failed, for the log and the counters.
struct FailedEvent {
  message::ErrorType type;
  std::string source;
  std::string id;
  std::string reason;
  std::int64_t offset = 0;
  std::string traceparent;
  std::int32_t life = 0;
  std::int32_t attempt = 1;
  base::EpochMicros due = 0;  // of the next attempt; 0: it is dead
};

class Settlement {
 public:
  Settlement(const LaneId& lane, Attempts& attempts, const Route& route, OpenBook& book,
             base::EpochMicros now)
      : lane_(lane), attempts_(attempts), route_(route), book_(book), now_(now) {}

  // These waited, and need not be performed any more; before settle().
  void swallow(std::span<const OpenRow> rows);
  base::Status settle(LaneTransaction& transaction);

  bool outbox_written() const { return outbox_written_; }
  std::int64_t newly_dead() const { return newly_dead_; }
  std::int64_t dead_already() const { return dead_already_; }
  std::vector<FailedEvent>& failed() { return failed_; }
  // Of the deaths that are new.
  std::vector<Telling>& tellings() { return tellings_; }

 private:
  void sort_out(std::size_t item);
  void fail(std::size_t item);
  void die(std::size_t item);
  void schedule(std::size_t item);
  void hold(std::size_t item);
  void open(std::size_t item, OpenState state, base::EpochMicros due);
  OpenRow row_of(std::size_t item, OpenState state);
  void report(std::size_t item, const Attempts::Named& named, base::EpochMicros due);
  base::Status bury(LaneTransaction& transaction);
  void buried(std::size_t letter, bool fresh);
  base::Status write_open(LaneTransaction& transaction);
  base::Status remember(LaneTransaction& transaction);

  const LaneId& lane_;
  Attempts& attempts_;
  const Route& route_;
  OpenBook& book_;
  base::EpochMicros now_;
  bool outbox_written_ = false;
  std::int64_t newly_dead_ = 0;
  std::int64_t dead_already_ = 0;

  std::vector<DeadLetter> letters_;
  std::vector<std::size_t> letter_items_;
  std::vector<OpenRow> letter_rows_;  // the row that each has, or would hold its key with
  std::vector<OpenEvent> opened_;
  std::vector<Reschedule> rescheduled_;
  std::vector<std::int64_t> closed_;
  std::vector<std::int64_t> blocked_;
  std::vector<Postponement> postponed_;
  std::vector<Awakening> awakened_;
  std::vector<FailedEvent> failed_;
  std::vector<Telling> tellings_;
};

// Gives every key whose head has gone its next one, due now.
base::Status promote_next(LaneTransaction& transaction, OpenBook& book, base::EpochMicros now);

// A statement of the engine's own that the database refuses is our fault, never an event's.
base::Status own(base::Status status);

}  // namespace spool::delivery
