// What a lane whose handler performs asks of its open events.
#include "tests/simulation/sim_calls.hpp"
#include "tests/simulation/sim_transaction.hpp"

namespace spool::simulation {

using base::Result;
using base::Status;
using delivery::OpenRow;

Result<delivery::OpenPage> SimTransaction::read_rows(std::span<const std::int64_t> numbers) {
  if (auto failure = trouble(true)) return *failure;
  delivery::OpenPage page;
  const std::set<std::int64_t> asked(numbers.begin(), numbers.end());
  for (const auto& [number, kept] : tables().open) {
    if (!asked.contains(number)) continue;
    page.rows.push_back(kept.row);
    read_.insert_or_assign(number, HeadBefore{kept.row, kept.marked_at});
    page.names.push_back(kept.identity);
    kept.record.append_to(page.records);
  }
  return page;
}

Result<std::vector<OpenRow>> SimTransaction::find_open(std::span<const message::Identity> events) {
  if (auto failure = trouble(true)) return *failure;
  const std::set<message::Identity> asked(events.begin(), events.end());
  std::vector<OpenRow> rows;
  for (const auto& [number, kept] : tables().open) {
    if (asked.contains(kept.identity)) rows.push_back(kept.row);
  }
  return rows;
}

Status SimTransaction::mark(std::span<const delivery::HeadMark> heads) {
  if (auto failure = trouble(true)) return *failure;
  for (const delivery::HeadMark& head : heads) {
    database_.keep_open(lane_, head.number);
    OpenKept& kept = tables().open.at(head.number);
    kept.marked_at = database_.time;
    OpenRow& row = kept.row;
    if (row.state != delivery::OpenState::head) throw Violation("a row that is no head is marked");
    row.due = head.due;
    row.doubt_until = head.doubt_until;
    begins_ |= head.doubt_until > database_.time;
    const bool at_once = faults_.planted(Plant::asked_at_once);
    if (at_once && row.doubt_until > 0) row.doubt_until = database_.time;
  }
  return {};
}

Result<handler::Opened> SimTransaction::open_calls(const handler::PerformThenSettle& way,
                                                   std::span<const handler::Turn> turns) {
  if (auto failure = trouble(true)) return *failure;
  return dynamic_cast<const SimPerform&>(way).open_to(database_, lane_, turns);
}

Result<handler::SettledRows> SimTransaction::settle_calls(
    const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) {
  if (auto failure = trouble(true)) return *failure;
  if (faults_.planted(Plant::settled_outside)) {
    way_ = &way;
    settlings_later_.insert(settlings_later_.end(), settlings.begin(), settlings.end());
    return handler::SettledRows{};
  }
  return dynamic_cast<const SimPerform&>(way).settle_to(database_, lane_, settlings);
}

}  // namespace spool::simulation
