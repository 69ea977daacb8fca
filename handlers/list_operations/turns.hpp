// Operations whose turn has come: which of them are to be called, with all that their calls need to
// know; those are marked as begun. A constant number of statements for any number of turns. Any
// thread, each with its own transaction.
#pragma once

#include <span>

#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_operations.hpp"

namespace spool::list_operations {

base::Result<handler::Opened> open_turns(postgres::Transaction& transaction,
                                         std::span<const handler::Turn> turns,
                                         const Unseal& unseal);

}  // namespace spool::list_operations
