// The keys of a lane that are held: some event of theirs cannot finish now, and everything of the
// key waits behind it (rule 5). Exact, because the lane's owner is the only writer of open_events;
// payloads stay in the table. Pure. A lane changes it between jobs only: a job that runs may read
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/delivery/order_key.hpp"

namespace spool::delivery {

// One held key.
struct Held {
  std::int64_t events = 0;    // head and parked
  std::int64_t head = -1;     // number of the head's row
  base::EpochMicros due = 0;  // when the head acts
  bool blocked = false;       // the head is dead: nothing acts until an operator decides
  bool running = false;       // the head is being performed: nothing acts until that has ended
  KeyHash group = {};         // whose calls are counted together; nil: not known yet
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

  // The heads due by `now`, earliest first, in the order of their numbers, at most `heads_max`.
  std::vector<HeadRef> due(base::EpochMicros now, std::size_t heads_max) const;
  // The same of those that `accept` takes.
  std::vector<HeadRef> due(base::EpochMicros now, std::size_t heads_max,
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
  std::set<Waiting> by_due_;  // of keys whose head acts
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
