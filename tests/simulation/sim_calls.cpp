#include "tests/simulation/sim_calls.hpp"

#include <algorithm>
#include <stdexcept>

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using handler::Settled;

Failure no_database() {
  return {FailureKind::schema, "a simulated handler has no PostgreSQL"};
}

// Half of those that fail for good, or wait for a login, are known before anybody is called.
bool known_before(const Plan& plan) {
  return plan.number % 2 == 0;
}

void add_deed(SimDatabase& database, const delivery::LaneId& lane, Deed::Kind kind,
              const message::Identity& event, const CallRow& row) {
  Deed deed;
  deed.kind = kind;
  deed.serial = row.serial;
  deed.identity = event;
  deed.life = row.life;
  database.add_deed(lane, std::move(deed));
}

}  // namespace

std::optional<message::Rejection> SimAdmissions::stage(const message::Event& event,
                                                       const handler::Attempt& attempt) {
  const Plan& plan = scene_.broker.plan(event_of(event.data));
  const int serial = std::stoi(std::string(event.correlation_id));
  const bool ails = plan.ails(attempt.life);
  if (ails && plan.nature == Nature::kills_early) end_process(scene_, serial, attempt.life);
  if (ails && plan.nature == Nature::throws_early) throw std::runtime_error("thrown by stage()");
  if (ails && plan.nature == Nature::rejected)
    return message::Rejection{message::ErrorType::schema_violation, "n", "rejected"};
  const std::string list =
      plan.key == 0 ? "" : std::to_string(plan.key) + "/" + std::to_string(plan.finer);
  items_.push_back(
      {serial, plan.number, list, {std::string(event.source), std::string(event.id)}, attempt});
  return std::nullopt;
}

Result<handler::Admitted> SimAdmissions::admit(postgres::Transaction&, std::size_t, std::size_t) {
  return no_database();
}

// The ledger: what it was given before, and is not to be admitted again.
bool SimAdmissions::known(const Item& item, const LaneTables& tables) const {
  const auto row = tables.calls.find(item.identity);
  if (row == tables.calls.end() || scene_.faults.planted(Plant::calls_unknown)) return false;
  const bool again = item.attempt.life > row->second.life ||
                     (item.attempt.called && row->second.state == CallRow::State::waits);
  return !again;
}

Result<handler::Admitted> SimAdmissions::admit_to(SimDatabase& database,
                                                  const delivery::LaneId& lane, std::size_t first,
                                                  std::size_t last) const {
  handler::Admitted admitted;
  for (std::size_t i = first; i < last; ++i) {
    const Item& item = items_[i];
    const Plan& plan = scene_.broker.plan(item.plan);
    const bool ails = plan.ails(item.attempt.life);
    if (ails && plan.nature == Nature::kills) end_process(scene_, item.serial, item.attempt.life);
    if (ails && plan.nature == Nature::refused)
      return Failure(FailureKind::bad_data, "value refused", "22003");
    if (ails && plan.nature == Nature::throws)
      return Failure(FailureKind::bad_data, "the handler threw", delivery::kHandlerThrew);
    if (ails && plan.nature == Nature::slow)
      return Failure(FailureKind::slow, "statement timeout", "57014");
    ++admitted.rows;
    if (known(item, database.tables(lane))) {
      admitted.events.push_back(once_more(item, database, lane));
      continue;
    }
    admitted.events.push_back(take_in(item, database, lane));
    if (plan.manner == Manner::swallows) swallow(i, first, database, lane, admitted);
  }
  return admitted;
}

// A producer's duplicate; or one that was swallowed by another part of its own batch, so that its
// row stands, and has waited for its time.
handler::Admission SimAdmissions::once_more(const Item& item, SimDatabase& database,
                                            const delivery::LaneId& lane) const {
  const CallRow& row = database.tables(lane).calls.at(item.identity);
  const bool itself = item.attempt.called && row.serial == item.serial;
  Deed deed;
  deed.kind = itself ? Deed::Kind::ended : Deed::Kind::found_double;
  deed.serial = item.serial;
  deed.identity = item.identity;
  deed.life = item.attempt.life;
  deed.attempt = item.attempt.number;
  database.add_deed(lane, std::move(deed));
  return {itself ? handler::Admission::Kind::ended : handler::Admission::Kind::duplicate};
}

handler::Admission SimAdmissions::take_in(const Item& item, SimDatabase& database,
                                          const delivery::LaneId& lane) const {
  const Plan& plan = scene_.broker.plan(item.plan);
  database.keep_call(lane, item.identity);
  CallRow& row = database.tables(lane).calls[item.identity];
  row = {CallRow::State::waits, item.serial, item.plan, item.attempt.life, item.list, false};
  // One in doubt too: later events of the log tell what became of it.
  handler::Admission verdict;
  verdict.order_key = std::to_string(plan.finer);
  if (scene_.faults.planted(Plant::calls_apart)) verdict.order_key += "/" + item.identity.id;
  if (!item.attempt.called) verdict.due = plan.due;
  if (plan.manner == Manner::ends) {
    verdict.kind = handler::Admission::Kind::ended;
    row.state = CallRow::State::swallowed;
    add_deed(database, lane, Deed::Kind::ended, item.identity, row);
  }
  return verdict;
}

// An event of a list swallows what waits there before it: an earlier one of the same batch has
// nothing left to do, one of an earlier batch need not be performed any more.
void SimAdmissions::swallow(std::size_t eater, std::size_t first, SimDatabase& database,
                            const delivery::LaneId& lane, handler::Admitted& admitted) const {
  const Item& item = items_[eater];
  if (item.list.empty()) return;
  LaneTables& tables = database.tables(lane);
  for (auto& [event, row] : tables.calls) {
    const bool begun = row.state == CallRow::State::begun || row.state == CallRow::State::retried;
    const bool meant = row.mergeable() || (begun && scene_.faults.planted(Plant::begun_swallowed));
    // What is admitted once more, behind it, has its own say then.
    const auto comes_again = [&](const Item& other) {
      return other.identity == event && !known(other, tables);
    };
    const bool later =
        std::any_of(items_.begin() + static_cast<std::ptrdiff_t>(eater), items_.end(), comes_again);
    if (row.list != item.list || event == item.identity || later || !meant) continue;
    database.keep_call(lane, event);
    row.state = CallRow::State::swallowed;
    bool here = false;
    for (std::size_t i = first; i < eater; ++i) {
      handler::Admission& earlier = admitted.events[i - first];
      if (items_[i].identity != event || earlier.kind != handler::Admission::Kind::waits) continue;
      here = true;
      earlier.kind = handler::Admission::Kind::ended;
    }
    Deed deed;
    deed.kind = here ? Deed::Kind::ended : Deed::Kind::swallowed;
    deed.serial = row.serial;
    deed.identity = event;
    deed.life = row.life;
    if (item.attempt.life == 0 && row.life == 0 && !item.attempt.called) deed.by = item.identity;
    database.add_deed(lane, std::move(deed));
    if (!here && !scene_.faults.planted(Plant::swallowed_called))
      admitted.swallowed.push_back(event);
  }
}

Result<handler::Opened> SimPerform::open(postgres::Transaction&,
                                         std::span<const handler::Turn>) const {
  return no_database();
}

Result<handler::SettledRows> SimPerform::settle(postgres::Transaction&,
                                                std::span<const handler::Settling>) const {
  return no_database();
}

Result<std::unique_ptr<handler::Caller>> SimPerform::make_caller(handler::CallerTools) const {
  return Failure(FailureKind::invalid, "the simulation makes its callers itself");
}

handler::Opened SimPerform::open_to(SimDatabase& database, const delivery::LaneId& lane,
                                    std::span<const handler::Turn> turns) const {
  handler::Opened opened;
  for (const handler::Turn& turn : turns) opened.events.push_back(open_one(database, lane, turn));
  return opened;
}

handler::Opening SimPerform::open_one(SimDatabase& database, const delivery::LaneId& lane,
                                      const handler::Turn& turn) const {
  const auto known = database.tables(lane).calls.find(turn.event);
  if (known == database.tables(lane).calls.end() || known->second.life != turn.life)
    return handler::AdmitFirst{};
  CallRow& row = known->second;
  const bool over = row.state == CallRow::State::swallowed || row.state == CallRow::State::done;
  if (over && !scene_.faults.planted(Plant::swallowed_called)) return handler::NothingToDo{};
  const Plan& plan = scene_.broker.plan(row.plan);
  const bool early = plan.nature == Nature::needs_login || plan.nature == Nature::declined;
  if (!turn.in_doubt && !row.doubted && early && known_before(plan)) {
    const Verdict should = verdict(plan, turn.life, turn.number, database.time, false);
    if (should.kind != Verdict::Kind::applies) {
      handler::EventFailure failure;
      failure.type = should.type;
      failure.text = "it need not be called to know";
      return failure;
    }
  }
  database.keep_call(lane, turn.event);
  row.state = CallRow::State::begun;
  row.doubted |= turn.in_doubt;
  return call_of(row, lane, turn, database.time);
}

handler::CallPtr SimPerform::call_of(const CallRow& row, const delivery::LaneId& lane,
                                     const handler::Turn& turn, base::EpochMicros now) const {
  auto call = std::make_shared<SimCall>();
  const Plan& plan = scene_.broker.plan(row.plan);
  const std::string key = row.list.empty() ? turn.event.id : row.list;
  call->facts = {lane,
                 turn.event,
                 row.serial,
                 row.plan,
                 turn.life,
                 turn.number,
                 key,
                 now,
                 now + std::chrono::microseconds(scene_.faults.swarm.call_grace).count(),
                 scene_.service.restores(),
                 turn.life == 0 && !plan.scheduled()};
  call->last = turn.number > static_cast<std::int32_t>(scene_.faults.swarm.ladder.size());
  if (!turn.in_doubt && scene_.faults.planted(Plant::calls_before_commit))
    call->heard = scene_.service.perform(
        *call, now + std::chrono::microseconds(scene_.faults.swarm.call_timeout).count());
  return call;
}

handler::SettledRows SimPerform::settle_to(SimDatabase& database, const delivery::LaneId& lane,
                                           std::span<const handler::Settling> settlings) const {
  handler::SettledRows settled;
  for (const handler::Settling& settling : settlings) {
    const auto known = database.tables(lane).calls.find(settling.event);
    // An operator may cancel what was refused, and is admitted again only later.
    if (known == database.tables(lane).calls.end()) continue;
    database.keep_call(lane, settling.event);
    CallRow& row = known->second;
    ++settled.rows;
    switch (settling.fate) {
      case Settled::done: {
        const bool called = row.state == CallRow::State::begun;
        Deed deed;
        deed.kind = called ? Deed::Kind::applied : Deed::Kind::ended;
        deed.serial = row.serial;
        deed.identity = settling.event;
        deed.life = settling.life;
        deed.attempt = settling.attempts;
        database.add_deed(lane, std::move(deed));
        if (called) row.state = CallRow::State::done;
        break;
      }
      case Settled::retried:
        row.state = CallRow::State::retried;
        break;
      case Settled::withdrawn:
        row.state = CallRow::State::waits;
        break;
      case Settled::died:
        row.state = CallRow::State::died;
        break;
      case Settled::cancelled:
        row.state = CallRow::State::cancelled;
        break;
      case Settled::hastened:
      case Settled::prioritized:
        break;
    }
  }
  return settled;
}

}  // namespace spool::simulation
