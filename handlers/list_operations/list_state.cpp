#include "handlers/list_operations/list_state.hpp"

#include <algorithm>

namespace spool::list_operations {
namespace {

void create(ListState& state, const Change& change) {
  if (state.existence != Existence::never) return;
  state = {Existence::exists, change.fields, {}, true};
}

void change_items(ListState& state, const Change& change) {
  const auto found = std::find(state.movies.begin(), state.movies.end(), change.movie_id);
  const bool present = found != state.movies.end();
  if (change.type == OperationType::add_movie && !present) state.movies.push_back(change.movie_id);
  if (change.type == OperationType::remove_movie && present) state.movies.erase(found);
}

}  // namespace

Presence presence(const ListState& state, std::int32_t movie_id) {
  if (state.existence == Existence::never || state.existence == Existence::gone)
    return Presence::absent;
  if (std::find(state.movies.begin(), state.movies.end(), movie_id) != state.movies.end())
    return Presence::present;
  return state.complete ? Presence::absent : Presence::unknown;
}

bool can_be_changed(Existence existence) {
  return existence == Existence::exists || existence == Existence::unknown;
}

void confirm(ListState& state, const Change& change) {
  if (change.type == OperationType::create_list) return create(state, change);
  if (!can_be_changed(state.existence)) return;
  switch (change.type) {
    case OperationType::create_list:
    case OperationType::refresh_list:
      return;
    case OperationType::delete_list:
      state = {.existence = Existence::gone, .complete = true};
      return;
    case OperationType::update_list:
      state.fields.overlay(change.fields);
      break;
    case OperationType::clear_list:
      state.movies.clear();
      state.complete = true;
      break;
    case OperationType::remove_movie:
      // Done is also what the service says of a list that is not there: no sign of life.
      return change_items(state, change);
    case OperationType::add_movie:
      change_items(state, change);
      break;
  }
  state.existence = Existence::exists;
}

}  // namespace spool::list_operations
