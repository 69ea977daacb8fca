// An event that kills the process must be found and buried alone, while everything else goes on. An
// end of an owner that did not let go of its lane makes what it may have been running suspect:
// suspects run under a mark that is durable before they run, and an end under a mark narrows it,
// until one event runs alone. An event that was running alone at kEndsToDie ends dies. "Alone"
// means alone in the process, whatever the lane: the dispatcher sees to that. Everything here is
// kept in the lane's row; the durable commit of the marked run clears its mark. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace spool::delivery {

inline constexpr int kEndsToDie = 3;

// Where events come from.
enum class Origin { log, open };

// A run under a mark: events of the log are [at, until) by offset, at most `events` of them; of the
// open ones, `at` is the number of the first.
struct Trial {
  Origin origin = Origin::log;
  std::int64_t at = 0;
  std::int64_t until = 0;
  std::int64_t events = 0;
  friend bool operator==(const Trial&, const Trial&) = default;
};

struct Suspicion {
  // How many events may run together; 0: none of that origin is suspect.
  std::int64_t log_together = 0;
  std::int64_t log_until = 0;  // the offset where the suspects end; 0: the next run is all
  std::int64_t open_together = 0;
  std::int64_t open_left = 0;  // events yet to be run so; 0: the next run is all
  std::optional<Trial> trial;
  // Who ran alone at the last ends, and at how many in a row.
  std::optional<Trial> accused;
  int ends = 0;
  bool any() const { return log_together > 0 || open_together > 0; }
  friend bool operator==(const Suspicion&, const Suspicion&) = default;
};

// What a taker makes of what the row says. `died`: the last owner did not let go of the lane, and
// is not the taker itself. Suspects that have not run yet stay suspect whoever takes the lane.
Suspicion after_taking(const Suspicion& found, bool died);

// The mark for a run of these events; empty if they are not suspect.
std::optional<Trial> next_trial(const Suspicion& suspicion, Origin origin, std::int64_t at,
                                std::int64_t until, std::int64_t events);

// Whether the single event of this run has used up its ends: it must not run again.
bool condemned(const Suspicion& suspicion, const Trial& trial);

// After the commit of a run under this mark that moved the log's position to `next`.
Suspicion after_commit(const Suspicion& suspicion, const Trial& trial, std::int64_t next);

}  // namespace spool::delivery
