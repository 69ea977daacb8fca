#include "handlers/list_operations/status.hpp"

#include <algorithm>
#include <cstddef>

namespace spool::list_operations {
namespace {

constexpr std::size_t kCount = kOperationStatuses.size();

constexpr std::array<std::string_view, kCount> kWords{"pending", "processing", "completed",
                                                      "failed", "cancelled"};

using Row = std::array<bool, kCount>;  // to: pending, processing, completed, failed, cancelled

constexpr std::array<Row, kCount> kTransitions{{
    // pending: begun; swallowed by another; refused before any call; called off
    Row{false, true, true, true, true},
    // processing: tried again later, or never begun after all; done; dead. A call that is under
    // way,
    // or of which nobody knows the end, cannot be called off.
    Row{true, false, true, true, false},
    // completed
    Row{false, false, false, false, false},
    // failed: its dead letter is replayed, or discarded
    Row{true, false, false, false, true},
    // cancelled
    Row{false, false, false, false, false},
}};

}  // namespace

std::string_view to_string(OperationStatus status) {
  return kWords[static_cast<std::size_t>(status)];
}

std::optional<OperationStatus> parse_operation_status(std::string_view word) {
  const auto* const found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<OperationStatus>(found - kWords.begin());
}

bool may_become(OperationStatus from, OperationStatus to) {
  return kTransitions[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

bool is_final(OperationStatus status) {
  const Row& row = kTransitions[static_cast<std::size_t>(status)];
  return std::none_of(row.begin(), row.end(), [](bool legal) { return legal; });
}

}  // namespace spool::list_operations
