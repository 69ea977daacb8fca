// What is known of a list at TMDB, and what an operation that was carried out makes of it. A list
// has one life: it is created once, and once deleted it does not come back under the same id or
// ref. Pure, any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {

enum class Existence : std::uint8_t {
  unknown,  // it has an id, but nobody has asked for it yet
  never,    // nothing has been created under its ref so far
  exists,
  gone,
};

struct ListState {
  Existence existence = Existence::unknown;
  ListFields fields = {};
  std::vector<std::int32_t> movies = {};  // in the order in which they were added, each once
  bool complete = false;                  // no other movie is on the list
  friend bool operator==(const ListState&, const ListState&) = default;
};

enum class Presence : std::uint8_t { unknown, absent, present };

Presence presence(const ListState& state, std::int32_t movie_id);

// Whether operations other than a create can have an effect.
bool can_be_changed(Existence existence);

// The change was carried out. What the service takes without doing anything (a movie that is there
// already, a list that is not there to be deleted) changes nothing here either, nor does reading
// the list: what was found is taken over by rebased().
void confirm(ListState& state, const Change& change);

}  // namespace spool::list_operations
