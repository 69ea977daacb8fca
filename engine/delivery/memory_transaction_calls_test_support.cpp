// What a lane whose handler performs asks of the memory store.
#include <gtest/gtest.h>

#include <set>

#include "engine/delivery/memory_transaction_test_support.hpp"
#include "engine/delivery/perform_test_support.hpp"

namespace spool::delivery::test {

using base::Result;
using base::Status;

Result<OpenPage> MemoryTransaction::read_rows(std::span<const std::int64_t> numbers) {
  if (auto failure = store_.strike("read_rows")) return *failure;
  OpenPage page;
  const std::set<std::int64_t> asked(numbers.begin(), numbers.end());
  for (const auto& [number, kept] : mine_.rows) {
    if (!asked.contains(number)) continue;
    page.rows.push_back(kept.row);
    page.names.push_back({kept.source, kept.id});
    kept.record.append_to(page.records);
  }
  return page;
}

Result<std::vector<OpenRow>> MemoryTransaction::find_open(
    std::span<const message::Identity> events) {
  if (auto failure = store_.strike("find_open")) return *failure;
  const std::set<message::Identity> asked(events.begin(), events.end());
  std::vector<OpenRow> rows;
  for (const auto& [number, kept] : mine_.rows) {
    if (asked.contains({kept.source, kept.id})) rows.push_back(kept.row);
  }
  return rows;
}

Status MemoryTransaction::mark(std::span<const HeadMark> heads) {
  if (auto failure = store_.strike("mark")) return *failure;
  for (const HeadMark& head : heads) {
    OpenRow& row = mine_.rows.at(head.number).row;
    EXPECT_EQ(row.state, OpenState::head);
    row.due = head.due;
    row.doubt_until = head.doubt_until;
  }
  return {};
}

Status MemoryTransaction::prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) {
  if (auto failure = store_.strike("prioritize")) return *failure;
  for (const std::int64_t number : numbers) mine_.rows.at(number).row.priority = priority;
  return {};
}

Result<handler::Opened> MemoryTransaction::open_calls(const handler::PerformThenSettle& way,
                                                      std::span<const handler::Turn> turns) {
  if (auto failure = store_.strike("open_calls")) return *failure;
  return dynamic_cast<const ScriptPerform&>(way).open_in(mine_.performing, turns);
}

Result<handler::SettledRows> MemoryTransaction::settle_calls(
    const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) {
  if (auto failure = store_.strike("settle_calls")) return *failure;
  return dynamic_cast<const ScriptPerform&>(way).settle_in(mine_.performing, settlings);
}

}  // namespace spool::delivery::test
