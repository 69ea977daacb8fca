// The keys of a lane that are held: some event of theirs cannot finish now, and everything of the
// key waits behind it (rule 5). Exact: the lane's owner alone writes open_events; payloads stay
// there. Pure. A lane changes it between jobs only: a job that runs may read it. Of the heads that
// are due those of higher priority go first. Lest the others wait for ever, every tenth is the one
// that has been due for the longest, whatever its priority: with n that may go due before it, a
// head goes at the latest as number 10 (n + 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/delivery/order_key.hpp"
#include "engine/handler/priority.hpp"

namespace spool::delivery {

// One held key.
struct Held {
  std::int64_t events = 0;    // head and parked
  std::int64_t head = -1;     // number of the head's row
  base::EpochMicros due = 0;  // when the head acts
  bool blocked = false;       // the head is dead: nothing acts until an operator decides
  bool running = false;       // the head is being performed: nothing acts until that has ended
  KeyHash group = {};         // whose calls are counted together; nil: not known yet
  std::int16_t priority = handler::kPriorityDefault;  // of the head
  bool acts() const { return !blocked && !running; }
  friend bool operator==(const Held&, const Held&) = default;
};

// A key as it is from now on; one without events is held no more.
struct KeyChange {
  KeyHash key;
  Held held;
};

// A head whose time has come.
struct HeadRef {
  KeyHash key;
  std::int64_t number = 0;
  base::EpochMicros due = 0;
};

class HeldKeys {
 public:
  const Held* find(const KeyHash& key) const;
  void set(const KeyHash& key, const Held& held);

  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  std::int64_t events() const { return events_; }

  // The heads due by `now`, at most `heads_max`, those of higher priority first, then the earliest,
  // then in the order of their numbers. `before`: so many were given out before these, by which
  // every tenth is told.
  std::vector<HeadRef> due(base::EpochMicros now, std::size_t heads_max,
                           std::uint64_t before = 0) const;
  // The same of those that `accept` takes.
  std::vector<HeadRef> due(base::EpochMicros now, std::size_t heads_max, std::uint64_t before,
                           const std::function<bool(const Held&)>& accept) const;
  std::optional<base::EpochMicros> next_due() const;

 private:
  std::unordered_map<KeyHash, Held, KeyHashOf> keys_;
  struct Waiting {
    base::EpochMicros due;
    std::int64_t head;
    KeyHash key;
    // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
    friend auto operator<=>(const Waiting&, const Waiting&) = default;
  };
  void forget(const Held& held, const KeyHash& key);

  // Of keys whose head acts: all of them, and those of each priority.
  std::set<Waiting> by_due_;
  std::map<std::int16_t, std::set<Waiting>, std::greater<>> by_priority_;
  std::int64_t events_ = 0;
};

// The held keys as a transaction leaves them, before anybody knows that it commits.
class HeldOverlay {
 public:
  explicit HeldOverlay(const HeldKeys& base) : base_(base) {}

  // As it is by now; null: not held.
  const Held* find(const KeyHash& key) const;
  // To be changed.
  Held& touch(const KeyHash& key);
  std::vector<KeyChange> changes() const;

 private:
  const HeldKeys& base_;
  std::unordered_map<KeyHash, Held, KeyHashOf> touched_;
};

}  // namespace spool::delivery
