// A list with what its users see of it as columns, for the statements that compute it and for those
// that read a copy of it: both have the same in the same order. Pure but for Rows, any thread.
#pragma once

#include <cstddef>

#include "engine/postgres/rows.hpp"
#include "handlers/list_operations/list_query.hpp"
#include "handlers/list_operations/stored.hpp"

// From the tables; conditions on s (media.shown_lists) and l (media.lists) may follow.
#define SPOOL_SHOWN_LISTS \
  "select s.list_id, s.tmdb_user_id, s.tmdb_list_id, s.list_ref, s.existence, s.name,"           \
  " s.description, s.public, s.language, s.complete, (select count(*)"                           \
  " from media.shown_list_items i where i.list_id = s.list_id and i.mark <> 'removing')"         \
  " as movies, l.existence as sure_existence, l.name as sure_name,"                              \
  " l.description as sure_description, l.public as sure_public, l.language as sure_language,"    \
  " l.complete as sure_complete, (select count(*) from media.user_list_items i"                  \
  " where i.list_id = l.id) as sure_movies, s.mark, s.name_pending, s.description_pending,"      \
  " s.public_pending, s.language_pending, (select count(*) from media.queued_list_operations q"  \
  " where q.list_id = l.id and q.status in ('pending', 'processing')) as operations,"            \
  " s.sharing_url, s.sync_status, " SPOOL_MICROS("s.last_synced_at") " as synced_at"          \
  " from media.shown_lists s join media.lists l on l.id = s.list_id"

// The same from JSON.
#define SPOOL_SHOWN_LIST_TYPES                                                                    \
  "(list_id bigint, tmdb_user_id integer, tmdb_list_id integer, list_ref uuid, existence text,"   \
  " name text, description text, public boolean, language text, complete boolean, movies bigint," \
  " sure_existence text, sure_name text, sure_description text, sure_public boolean,"             \
  " sure_language text, sure_complete boolean, sure_movies bigint, mark text,"                    \
  " name_pending boolean, description_pending boolean, public_pending boolean,"                   \
  " language_pending boolean, operations bigint, sharing_url text, sync_status text,"             \
  " synced_at bigint)"

namespace spool::list_operations {

inline constexpr std::size_t kShownListColumns = 27;

ListInfo read_shown_list(const postgres::Rows& rows, std::size_t row);

}  // namespace spool::list_operations
