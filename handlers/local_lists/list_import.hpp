// A list's file as operations on a list at TMDB. Their identity is that of the person, the file's
// content, the list and the movie: the same file brought twice is the same operations. Pure, any
// thread; failures are `invalid`, in words for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "handlers/list_operations/list_query.hpp"
#include "handlers/local_lists/list_file.hpp"

namespace spool::local_lists {

// Of one file, as operations that wait in one lane behind each other: others share it. More than
// that goes by way of a local list, which is moved a few at a time.
inline constexpr std::size_t kPublishedMoviesMax = 10'000;

struct ImportRequest {
  std::int32_t user = 0;
  std::string_view content = {};                   // of the file
  list_operations::ListFields fields = {};         // what is not given by the file, or otherwise
  std::optional<list_operations::ListId> to = {};  // a list that is there; empty: a new one
};

struct ImportEvent {
  std::string id;
  std::string data;
};

struct Import {
  base::Uuid list = {};  // of the new one: its list_ref, or its id here
  list_operations::ListFields fields = {};
  std::vector<ImportEvent> events = {};  // the list's creation first
};

// What a new list would be called and how, by the rules of create_list.
base::Result<Import> plan_import(const ListFile& file, const ImportRequest& request);

}  // namespace spool::local_lists
