// What the moving of local lists asks for at TMDB: list operations like anybody else's, under ids
// that follow from the migration, the list and the movie, so that asking twice is asking once. They
// have the lowest priority: people go first. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/uuid.hpp"
#include "engine/handler/duty.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::local_lists {

// What the engine names as the source of a duty's events.
inline constexpr const char* kDutySource = "spool.list_operations";

struct MovedList {
  base::Uuid migration = {};
  base::Uuid list = {};  // the local one
  base::Uuid ref = {};   // at TMDB
  std::int32_t user = 0;
};

std::string create_id(const MovedList& list);
std::string add_id_prefix(const MovedList& list);  // followed by the movie
// `check`: which reading of the list it is, from 1.
std::string refresh_id(const MovedList& list, std::int32_t check);
std::string delete_id(const MovedList& list);

handler::PublishedEvent create_event(const MovedList& list,
                                     const list_operations::ListFields& fields);
handler::PublishedEvent add_event(const MovedList& list, std::int32_t movie_id);
handler::PublishedEvent refresh_event(const MovedList& list, std::int32_t check);
handler::PublishedEvent delete_event(const MovedList& list);

}  // namespace spool::local_lists
