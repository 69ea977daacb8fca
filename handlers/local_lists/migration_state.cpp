#include "handlers/local_lists/migration_state.hpp"

#include <algorithm>
#include <cstddef>

namespace spool::local_lists {
namespace {

constexpr std::size_t kMigrationCount = kMigrationStates.size();
constexpr std::size_t kListCount = kListStates.size();

constexpr std::array<std::string_view, kMigrationCount> kMigrationWords{
    "consented", "running", "checking", "done", "failed", "rolling_back", "rolled_back"};
constexpr std::array<std::string_view, kListCount> kListWords{
    "waiting", "creating", "filling", "checking", "done", "failed", "removing", "removed"};

// To: the states in the order above.
constexpr std::array<std::array<bool, kMigrationCount>, kMigrationCount> kMigrationWays{{
    // consented: started; taken back
    {false, true, false, false, false, false, true},
    // running: all was asked for; nothing was left to be moved; some list failed, and no other one
    // is under way; rolled back
    {false, false, true, true, true, true, false},
    // checking
    {false, false, false, true, true, true, false},
    // done
    {false, false, false, false, false, true, false},
    // failed: started again; rolled back
    {false, true, false, false, false, true, false},
    // rolling_back
    {false, false, false, false, false, false, true},
    // rolled_back
    {},
}};

constexpr std::array<std::array<bool, kListCount>, kListCount> kListWays{{
    // waiting: begun; never to be begun
    {false, true, false, false, false, false, false, true},
    // creating
    {false, false, true, false, false, true, true, false},
    // filling
    {false, false, false, true, false, true, true, false},
    // checking
    {false, false, false, false, true, true, true, false},
    // done
    {false, false, false, false, false, false, true, false},
    // failed: tried again from where it was
    {false, true, true, false, false, false, true, false},
    // removing
    {false, false, false, false, false, false, false, true},
    // removed
    {},
}};

template <typename State, std::size_t size>
std::optional<State> parse(const std::array<std::string_view, size>& words, std::string_view word) {
  const auto* const found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<State>(found - words.begin());
}

}  // namespace

std::string_view to_string(MigrationState state) {
  return kMigrationWords[static_cast<std::size_t>(state)];
}

std::string_view to_string(ListState state) {
  return kListWords[static_cast<std::size_t>(state)];
}

std::optional<MigrationState> parse_migration_state(std::string_view word) {
  return parse<MigrationState>(kMigrationWords, word);
}

std::optional<ListState> parse_list_state(std::string_view word) {
  return parse<ListState>(kListWords, word);
}

bool may_become(MigrationState from, MigrationState to) {
  return kMigrationWays[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

bool may_become(ListState from, ListState to) {
  return kListWays[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

}  // namespace spool::local_lists
