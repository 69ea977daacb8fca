// What moving local lists to TMDB would be: which lists, what speaks against it, how many calls.
// Reads on the caller's connection or transaction and thread; the arithmetic is pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"

namespace spool::postgres {
class Connection;
class Transaction;
}  // namespace spool::postgres

namespace spool::local_lists {

// A local list that is not at TMDB yet.
struct PlannedList {
  base::Uuid id = {};
  std::string name = {};
  std::int64_t movies = 0;    // different ones
  std::int64_t repeated = 0;  // rows of a movie that is on the list already: it is moved once
  bool same_name = false;     // as another one of them
  std::string problem = {};   // why it cannot be moved; empty: it can
};

struct PlannedUser {
  std::int32_t user = 0;
  std::string state = {};  // of a migration that is under way; empty: none is
  bool logged_in = false;
  std::int64_t lists = 0;
  std::int64_t movies = 0;
  std::int64_t calls = 0;
  std::int64_t problems = 0;  // lists that cannot be moved
};

base::Result<std::vector<PlannedList>> planned_lists(postgres::Transaction& transaction,
                                                     std::int32_t user);

// Of users with local lists that are not at TMDB yet, in the order of their ids behind `after`.
base::Result<std::vector<PlannedUser>> planned_users(postgres::Connection& connection,
                                                     std::optional<std::int32_t> user,
                                                     std::int32_t after, std::int64_t limit);

// The list's creation, its movies, and reading it back.
std::int64_t calls_for(std::int64_t movies);

// How long they take at so many calls in each window, if nobody else calls; 0 without a limit.
std::chrono::seconds time_for(std::int64_t calls, std::int64_t rate,
                              std::chrono::milliseconds window);

// Whether the user is among the share that `start --all` takes: the same ones every time, and those
// of a smaller share are among those of a larger one.
bool is_chosen(std::int32_t user, std::int64_t percent);

}  // namespace spool::local_lists
