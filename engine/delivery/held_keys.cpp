#include "engine/delivery/held_keys.hpp"

namespace spool::delivery {

const Held* HeldKeys::find(const KeyHash& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

void HeldKeys::set(const KeyHash& key, const Held& held) {
  if (const auto known = keys_.find(key); known != keys_.end()) {
    events_ -= known->second.events;
    if (known->second.acts()) by_due_.erase({known->second.due, known->second.head, key});
    keys_.erase(known);
  }
  if (held.events == 0) return;
  events_ += held.events;
  keys_.emplace(key, held);
  if (held.acts()) by_due_.insert({held.due, held.head, key});
}

std::vector<HeadRef> HeldKeys::due(base::EpochMicros now, std::size_t heads_max) const {
  return this->due(now, heads_max, [](const Held&) { return true; });
}

std::vector<HeadRef> HeldKeys::due(base::EpochMicros now, std::size_t heads_max,
                                   const std::function<bool(const Held&)>& accept) const {
  std::vector<HeadRef> heads;
  for (const auto& [due, head, key] : by_due_) {
    if (due > now || heads.size() == heads_max) break;
    if (accept(keys_.at(key))) heads.push_back({key, head, due});
  }
  return heads;
}

std::optional<base::EpochMicros> HeldKeys::next_due() const {
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->due;
}

const Held* HeldOverlay::find(const KeyHash& key) const {
  const auto found = touched_.find(key);
  if (found == touched_.end()) return base_.find(key);
  return found->second.events == 0 ? nullptr : &found->second;
}

Held& HeldOverlay::touch(const KeyHash& key) {
  const auto found = touched_.find(key);
  if (found != touched_.end()) return found->second;
  const Held* known = base_.find(key);
  return touched_.emplace(key, known == nullptr ? Held{} : *known).first->second;
}

std::vector<KeyChange> HeldOverlay::changes() const {
  std::vector<KeyChange> changes;
  changes.reserve(touched_.size());
  for (const auto& [key, held] : touched_) changes.push_back({key, held});
  return changes;
}

}  // namespace spool::delivery
