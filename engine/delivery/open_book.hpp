// The books of one transaction: how it changes a lane's open events, its held keys and its
// counters. What a transaction writes and what the lane will believe come from the same entries.
// Pure; lives as long as the transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/delivery/held_keys.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_events.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery {

class OpenBook {
 public:
  explicit OpenBook(const Footing& footing)
      : held_(*footing.held), next_number_(footing.next_number) {}

  const Held* held(const KeyHash& key) const { return held_.find(key); }
  std::int64_t take_number() { return next_number_++; }

  // A row joins: `counted` unless it is dead.
  void join(const OpenRow& row, bool counted = true);
  // A row is this from now on (same number): a head that failed, or died and holds its key.
  void stay(const OpenRow& row);
  void leave(const OpenRow& row);  // closed
  // A dead letter begins a new life: in its key's order, or, where events are admitted first, as a
  // scheduled one whose time has come.
  Revival revive(const FoundLetter& letter, base::EpochMicros now, bool to_admit = false);
  // A scheduled row takes its place.
  Awakening awaken(const OpenRow& row);
  // The head of this key is being performed from now on.
  void run(const KeyHash& key, const KeyHash& group);
  // Whose calls those of the key are counted with.
  void group(const KeyHash& key, const KeyHash& group) { held_.touch(key).group = group; }

  // Keys whose head is gone while others wait: their next row must be promoted.
  std::vector<KeyHash> headless() const;
  void promoted(const KeyHash& key, const Promoted& head, base::EpochMicros due);
  // The key's head, which waits, has this priority from now on.
  void prioritize(const KeyHash& key, std::int16_t priority);

  void schedule(base::EpochMicros due);
  void scheduled_are(std::optional<base::EpochMicros> earliest);

  Counters delta;
  OpenChange change() const;

 private:
  HeldOverlay held_;
  std::int64_t next_number_;
  std::int64_t bytes_ = 0;
  std::optional<base::EpochMicros> next_scheduled_;
  bool scheduled_known_ = false;
};

}  // namespace spool::delivery
