#include "engine/delivery/suspicion.hpp"

#include <algorithm>
#include <limits>

namespace spool::delivery {
namespace {

constexpr std::int64_t kWhole = std::numeric_limits<std::int32_t>::max();
// By hundreds rather than by halves: each step costs an end of the process, a mark only a small
// commit.
constexpr std::int64_t kNarrow = 100;

std::int64_t narrowed(std::int64_t events) {
  return std::max<std::int64_t>(1, events / kNarrow);
}

}  // namespace

Suspicion after_taking(const Suspicion& found, bool died) {
  Suspicion now = found;
  now.trial.reset();
  if (!died) return now;
  if (!found.trial) {
    // It ended before a suspect ran, or in a run that nobody suspected: of whichever origin that
    // may have been. Suspects of the other do not make it innocent.
    if (found.log_together == 0) {
      now.log_together = kWhole;
      now.log_until = 0;
    }
    if (found.open_together == 0) {
      now.open_together = kWhole;
      now.open_left = 0;
    }
    return now;
  }
  const Trial& trial = *found.trial;
  if (trial.events == 1) {
    const bool again =
        found.accused && found.accused->origin == trial.origin && found.accused->at == trial.at;
    now.ends = again ? found.ends + 1 : 1;
    now.accused = trial;
  }
  if (trial.origin == Origin::log) {
    now.log_together = narrowed(trial.events);
    now.log_until = trial.until;
  } else {
    now.open_together = 1;
    now.open_left = trial.events;
  }
  return now;
}

std::optional<Trial> next_trial(const Suspicion& suspicion, Origin origin, std::int64_t at,
                                std::int64_t until, std::int64_t events) {
  const auto together = origin == Origin::log ? suspicion.log_together : suspicion.open_together;
  if (together == 0) return std::nullopt;
  return Trial{origin, at, until, events};
}

bool condemned(const Suspicion& suspicion, const Trial& trial) {
  return trial.events == 1 && suspicion.ends >= kEndsToDie && suspicion.accused &&
         suspicion.accused->origin == trial.origin && suspicion.accused->at == trial.at;
}

Suspicion after_commit(const Suspicion& suspicion, const Trial& trial, std::int64_t next) {
  Suspicion now = suspicion;
  now.trial.reset();
  if (trial.origin == Origin::log && next == trial.at) return now;  // there was no room for any
  if (trial.origin == Origin::log) {
    if (next >= suspicion.log_until) now.log_together = now.log_until = 0;
  } else {
    now.open_left = std::max<std::int64_t>(0, suspicion.open_left - trial.events);
    if (now.open_left == 0) now.open_together = 0;
  }
  // The accused has run well, or there is nobody left to be accused. Another one's good run says
  // nothing about it.
  const auto together = trial.origin == Origin::log ? now.log_together : now.open_together;
  if (suspicion.accused && suspicion.accused->origin == trial.origin &&
      (suspicion.accused->at == trial.at || together == 0)) {
    now.accused.reset();
    now.ends = 0;
  }
  return now;
}

}  // namespace spool::delivery
