#include "engine/delivery/open_book.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::delivery {

void OpenBook::join(const OpenRow& row, bool counted) {
  bytes_ += row.bytes;
  if (counted) ++delta.open;
  if (row.state == OpenState::scheduled) return schedule(row.due);
  Held& held = held_.touch(row.key);
  ++held.events;
  if (row.state == OpenState::parked) return;
  held.head = row.number;
  held.due = row.due;
  held.priority = row.priority;
  held.blocked = row.state == OpenState::dead;
  if (row.group != KeyHash{}) held.group = row.group;
}

void OpenBook::stay(const OpenRow& row) {
  Held& held = held_.touch(row.key);
  held.head = row.number;
  held.due = row.due;
  held.priority = row.priority;
  held.blocked = row.state == OpenState::dead;
  held.running = false;
  if (held.blocked) --delta.open;
}

void OpenBook::run(const KeyHash& key, const KeyHash& group) {
  Held& held = held_.touch(key);
  held.running = true;
  held.group = group;
}

void OpenBook::leave(const OpenRow& row) {
  bytes_ -= row.bytes;
  if (row.state != OpenState::dead) --delta.open;
  if (row.state == OpenState::scheduled) return;
  Held& held = held_.touch(row.key);
  SPOOL_ASSERT(held.events > 0, "a row leaves a key that holds none");
  --held.events;
  if (held.head == row.number) held = Held{held.events, -1, 0, false, false, held.group};
}

Revival OpenBook::revive(const FoundLetter& letter, base::EpochMicros now, bool to_admit) {
  --delta.dead;
  ++delta.open;
  Revival revival{letter.id, letter.held_by, OpenState::head, now, letter.held_by >= 0};
  if (to_admit && !revival.in_place) {
    revival.number = take_number();
    revival.state = OpenState::scheduled;
    bytes_ += letter.bytes;
    schedule(now);
    return revival;
  }
  Held& held = held_.touch(letter.key);
  if (revival.in_place) {
    held.head = letter.held_by;
    held.due = now;
    held.blocked = false;
    return revival;
  }
  revival.number = take_number();
  bytes_ += letter.bytes;
  if (held.events++ > 0) {
    revival.state = OpenState::parked;
  } else {
    held.head = revival.number;
    held.due = now;
  }
  return revival;
}

Awakening OpenBook::awaken(const OpenRow& row) {
  Awakening awakening{row.number, take_number(), OpenState::head, row.key, row.priority};
  Held& held = held_.touch(row.key);
  if (held.events++ > 0) {
    awakening.state = OpenState::parked;
  } else {
    held.head = awakening.new_number;
    held.due = row.due;
    held.priority = row.priority;
  }
  if (row.group != KeyHash{}) held.group = row.group;
  return awakening;
}

std::vector<KeyHash> OpenBook::headless() const {
  std::vector<KeyHash> keys;
  for (const KeyChange& change : held_.changes()) {
    if (change.held.events > 0 && change.held.head < 0) keys.push_back(change.key);
  }
  // In one order everywhere: a simulation must repeat itself.
  std::sort(keys.begin(), keys.end());
  return keys;
}

void OpenBook::promoted(const KeyHash& key, const Promoted& head, base::EpochMicros due) {
  Held& held = held_.touch(key);
  held.head = head.number;
  held.due = due;
  held.priority = head.priority;
  held.running = false;
}

void OpenBook::prioritize(const KeyHash& key, std::int16_t priority) {
  held_.touch(key).priority = priority;
}

void OpenBook::schedule(base::EpochMicros due) {
  if (!next_scheduled_ || due < *next_scheduled_) next_scheduled_ = due;
}

void OpenBook::scheduled_are(std::optional<base::EpochMicros> earliest) {
  next_scheduled_ = earliest;
  scheduled_known_ = true;
}

OpenChange OpenBook::change() const {
  return {held_.changes(), bytes_, next_number_, next_scheduled_, scheduled_known_};
}

}  // namespace spool::delivery
