// After a doubt: a call may or may not have reached TMDB, and what stands there now is to say which
// of both. Asked before anybody calls again. The answer may be wrong about the past where that
// makes no difference for the list, never where a list could be created twice. Pure, any thread;
// times in microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "engine/base/time.hpp"
#include "handlers/list_operations/list_state.hpp"

namespace spool::list_operations {

enum class Finding : std::uint8_t {
  had_effect,
  had_no_effect,
  ask_again,  // what was read does not decide it
  ambiguous,  // nothing that can be read decides it: a person must
};

struct Verdict {
  Finding finding = Finding::ask_again;
  std::optional<std::int32_t> list_id = {};      // of a create that had its effect
  std::optional<base::EpochMicros> ask_at = {};  // of ask_again: not before; absent: at once
  std::string why = {};                          // for people
};

// Of every operation but a create. `fetched`: the list as it stands there, `unknown` if it could
// not be read. `later_adds`: the movies that later waiting operations of the list add.
Verdict reconcile(const Change& change, const ListState& fetched,
                  const std::unordered_set<std::int32_t>& later_adds);

// One of the account's lists, as the service tells.
struct FoundList {
  std::int32_t id = 0;
  std::string name = {};
  std::optional<base::EpochMicros> created_at = {};
};

struct CreateDoubt {
  std::string name = {};
  base::EpochMicros begun_at = 0;  // by our clock
  base::EpochMicros ended_at = 0;  // when its call was over at the latest
  base::EpochMicros now = 0;
  // Other creates of the same user and name that have begun and not ended: what is found might be
  // theirs.
  std::size_t rivals = 0;
};

// How far TMDB's clock and ours may lie apart.
inline constexpr base::EpochMicros kClockTolerance = 300LL * 1'000'000;
// A request that we have given up may still be carried out, and a new list may be missing in the
// account's lists at first: before this much time has passed, a list that is not found proves
// nothing.
inline constexpr base::EpochMicros kSettlingTime = 60LL * 1'000'000;

// `lists`: those of the account; `complete`: every page was read. `known`: the ids that belong to
// other lists of the mirror. A list that a refresh has found since `begun_at`, and that no
// operation of ours has created, is not to be among them: it may be the one.
Verdict reconcile_create(const CreateDoubt& doubt, std::span<const FoundList> lists, bool complete,
                         const std::unordered_set<std::int32_t>& known);

}  // namespace spool::list_operations
