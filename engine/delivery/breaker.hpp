// Circuit breaker of one service that handlers call: after too many failures nobody calls it for a
// while, then a single probe decides. Pure; whoever owns it guards it with a lock. Every admitted
// call ends in exactly one of succeeded(), failed(), abandon(). An answer counts only in the state
// in which its call was admitted: a slow one from before neither closes a breaker nor opens it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "engine/delivery/backoff.hpp"
#include "engine/delivery/time.hpp"

namespace spool::delivery {

// It opens on a failure: the last `failures` answers were failures, or the share `ratio` of the
// last `window` were (once there are `window_min`). 0 or less: that rule does not apply.
struct BreakerSettings {
  std::size_t failures = 5;
  double ratio = 0.5;
  std::size_t window = 100;
  std::size_t window_min = 20;
  std::chrono::milliseconds window_age{120'000};  // older answers are forgotten
  std::chrono::milliseconds open_for{30'000};     // doubles with every probe that fails
  std::chrono::milliseconds open_cap{300'000};
  std::chrono::milliseconds hint_cap{3'600'000};  // no hint of the service counts for longer
  std::chrono::milliseconds probe_lost{120'000};  // without an answer; above any call's deadline
};

enum class BreakerState { closed, open, half_open };
const char* to_string(BreakerState state);

class Breaker {
 public:
  struct Permit {
    std::uint64_t generation = 0;
  };

  explicit Breaker(const BreakerSettings& settings);
  // Whether admit() would give a permit; half open it gives one, and no other until that call ends.
  bool allows(Instant now) const;
  std::optional<Permit> admit(Instant now);
  void succeeded(Permit permit, Instant now);
  // `calls`: how many were made under the permit, all to no avail.
  void failed(Permit permit, Instant now, std::size_t calls = 1);
  // The call was not made, or its answer says nothing about the service.
  void abandon(Permit permit);
  // The service asks to be left alone: opens nothing, but keeps open what is open or opens before.
  void retry_after(Instant until, Instant now);
  BreakerState state(Instant now) const;
  // When allows() turns true by time alone; when that is past, it has. Empty while closed.
  std::optional<Instant> wake_at() const;

 private:
  struct Answer {
    Instant at;
    bool failed;
  };
  void remember(bool failed, Instant now);
  bool too_many() const;
  void open(Instant now);
  Instant next_probe() const;

  BreakerSettings settings_;
  bool closed_ = true;
  bool probe_out_ = false;        // never while closed
  std::uint64_t generation_ = 1;  // another one with each change of state and each probe
  std::deque<Answer> answers_;    // while closed; oldest first
  std::size_t failed_ = 0;        // of answers_
  std::size_t in_a_row_ = 0;      // failures at the end of answers_
  Backoff backoff_;
  std::chrono::milliseconds open_length_{0};
  Instant open_until_{}, probe_lost_at_{}, closed_at_{}, hint_{};
};

// The breakers of all services, by name; each is made when it is first asked for, and stays.
class Breakers {
 public:
  explicit Breakers(const BreakerSettings& settings) : settings_(settings) {}
  Breaker& of(const std::string& name);
  const Breaker* find(const std::string& name) const;  // null: nobody has asked for it

 private:
  BreakerSettings settings_;
  std::map<std::string, Breaker> breakers_;
};

}  // namespace spool::delivery
