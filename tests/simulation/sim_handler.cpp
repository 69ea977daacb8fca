#include "tests/simulation/sim_handler.hpp"

#include <array>
#include <charconv>

#include "engine/base/assert.hpp"
#include "tests/simulation/sim_broker.hpp"

namespace spool::simulation {
namespace {

using base::Failure;
using base::FailureKind;

class SimApply : public handler::ApplyAtOnce {
 public:
  explicit SimApply(bool ledger) : ledger_(ledger) {}
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<SimBatch>(ledger_);
  }

 private:
  bool ledger_;
};

// {"n":1,"k":2,"v":3,"f":4}: the four numbers in their order.
std::array<int, 4> numbers_of(std::string_view data) {
  std::array<int, 4> numbers{};
  for (int& number : numbers) {
    const std::size_t colon = data.find(':');
    SPOOL_ASSERT(colon != std::string_view::npos, "the simulation's own events have four numbers");
    data.remove_prefix(colon + 1);
    std::from_chars(data.data(), data.data() + data.size(), number);
  }
  return numbers;
}

}  // namespace

std::optional<message::Rejection> SimBatch::stage(const message::Event& event, base::EpochMicros) {
  const auto [number, key, version, flaw] = numbers_of(event.data);
  if (static_cast<Flaw>(flaw) == Flaw::rejected) {
    return message::Rejection{message::ErrorType::schema_violation, "f", "rejected"};
  }
  items_.push_back({number, key, version, flaw});
  return std::nullopt;
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
    const Flaw flaw = static_cast<Flaw>(item.flaw);
    if (flaw == Flaw::refused) return Failure(FailureKind::bad_data, "value refused", "22003");
    if (flaw == Flaw::throws)
      return Failure(FailureKind::bad_data, "the handler threw", delivery::kHandlerThrew);
    ledger_ ? record(item, database, lane, counts) : upsert(item, database, lane, counts);
  }
  return counts;
}

void SimBatch::record(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
                      handler::ApplyCounts& counts) const {
  LaneTables& tables = database.tables(lane);
  if (!tables.ledger_ids.insert(item.number).second) {
    ++counts.duplicate;
    return;
  }
  tables.ledger.push_back(item.number);
  database.on_undo([lane, number = item.number](SimDatabase& back) {
    back.tables(lane).ledger_ids.erase(number);
    back.tables(lane).ledger.pop_back();
  });
  ++counts.written;
}

void SimBatch::upsert(const Item& item, SimDatabase& database, const delivery::LaneId& lane,
                      handler::ApplyCounts& counts) const {
  auto& newest = database.tables(lane).newest;
  const auto [row, fresh] = newest.try_emplace(item.key, item.version);
  if (!fresh && row->second >= item.version) {
    ++counts.stale;
    return;
  }
  const std::optional<int> before = fresh ? std::nullopt : std::optional(row->second);
  row->second = item.version;
  database.on_undo([lane, key = item.key, before](SimDatabase& back) {
    if (before) {
      back.tables(lane).newest[key] = *before;
    } else {
      back.tables(lane).newest.erase(key);
    }
  });
  ++counts.written;
}

handler::Handler make_sim_handler(const std::string& name) {
  const bool ledger = name == "ledger";
  handler::HandlerSpec spec{name,
                            SimBroker::topic(name),
                            {"simulated.v1"},
                            ledger ? handler::Idempotence::ledger : handler::Idempotence::natural};
  return {std::move(spec), std::make_unique<SimApply>(ledger)};
}

}  // namespace spool::simulation
