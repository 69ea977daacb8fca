#include "tests/simulation/sim_handler.hpp"

#include <stdexcept>

#include "tests/simulation/sim_calls.hpp"

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;

class SimApply : public handler::ApplyAtOnce {
 public:
  explicit SimApply(const HandlerScene& scene) : scene_(scene) {}
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<SimBatch>(scene_);
  }
  std::string order_key(const message::Event& event) const override {
    const Plan& plan = scene_.broker.plan(event_of(event.data));
    const bool refuses = plan.nature == Nature::rejected || plan.nature == Nature::throws_early;
    const bool lost = refuses && scene_.faults.planted(Plant::refused_elsewhere);
    return lost ? "refused" : std::to_string(plan.finer);
  }

 private:
  HandlerScene scene_;
};

}  // namespace

void end_process(const HandlerScene& scene, int serial, std::int32_t life) {
  ++scene.kills[{serial, life}];
  scene.process.kill(std::pair{serial, life});
}

handler::Staging SimBatch::stage(const message::Event& event, const handler::Attempt& attempt) {
  const Plan& plan = scene_.broker.plan(event_of(event.data));
  const int serial = std::stoi(std::string(event.correlation_id));
  const bool ails = plan.ails(attempt.life);
  if (ails && plan.nature == Nature::kills_early) end_process(scene_, serial, attempt.life);
  if (ails && plan.nature == Nature::throws_early) throw std::runtime_error("thrown by stage()");
  if (ails && plan.nature == Nature::rejected)
    return message::Rejection{message::ErrorType::schema_violation, "n", "rejected"};
  if (plan.due > attempt.now) return handler::NotDue{plan.due};
  items_.push_back(
      {serial, plan.number, {std::string(event.source), std::string(event.id)}, attempt});
  return std::monostate{};
}

base::Result<handler::ApplyCounts> SimBatch::apply(postgres::Transaction&, std::size_t,
                                                   std::size_t) {
  return Failure(FailureKind::schema, "a simulated batch has no PostgreSQL");
}

base::Result<handler::ApplyCounts> SimBatch::apply_to(SimDatabase& database,
                                                      const delivery::LaneId& lane,
                                                      std::size_t first, std::size_t last) const {
  handler::ApplyCounts counts;
  for (std::size_t i = first; i < last; ++i) {
    const Item& item = items_[i];
    const Plan& plan = scene_.broker.plan(item.event);
    const Verdict should = verdict(plan, item.attempt.life, item.attempt.number, item.attempt.now,
                                   scene_.faults.service_down);
    switch (should.kind) {
      case Verdict::Kind::applies:
        take_effect(item, database, lane, counts);
        break;
      case Verdict::Kind::fails:
        counts.failed.push_back(
            {i, should.type, "as planned", should.not_before,
             plan.nature == Nature::needs_service ? std::string(kService) : std::string()});
        break;
      case Verdict::Kind::dies:
        if (plan.nature == Nature::refused)
          return Failure(FailureKind::bad_data, "value refused", "22003");
        return Failure(FailureKind::bad_data, "the handler threw", delivery::kHandlerThrew);
      case Verdict::Kind::slow:
        return Failure(FailureKind::slow, "statement timeout", "57014");
      case Verdict::Kind::kills:
        end_process(scene_, item.serial, item.attempt.life);
    }
  }
  return counts;
}

void SimBatch::take_effect(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
                           handler::ApplyCounts& counts) const {
  Deed deed;
  deed.serial = item.serial;
  deed.identity = item.identity;
  deed.life = item.attempt.life;
  deed.attempt = item.attempt.number;
  LaneTables& tables = database.tables(lane);
  if (lane.handler == "ledger" && !tables.ledger.insert(item.identity).second) {
    ++counts.duplicate;
    deed.kind = Deed::Kind::found_double;
  } else if (lane.handler == "ledger") {
    database.on_undo([lane, identity = item.identity](SimDatabase& back) {
      back.tables(lane).ledger.erase(identity);
    });
    ++counts.written;
  } else if (lane.handler == "natural") {
    ++(upsert(scene_.broker.plan(item.event), database, lane) ? counts.written : counts.stale);
  } else {
    ++counts.written;
  }
  database.add_deed(lane, std::move(deed));
}

bool SimBatch::upsert(const Plan& plan, SimDatabase& database, const delivery::LaneId& lane) const {
  auto& newest = database.tables(lane).newest;
  const auto [row, fresh] = newest.try_emplace(plan.key, plan.version);
  if (!fresh && row->second >= plan.version) return false;
  const std::optional<int> before = fresh ? std::nullopt : std::optional(row->second);
  row->second = plan.version;
  database.on_undo([lane, key = plan.key, before](SimDatabase& back) {
    if (before) {
      back.tables(lane).newest[key] = *before;
    } else {
      back.tables(lane).newest.erase(key);
    }
  });
  return true;
}

handler::Handler make_sim_handler(const std::string& name, const HandlerScene& scene) {
  handler::HandlerSpec spec;
  spec.name = name;
  spec.topic = SimBroker::topic(name);
  spec.types = {"simulated.v1"};
  spec.idempotence = name == "ledger" || name == kCalls ? handler::Idempotence::ledger
                     : name == "natural"                ? handler::Idempotence::natural
                                                        : handler::Idempotence::inbox;
  spec.order = scene.faults.swarm.order(name);
  // The events of `natural` may need it too, but nobody told the engine.
  if (name != "natural") spec.dependencies = {kService};
  if (name == kCalls) return {std::move(spec), std::make_unique<SimPerform>(scene)};
  return {std::move(spec), std::make_unique<SimApply>(scene)};
}

}  // namespace spool::simulation
