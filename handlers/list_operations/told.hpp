// What other systems are told of list operations (schemas/events). Pure, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/uuid.hpp"
#include "engine/handler/attempt.hpp"
#include "handlers/list_operations/operation.hpp"
#include "handlers/list_operations/refresh.hpp"

namespace spool::list_operations {

// The operation that is spoken of.
struct Named {
  base::Uuid id = {};
  OperationType type = OperationType::add_movie;
  std::int32_t tmdb_user_id = 0;
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
};

// `cause`: the number of the event that it follows from. `reason`: why no call was made, or empty.
handler::DomainEvent completed_told(std::size_t cause, const Named& operation,
                                    std::string_view reason);
handler::DomainEvent failed_told(std::size_t cause, const Named& operation,
                                 const message::Rejection& why, std::int32_t attempts,
                                 std::int32_t life);
// The mirror of its list has become what was read `at`.
handler::DomainEvent synced_told(std::size_t cause, const Named& operation, const Refreshed& found,
                                 base::EpochMicros at);
handler::DomainEvent reauthentication_told(std::size_t cause, std::int32_t tmdb_user_id);

}  // namespace spool::list_operations
