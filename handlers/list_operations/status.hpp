// What becomes of an operation, and which ways lead from one status to the next: the one table of
// them. Waiting for its turn, for its time or for the next attempt are all `pending`; a failed
// operation is a dead letter, and bringing that back to life makes it pending again. Pure, any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spool::list_operations {

enum class OperationStatus : std::uint8_t { pending, processing, completed, failed, cancelled };

inline constexpr std::array<OperationStatus, 5> kOperationStatuses{
    OperationStatus::pending, OperationStatus::processing, OperationStatus::completed,
    OperationStatus::failed, OperationStatus::cancelled};

std::string_view to_string(OperationStatus status);
std::optional<OperationStatus> parse_operation_status(std::string_view word);

// Staying what it is is no transition.
bool may_become(OperationStatus from, OperationStatus to);

// Nothing leads out of it.
bool is_final(OperationStatus status);

}  // namespace spool::list_operations
