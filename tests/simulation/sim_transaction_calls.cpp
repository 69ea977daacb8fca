// What a lane whose handler performs asks of its open events.
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
    OpenRow& row = tables().open.at(head.number).row;
    if (row.state != delivery::OpenState::head) throw Violation("a row that is no head is marked");
    row.due = head.due;
    row.doubt_until = head.doubt_until;
  }
  return {};
}

Result<handler::Opened> SimTransaction::open_calls(const handler::PerformThenSettle&,
                                                   std::span<const handler::Turn>) {
  throw Violation("no simulated handler performs");
}

Result<handler::SettledRows> SimTransaction::settle_calls(const handler::PerformThenSettle&,
                                                          std::span<const handler::Settling>) {
  throw Violation("no simulated handler performs");
}

}  // namespace spool::simulation
