// A limit on calls that holds over all workers of a deployment, as the service counts them on any
// window. The database's time is cut into slots; workers lease tokens of slots, and a token begins
// a call within its slot or not at all. The slots that a stretch of `window + allowance` touches,
// wherever it lies, are granted at most `requests`; what arrives within one window was begun within
// such a stretch. Pure; times of the database in microseconds, of this process as Instant.
//
// What it rests on: the way to the service takes the allowance longer at the most than at the
// least; the clock of the database's host is slewed, not set forward; a worker's steady clock does
// not stand still while it runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/delivery/time.hpp"

namespace spool::delivery {

struct RatePolicy {
  std::int64_t requests = 0;  // in any window; 0: no limit
  std::chrono::microseconds window{10'000'000};
  // What is lost of the limit is (allowance + slot) / window.
  std::chrono::microseconds allowance{250'000};

  // How long a token lives. Short, for what is lost; long enough to be leased and used in.
  std::chrono::microseconds slot() const;
  // Slots that are less than this apart share the limit.
  std::chrono::microseconds span() const { return window + allowance; }
  // What one worker leases within the length of a slot, at the most: eight times what is granted
  // in the long run. Whoever is nearest to the database must not have everything.
  std::int64_t share() const;
};

// Tokens of the slot that begins then.
struct RateSlot {
  base::EpochMicros begins = 0;
  std::int64_t tokens = 0;
  friend bool operator==(const RateSlot&, const RateSlot&) = default;
};

struct LeaseRequest {
  std::int64_t wanted = 0;
  std::vector<RateSlot> unused = {};  // tokens that will begin no call: they were never granted

  bool empty() const { return wanted == 0 && unused.empty(); }
};

// The answer, between two readings of each clock: what the database read lies within what we read.
struct RateLease {
  Instant sent{};
  base::EpochMicros arrived = 0;
  base::EpochMicros answered = 0;
  Instant received{};
  std::vector<RateSlot> slots = {};
  base::EpochMicros next = 0;  // if it is fewer than wanted: the next slot that has room by now
};

// Where tokens are leased. One thread, but for the last two, which are for any.
class RateSlots {
 public:
  virtual ~RateSlots() = default;
  // After a failure nobody knows whether tokens were granted; nobody uses them.
  virtual base::Result<RateLease> lease(const LeaseRequest& request) = 0;
  // Ends a call that has lasted longer than `limit`.
  virtual void interrupt(std::chrono::milliseconds limit) = 0;
  // Once: ends the call under way and fails all that come.
  virtual void close() = 0;
};

// The tokens that one worker holds, and what it should lease next: what it has use for and no more,
// rounded up to what it used of late, so that steady work is not a lease for each call. What it
// holds in vain goes back.
class RateTokens {
 public:
  explicit RateTokens(const RatePolicy& policy);

  std::size_t available(Instant now) const;
  // Each with the instant before which its call begins.
  std::vector<Instant> take(std::size_t n, Instant now);
  // Nothing was begun with it.
  void give_back(Instant begin_by, Instant now);
  // When the next slot begins of which tokens are held.
  std::optional<Instant> next_at(Instant now) const;

  // So many more could be used. Forgotten when tokens come and nobody takes them.
  void ask(std::size_t n) { asked_ = static_cast<std::int64_t>(n); }
  std::size_t asked() const { return static_cast<std::size_t>(asked_); }

  // When there will be something to ask the database for, if nothing else happens; `waiting`: calls
  // that need a token besides those asked for.
  std::optional<Instant> lease_at(Instant now, std::size_t waiting);
  // What to ask for. Not empty when lease_at() has come. What it names as unused is forgotten here.
  LeaseRequest wants(Instant now, std::size_t waiting);
  // The answer to the last wants(); may be left out if there was none.
  void add(const RateLease& lease);

 private:
  struct Held {
    base::EpochMicros begins = 0;
    Instant from{};
    std::int64_t tokens = 0;  // not taken
  };

  bool usable(Instant until, Instant now) const { return now + margin_ <= until; }
  std::int64_t held() const;
  std::int64_t lacking(std::size_t waiting) const;
  void expire(Instant now);
  void turn(Instant now);

  const RatePolicy policy_;
  const std::chrono::nanoseconds slot_;
  const std::chrono::nanoseconds margin_;  // of a slot's end, in which nobody would begin in time
  std::map<Instant, Held> held_;           // by end; kept for a while for what is given back
  std::map<base::EpochMicros, std::int64_t> unused_;
  std::int64_t asked_ = 0;
  std::int64_t wanted_ = 0;  // by the request that is under way
  Instant not_before_{};     // the database has none until then
  // Of the present length of a slot, by our clock, and of the one before.
  std::int64_t turn_ = 0;
  std::int64_t leased_ = 0;
  std::int64_t used_ = 0;
  std::int64_t used_before_ = 0;
};

}  // namespace spool::delivery
