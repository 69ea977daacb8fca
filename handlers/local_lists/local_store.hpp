// media.local_lists and media.local_list_items: lists that users keep here. On the caller's
// transaction and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "handlers/local_lists/list_file.hpp"

namespace spool::postgres {
class Connection;
class Transaction;
}  // namespace spool::postgres

namespace spool::local_lists {

struct LocalList {
  base::Uuid id = {};
  std::int32_t user = 0;
  list_operations::ListFields fields = {};
};

// Empty if there is none.
base::Result<std::optional<LocalList>> find_local_list(postgres::Connection& connection,
                                                       const base::Uuid& id);

// With these movies, in this order. Whether it is new: one that is there stays as it is.
base::Result<bool> save_local_list(postgres::Transaction& transaction, const LocalList& list,
                                   const std::vector<FileMovie>& movies);

}  // namespace spool::local_lists
