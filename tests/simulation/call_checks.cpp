#include "tests/simulation/call_checks.hpp"

#include <algorithm>

#include "tests/simulation/trace.hpp"

namespace spool::simulation {
namespace {

void require(bool holds, const CallFacts& call, const std::string& what) {
  if (!holds)
    throw Violation(call.event.id + " (life " + std::to_string(call.life) + ") " + what +
                    " (lane " + call.lane.handler + "/" + std::to_string(call.lane.partition) +
                    ")");
}

void require(bool holds, const Deed& deed, const std::string& what) {
  if (!holds)
    throw Violation(deed.identity.id + " (life " + std::to_string(deed.life) + ") " + what);
}

// In the newest transaction.
bool just_died(const LaneTables& tables, std::int64_t number) {
  const auto& deeds = tables.deeds;
  for (auto deed = deeds.rbegin();
       deed != deeds.rend() && deed->transaction == deeds.back().transaction; ++deed) {
    if (deed->kind == Deed::Kind::died && deed->number == number) return true;
  }
  return false;
}

}  // namespace

const OpenKept* CallChecks::open_row(const CallFacts& call) const {
  for (const auto& [number, kept] : database_.tables(call.lane).open) {
    if (kept.identity == call.event) return &kept;
  }
  return nullptr;
}

void CallChecks::begins(const CallFacts& call, bool asks) {
  require(database_.time <= call.begin_by, call, "is called so long after its marker");
  if (asks) return;
  begun_.insert(call.event);
  if (call.restores != restores_) forgotten_.insert(call.event);
  const auto eaten = swallowed_before_.find(call.event);
  if (eaten == swallowed_before_.end()) return;
  // One that nobody had begun has left no trace in the world, and nobody need know: both may
  // happen, in their order.
  const LaneTables& tables = database_.tables(call.lane);
  const bool known = call.restores == restores_ && tables.row->doubted_at >= restored_at_;
  if (known || forgotten_.contains(eaten->second))
    require(tables.dead.contains(eaten->second), call,
            "is called, although the log has the event that swallows it");
}

// Whoever is called is open, marked, and the only one of its key that may be called.
void CallChecks::effect(const CallFacts& call) {
  require(effects_.emplace(call.event, call).second, call, "has its effect for the second time");
  // What was called before a restore the database need not know.
  if (call.restores != restores_) return;
  const OpenKept* kept = open_row(call);
  require(kept != nullptr, call, "has its effect, but is not open any more");
  require(kept->row.state == delivery::OpenState::head, call, "has its effect, but is no head");
  require(kept->row.doubt_until > 0, call, "has its effect without a marker");
  require(kept->row.life == call.life, call, "has its effect, but lives another life by now");
  if (!call.ordered) return;
  std::int64_t& newest = newest_.try_emplace({call.lane, call.key}, -1).first->second;
  require(kept->record.offset > newest, call, "has its effect after a later event of its key");
  newest = kept->record.offset;
}

void CallChecks::done(const Deed& deed) const {
  require(effects_.contains(deed.identity), deed, "is settled as done, but had no effect");
}

void CallChecks::without_effect(const Deed& deed) const {
  const auto effect = effects_.find(deed.identity);
  const bool had = effect != effects_.end() && effect->second.life <= deed.life;
  require(!had || forgotten_.contains(deed.identity), deed,
          "ends without effect, by the database, but has had one");
}

void CallChecks::settled(const delivery::LaneId& lane, const HeadsBefore& before,
                         const Settling& settling) const {
  const LaneTables& tables = database_.tables(lane);
  for (const auto& [number, truth] : settling) {
    const auto was = before.find(number);
    const std::string name = "head " + std::to_string(number);
    if (was == before.end()) throw Violation(name + " is settled without being read");
    if (was->second.marked_at != truth.marked_at)
      throw Violation(name +
                      " is settled by the end of another call than the one it is marked for");
    if (truth.in_doubt && just_died(tables, number)) throw Violation(name + " died in doubt");
    const auto now = tables.open.find(number);
    if (now == tables.open.end() || now->second.row.state != delivery::OpenState::head) continue;
    const std::int32_t attempts = now->second.row.attempts;
    if (attempts != was->second.row.attempts + (truth.counts ? 1 : 0))
      throw Violation(name + " has used up " + std::to_string(attempts) + " attempts, after " +
                      std::to_string(was->second.row.attempts) + " and one that " +
                      (truth.counts ? "counts" : "does not count"));
    if (truth.in_doubt && now->second.row.doubt_until == 0)
      throw Violation(name + " may have had its effect, and nobody is to ask");
  }
}

void CallChecks::before_restore() {
  ++restores_;
  restored_at_ = database_.time;
  forgotten_ = begun_;
  newest_.clear();
  swallowed_.clear();
  for (const auto& lane : broker_.lanes()) {
    if (lane.handler != kCalls) continue;
    for (const Deed& deed : database_.tables(lane).deeds) {
      if (deed.kind == Deed::Kind::swallowed && deed.by)
        swallowed_.emplace(deed.identity, *deed.by);
    }
  }
}

// What was swallowed since, and waits now as if it had not been.
void CallChecks::after_restore() {
  swallowed_before_.clear();
  for (const auto& lane : broker_.lanes()) {
    if (lane.handler != kCalls) continue;
    const LaneTables& tables = database_.tables(lane);
    for (const auto& [event, eater] : swallowed_) {
      const auto prey = tables.calls.find(event);
      const bool waits = prey == tables.calls.end() || prey->second.mergeable();
      const auto known = tables.calls.find(eater);
      if (waits && known == tables.calls.end()) swallowed_before_.emplace(event, eater);
    }
  }
}

void CallChecks::check_end(const delivery::LaneId& lane) const {
  const LaneTables& tables = database_.tables(lane);
  for (const auto& [event, call] : effects_) {
    if (call.lane != lane || forgotten_.contains(event)) continue;
    const auto row = tables.calls.find(event);
    require(row != tables.calls.end() && row->second.state == CallRow::State::done, call,
            "has had its effect, and nobody has settled it");
  }
}

}  // namespace spool::simulation
