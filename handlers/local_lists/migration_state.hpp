// How far the moving of a user's local lists to TMDB has come, and each of the lists: the tables of
// the ways from one state to the next. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spool::local_lists {

enum class MigrationState : std::uint8_t {
  consented,     // the user wants it; nobody has started it
  running,       // operations are asked for
  checking,      // everything was asked for and has ended; TMDB is read
  done,          // TMDB has what was here
  failed,        // some list is not there as it should be; starting again goes on
  rolling_back,  // what it created is being deleted
  rolled_back,   // or the consent was taken back
};

inline constexpr std::array<MigrationState, 7> kMigrationStates{
    MigrationState::consented,  MigrationState::running, MigrationState::checking,
    MigrationState::done,       MigrationState::failed,  MigrationState::rolling_back,
    MigrationState::rolled_back};

enum class ListState : std::uint8_t {
  waiting,   // nothing was asked for
  creating,  // its creation was
  filling,   // its movies are, some at a time
  checking,  // TMDB is being read, to compare
  done,
  failed,    // some operation failed, or TMDB has something else
  removing,  // its deletion was asked for
  removed,   // or it was never created
};

inline constexpr std::array<ListState, 8> kListStates{
    ListState::waiting, ListState::creating, ListState::filling,  ListState::checking,
    ListState::done,    ListState::failed,   ListState::removing, ListState::removed};

std::string_view to_string(MigrationState state);
std::string_view to_string(ListState state);
std::optional<MigrationState> parse_migration_state(std::string_view word);
std::optional<ListState> parse_list_state(std::string_view word);

// Staying what it is is no transition.
bool may_become(MigrationState from, MigrationState to);
bool may_become(ListState from, ListState to);

}  // namespace spool::local_lists
