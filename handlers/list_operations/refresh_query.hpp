// Which lists can be read at TMDB, and what has become of operations that read them, for commands.
// On the caller's connection and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "handlers/list_operations/list_query.hpp"

namespace spool::postgres {
class Connection;
}

namespace spool::list_operations {

struct ReadableList {
  std::int32_t user = 0;
  std::int32_t tmdb_list_id = 0;
  std::optional<base::Uuid> list_ref = {};
  friend bool operator==(const ReadableList&, const ReadableList&) = default;
};

// Lists that TMDB has, as far as is known: those that are named, of the user; no name: all of them.
base::Result<std::vector<ReadableList>> readable_lists(postgres::Connection& connection,
                                                       const std::vector<ListId>& named,
                                                       std::optional<std::int32_t> user,
                                                       std::int64_t limit);

// Of one that gave way to a later reading of its list: that of the later one.
struct ReadingInfo {
  std::string status = {};  // empty: not admitted yet
  bool read = false;        // the list was; the next are what was found
  bool differs = false;
  bool partial = false;  // the mirror did not know all of it
  std::string existence = {};
  std::string fields = {};  // JSON arrays, as the next
  std::string only_in_mirror = {};
  std::string only_at_tmdb = {};
  std::string error_type = {};
  std::string error_message = {};
  std::string reason = {};  // why there was nothing to read

  bool ended() const {
    return status == "completed" || status == "failed" || status == "cancelled";
  }
};

// Index by index of the operations.
base::Result<std::vector<ReadingInfo>> readings(postgres::Connection& connection,
                                                const std::vector<base::Uuid>& operations);

}  // namespace spool::list_operations
