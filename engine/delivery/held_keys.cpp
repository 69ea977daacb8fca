#include "engine/delivery/held_keys.hpp"

#include <unordered_set>

namespace spool::delivery {
namespace {

constexpr std::uint64_t kOldestEvery = 10;

}  // namespace

const Held* HeldKeys::find(const KeyHash& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

void HeldKeys::set(const KeyHash& key, const Held& held) {
  if (const auto known = keys_.find(key); known != keys_.end()) {
    events_ -= known->second.events;
    if (known->second.acts()) forget(known->second, key);
    keys_.erase(known);
  }
  if (held.events == 0) return;
  events_ += held.events;
  keys_.emplace(key, held);
  if (!held.acts()) return;
  by_due_.insert({held.due, held.head, key});
  by_priority_[held.priority].insert({held.due, held.head, key});
}

void HeldKeys::forget(const Held& held, const KeyHash& key) {
  const Waiting waiting{held.due, held.head, key};
  by_due_.erase(waiting);
  const auto same = by_priority_.find(held.priority);
  same->second.erase(waiting);
  if (same->second.empty()) by_priority_.erase(same);
}

std::vector<HeadRef> HeldKeys::due(base::EpochMicros now, std::size_t heads_max,
                                   std::uint64_t before) const {
  return due(now, heads_max, before, [](const Held&) { return true; });
}

std::vector<HeadRef> HeldKeys::due(base::EpochMicros now, std::size_t heads_max,
                                   std::uint64_t before,
                                   const std::function<bool(const Held&)>& accept) const {
  struct Walk {
    std::set<Waiting>::const_iterator at;
    std::set<Waiting>::const_iterator end;
  };
  std::unordered_set<KeyHash, KeyHashOf> taken;
  const auto next = [&](Walk& walk) -> const Waiting* {
    for (; walk.at != walk.end && walk.at->due <= now; ++walk.at) {
      if (!taken.contains(walk.at->key) && accept(keys_.at(walk.at->key))) return &*walk.at;
    }
    return nullptr;
  };
  Walk oldest{by_due_.begin(), by_due_.end()};
  std::vector<Walk> ranks;  // the highest first
  ranks.reserve(by_priority_.size());
  for (const auto& [priority, waiting] : by_priority_)
    ranks.push_back({waiting.begin(), waiting.end()});
  const auto next_of_highest = [&]() -> const Waiting* {
    for (Walk& walk : ranks) {
      if (const Waiting* found = next(walk)) return found;
    }
    return nullptr;
  };
  std::vector<HeadRef> heads;
  while (heads.size() < heads_max) {
    const bool tenth = (before + heads.size() + 1) % kOldestEvery == 0;
    const Waiting* found = tenth ? next(oldest) : next_of_highest();
    if (found == nullptr) break;
    taken.insert(found->key);
    heads.push_back({found->key, found->head, found->due});
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
