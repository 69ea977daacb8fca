// For property tests: what TMDB does with one list, said as plainly as possible and without the
// code under test, and random operations from so few values that everything collides.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "handlers/list_operations/list_state.hpp"

namespace spool::list_operations {

// The list as the service has it.
struct ModelList {
  bool created = false;
  bool deleted = false;
  std::map<std::string, std::string> fields = {};
  std::vector<std::int32_t> movies = {};  // in the order of adding
  int creates = 0;                        // how often somebody asked for it to be created

  bool exists() const { return created && !deleted; }

  std::set<std::int32_t> movie_set() const { return {movies.begin(), movies.end()}; }

  void set(const ListFields& given) {
    if (given.name) fields["name"] = *given.name;
    if (given.description) fields["description"] = *given.description;
    if (given.is_public) fields["public"] = *given.is_public ? "yes" : "no";
    if (given.language) fields["language"] = *given.language;
  }

  // Whether the service says that it is done.
  bool perform(const Change& change) {
    const auto type = change.type;
    if (type == OperationType::create_list) {
      ++creates;
      if (created) return false;
      created = true;
      set(change.fields);
      return true;
    }
    if (type == OperationType::refresh_list) return true;
    // A list that is not there has been deleted, and has no such movie: both are done.
    if (!exists()) return type == OperationType::delete_list || type == OperationType::remove_movie;
    if (type == OperationType::delete_list) deleted = true;
    if (type == OperationType::update_list) set(change.fields);
    if (type == OperationType::clear_list) movies.clear();
    if (type == OperationType::add_movie && !movie_set().contains(change.movie_id))
      movies.push_back(change.movie_id);
    if (type == OperationType::remove_movie) std::erase(movies, change.movie_id);
    return true;
  }

  // All that can be fetched.
  ListState fetched() const {
    ListState state{.existence = Existence::never};
    if (deleted) return {.existence = Existence::gone, .complete = true};
    if (!created) return state;
    state = {.existence = Existence::exists, .movies = movies, .complete = true};
    if (fields.contains("name")) state.fields.name = fields.at("name");
    if (fields.contains("description")) state.fields.description = fields.at("description");
    if (fields.contains("public")) state.fields.is_public = fields.at("public") == "yes";
    if (fields.contains("language")) state.fields.language = fields.at("language");
    return state;
  }
};

// Equal for whoever looks at it; the order of the movies is not compared.
inline bool same_to_see(const ModelList& a, const ModelList& b) {
  if (a.exists() != b.exists()) return false;
  return !a.exists() || (a.fields == b.fields && a.movie_set() == b.movie_set());
}

class RandomLists {
 public:
  explicit RandomLists(std::uint64_t seed) : engine_(seed) {}

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(engine_); }
  bool chance(int percent) { return below(100) < percent; }
  std::int32_t movie() { return 1 + below(3); }

  ListFields some_fields() {
    ListFields fields;
    do {
      if (chance(40)) fields.name = "n" + std::to_string(below(4));
      if (chance(40)) fields.description = "d" + std::to_string(below(4));
      if (chance(40)) fields.is_public = chance(50);
      if (chance(40)) fields.language = chance(50) ? "en" : "de";
    } while (fields.empty());
    return fields;
  }

  Change change() {
    const int dice = below(108);
    if (dice >= 100) return {.type = OperationType::refresh_list, .compare_only = chance(40)};
    if (dice < 5) return {OperationType::create_list, {"n0", "", true, "en"}};
    if (dice < 9) return {OperationType::delete_list};
    if (dice < 16) return {OperationType::clear_list};
    if (dice < 30) return {OperationType::update_list, some_fields()};
    const auto type = dice < 66 ? OperationType::add_movie : OperationType::remove_movie;
    return {.type = type, .movie_id = movie()};
  }

  // Lists that were there before, and lists that are still to be created.
  ModelList list() {
    ModelList list;
    if (chance(40)) return list;
    list.perform({OperationType::create_list, {"old", "", true, "en"}});
    for (int i = below(3); i > 0; --i)
      list.perform({.type = OperationType::add_movie, .movie_id = movie()});
    return list;
  }

  // What a mirror may know of it: all, or less.
  ListState known_of(const ModelList& list) {
    ListState state = list.fetched();
    if (!list.exists() || chance(60)) return state;
    if (chance(50)) return {};
    state.complete = false;
    std::erase_if(state.movies, [&](std::int32_t) { return chance(50); });
    return state;
  }

 private:
  std::mt19937_64 engine_;
};

// A new one each time, or the one that is given to repeat a failure.
inline std::uint64_t test_seed() {
  const char* given = std::getenv("SPOOL_TEST_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

// Whether what the mirror knows is true; what it does not know is left out.
inline void expect_true_of(const ListState& known, const ModelList& list) {
  if (known.existence == Existence::unknown) return;
  const ListState there = list.fetched();
  EXPECT_EQ(known.existence == Existence::exists, list.exists());
  if (!list.exists()) return;
  EXPECT_TRUE(!known.fields.name || known.fields.name == there.fields.name);
  EXPECT_TRUE(!known.fields.description || known.fields.description == there.fields.description);
  EXPECT_TRUE(!known.fields.is_public || known.fields.is_public == there.fields.is_public);
  EXPECT_TRUE(!known.fields.language || known.fields.language == there.fields.language);
  const std::set<std::int32_t> movies(known.movies.begin(), known.movies.end());
  EXPECT_EQ(movies.size(), known.movies.size()) << "each once";
  for (const std::int32_t movie : movies) EXPECT_TRUE(list.movie_set().contains(movie)) << movie;
  if (known.complete) {
    EXPECT_EQ(movies, list.movie_set());
  }
}

}  // namespace spool::list_operations
