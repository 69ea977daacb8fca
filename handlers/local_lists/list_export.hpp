// Reads a list for its file: one at TMDB as its user sees it or as it is confirmed, or a local one.
// On the caller's connection and thread; of the movies a page at a time is held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "handlers/local_lists/list_writer.hpp"

namespace spool::postgres {
class Connection;
}

namespace spool::local_lists {

struct ExportedList {
  enum class Kind : std::uint8_t { shown, confirmed, local };
  Kind kind = Kind::shown;
  std::string id = {};  // of its row
  list_operations::ListFields fields = {};
  bool complete = true;  // no other movie is on it
};

// `text`: an id of TMDB's, a list_ref, or the id of a local list. Fails with `invalid` if it is
// none of them, with `not_found`, and with `conflict` if several users have it.
base::Result<ExportedList> find_exported(postgres::Connection& connection, const std::string& text,
                                         std::optional<std::int32_t> user, bool confirmed);

// All of it. Answers how many movies there were.
base::Result<std::int64_t> write_list(postgres::Connection& connection, const ExportedList& list,
                                      ListWriter& writer);

}  // namespace spool::local_lists
