// Keeps one lane from flooding the dead-letter topic: when deaths come too thick the lane parks for
// a while, then tries again with a few events. One of them that survives opens it fully; if all die
// it is shut for longer. Owned by the lane, under its lock; one batch at a time. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "engine/delivery/backoff.hpp"
#include "engine/delivery/time.hpp"

namespace spool::delivery {

// It shuts after `streak` deaths without a survivor between, and when of the last `window` events
// the share `ratio` died (not before there were so many). 0 or less: that rule does not apply.
struct ValveSettings {
  std::int64_t streak = 1'000;
  double ratio = 0.5;
  std::int64_t window = 2'000;
  std::chrono::milliseconds shut_for{30'000};  // doubles with every trial that all die in
  std::chrono::milliseconds shut_cap{600'000};
  std::int64_t probe = 10;  // events of a trial
};

enum class ValveState { open, shut, trying };
const char* to_string(ValveState state);

// How many of the last events died. Slides in steps of a tenth of `size`: once full it covers at
// least `size` events, and less than one step more. Within a batch, deaths count as evenly spread.
class DeathWindow {
 public:
  explicit DeathWindow(std::int64_t size) : size_(size), step_(size / 10 + (size % 10 > 0)) {}

  void add(std::int64_t deaths, std::int64_t events);
  bool reaches(double ratio) const { return reaches_after(0, ratio); }
  // The least number of deaths in a row, above zero, after which it reaches the ratio.
  std::int64_t deaths_to_reach(double ratio) const;

 private:
  struct Bucket {
    std::int64_t deaths = 0;
    std::int64_t events = 0;  // `step_`, but for the last
  };
  bool reaches_after(std::int64_t deaths, double ratio) const;

  std::int64_t size_, step_;
  std::deque<Bucket> buckets_;
  std::int64_t deaths_ = 0, events_ = 0;  // of all buckets
};

class Valve {
 public:
  explicit Valve(const ValveSettings& settings);

  ValveState state(Instant now) const;
  // Whether any event may pass; a trial counts. How many: events_allowed().
  bool open(Instant now) const { return events_allowed(now) > 0; }
  // Of the next batch: all (the largest number) when open, a trial's, or none.
  std::int64_t events_allowed(Instant now) const;
  // A batch that ends with this many deaths cannot overshoot: if nothing survives in it, exactly
  // the last of them shuts the valve. The largest number: nothing shuts it.
  std::int64_t deaths_allowed(Instant now) const;

  // What became of the events of a batch. What settles while it is shut was begun before and
  // changes nothing.
  void settled(std::int64_t deaths, std::int64_t others, Instant now);
  // When a trial is due; when that is past, it is. Empty while open.
  std::optional<Instant> wake_at() const { return shut_until_; }
  // By an operator: open, as if nothing had died yet.
  void release();

 private:
  ValveSettings settings_;
  std::optional<Instant> shut_until_;
  Backoff backoff_;
  std::int64_t dead_in_a_row_ = 0;
  DeathWindow window_;
};

}  // namespace spool::delivery
