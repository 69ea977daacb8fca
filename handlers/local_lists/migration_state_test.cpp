#include "handlers/local_lists/migration_state.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace spool::local_lists {
namespace {

TEST(MigrationState, TheLegalTransitionsAreTheseAndNoOthers) {
  using enum MigrationState;
  const std::set<std::pair<MigrationState, MigrationState>> legal{
      {consented, running},
      {consented, rolled_back},
      {running, checking},
      {running, done},
      {running, failed},
      {running, rolling_back},
      {checking, done},
      {checking, failed},
      {checking, rolling_back},
      {done, rolling_back},
      {failed, running},
      {failed, rolling_back},
      {rolling_back, rolled_back},
  };
  for (const MigrationState from : kMigrationStates) {
    for (const MigrationState to : kMigrationStates)
      EXPECT_EQ(may_become(from, to), legal.contains({from, to}))
          << to_string(from) << " to " << to_string(to);
  }
}

TEST(MigrationState, TheListsTransitionsAreTheseAndNoOthers) {
  using enum ListState;
  const std::set<std::pair<ListState, ListState>> legal{
      {waiting, creating},  {waiting, removed},  {creating, filling},  {creating, failed},
      {creating, removing}, {filling, checking}, {filling, failed},    {filling, removing},
      {checking, done},     {checking, failed},  {checking, removing}, {done, removing},
      {failed, creating},   {failed, filling},   {failed, removing},   {removing, removed},
  };
  for (const ListState from : kListStates) {
    for (const ListState to : kListStates)
      EXPECT_EQ(may_become(from, to), legal.contains({from, to}))
          << to_string(from) << " to " << to_string(to);
  }
}

TEST(MigrationState, WordsComeBackAsWhatTheyAre) {
  std::set<std::string> words;
  for (const MigrationState state : kMigrationStates) {
    EXPECT_EQ(parse_migration_state(to_string(state)), state);
    words.emplace(to_string(state));
  }
  EXPECT_EQ(words.size(), kMigrationStates.size());
  words.clear();
  for (const ListState state : kListStates) {
    EXPECT_EQ(parse_list_state(to_string(state)), state);
    words.emplace(to_string(state));
  }
  EXPECT_EQ(words.size(), kListStates.size());
  EXPECT_EQ(parse_migration_state("Running"), std::nullopt);
  EXPECT_EQ(parse_list_state(""), std::nullopt);
}

}  // namespace
}  // namespace spool::local_lists
