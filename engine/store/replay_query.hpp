// Replays and the other commands of operators, to look at: what one would do, what is asked for,
// how far each lane has come. Reading only, on the caller's connection and thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/event_filter.hpp"

namespace spool::store {

// Dead letters of one handler, error type and partition that a replay would take, or why not.
struct PlanRow {
  std::string handler;
  std::string error_type;
  std::int32_t partition = 0;
  // replay, or why it is skipped: erased, replaying, resolved, discarded, no_lane
  std::string verdict;
  std::int64_t count = 0;
};
base::Result<std::vector<PlanRow>> plan_replay(postgres::Connection& connection,
                                               const EventFilter& filter);

struct CommandInfo {
  base::Uuid id;
  std::string kind;
  std::string handler;
  std::string filter_json;
  std::string state;  // running, paused, cancelled, finished
  std::int64_t rate = 0;
  std::optional<std::int64_t> priority;  // of prioritize
  std::int64_t matched = 0;              // when it was given
  std::int64_t done = 0;
  std::int64_t skipped = 0;
  std::int64_t lanes = 0;
  std::int64_t lanes_finished = 0;
  std::string reason;
  std::string actor;
  base::EpochMicros created_at = 0;
  std::optional<base::EpochMicros> finished_at;
};

struct CommandLane {
  std::int32_t partition = 0;
  std::int64_t done = 0;
  std::int64_t skipped = 0;
  // finished, paused, cancelled, stopped (the lane stands still), waiting_for_owner, running. An
  // owner that let go of its lane says so there; of one that died nothing is known but its silence,
  // so waiting_for_owner is also what has been silent for a quarter of a minute.
  std::string state;
  std::string owner;                 // the last one; empty: the lane has no row
  std::string stopped_because;       // state stopped
  base::EpochMicros updated_at = 0;  // the last sign of its owner
};

struct CommandDetail {
  CommandInfo info;
  std::vector<CommandLane> lanes;
};

struct CommandListFilter {
  std::optional<std::string> kind = {};
  std::optional<std::string> handler = {};
  std::optional<std::string> state = {};
  std::int64_t limit = 50;
  std::string cursor = {};  // the `next` of the page before; empty: from the newest
};

struct CommandPage {
  std::vector<CommandInfo> commands;  // newest first
  std::string next;                   // empty: this was the last page
};

// Fails with `invalid` if the cursor is none.
base::Result<CommandPage> list_commands(postgres::Connection& connection,
                                        const CommandListFilter& filter);

// Fails with `not_found`.
base::Result<CommandDetail> show_command(postgres::Connection& connection, const base::Uuid& id);

// One more thing to be listed: events that wait.
struct OpenEventInfo {
  std::string handler;
  std::int32_t partition = 0;
  std::int64_t number = 0;
  std::string state;  // head, scheduled
  std::string source;
  std::string event_id;
  std::string event_type;
  std::int64_t offset = 0;
  std::int32_t life = 0;
  std::int32_t attempts = 0;
  std::optional<base::EpochMicros> due_at;
  base::EpochMicros opened_at = 0;
  std::string error_type;
  std::string error_message;
  std::int64_t parked = 0;  // how many wait behind it
};

// Heads and scheduled events, those that are due first; at most `limit`.
base::Result<std::vector<OpenEventInfo>> list_open_events(postgres::Connection& connection,
                                                          const EventFilter& filter,
                                                          std::int64_t limit);

}  // namespace spool::store
