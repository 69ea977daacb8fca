// One step of moving a user's local lists: what the ends of the operations that were asked for
// mean, and what is to be asked for next. Pure, any thread; the duty brings the facts and writes
// the outcome down.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/local_lists/migration_events.hpp"
#include "handlers/local_lists/migration_state.hpp"

namespace spool::local_lists {

// Operations that wait at once, so that what people do is not held up: of one user, and of all who
// are logged in.
inline constexpr std::int32_t kWaitingOfUserMax = 20;
inline constexpr std::int32_t kWaitingMax = 100;

enum class Asked : std::uint8_t { waits, completed, failed, cancelled };

// How an operation stands that was asked for; one that nobody knows yet waits.
struct Answer {
  Asked asked = Asked::waits;
  std::string why = {};  // of a failed one
};

struct MigrationList {
  MovedList moved = {};
  ListState state = ListState::waiting;
  bool created = false;
  std::int32_t published = 0;  // position
  std::int32_t ended = 0;      // position
  std::int32_t done = 0;
  std::int32_t failed = 0;
  std::int32_t checks = 0;
  std::string problem = {};
  // The local list as it is now; none: it is gone.
  std::optional<list_operations::ListFields> fields = {};
  std::int32_t waiting = 0;  // operations, after absorb()
};

struct AskedMovie {
  std::int32_t position = 0;
  std::int32_t movie_id = 0;
  Answer answer = {};
};

struct ListFacts {
  Answer one = {};                      // of its creation, reading or deletion
  std::vector<AskedMovie> movies = {};  // those from `ended` to `published`, in their order
  std::string difference = {};          // when it was read: what TMDB has otherwise; empty: nothing
};

// The operation whose end the list waits for, if it is a single one.
std::optional<std::string> awaited(const MigrationList& list);

// What has ended since.
void absorb(MigrationList& list, const ListFacts& facts);

struct NextMovie {
  std::int32_t position = 0;
  std::int32_t movie_id = 0;
};

// What is asked for next; `room`: so many operations at most. Each answers how many it asked for.
std::int32_t fill(MigrationList& list, const std::vector<NextMovie>& next, std::int32_t room,
                  std::vector<handler::PublishedEvent>& to);
std::int32_t begin(MigrationList& list, std::int32_t room,
                   std::vector<handler::PublishedEvent>& to);
std::int32_t remove(MigrationList& list, std::int32_t room,
                    std::vector<handler::PublishedEvent>& to);

// How many lists of a migration are in each state, by the numbers of kListStates.
using StateCounts = std::array<std::int64_t, kListStates.size()>;
MigrationState state_after(MigrationState now, const StateCounts& lists);

}  // namespace spool::local_lists
