// What became of operations: their rows say so, what was done is confirmed in the mirror, and other
// systems are told. A constant number of statements for any number of operations. Any thread, each
// with its own transaction.
#pragma once

#include <span>

#include "engine/handler/perform.hpp"

namespace spool::list_operations {

base::Result<handler::SettledRows> settle_operations(postgres::Transaction& transaction,
                                                     std::span<const handler::Settling> settlings);

}  // namespace spool::list_operations
