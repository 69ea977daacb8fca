// What operators ask of lanes: rows of spool.commands and spool.command_lanes, which the lanes'
// owners carry out. Every change is one durable transaction with its audit row, and wakes the
// owners. Used by the caller's thread on its connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "engine/delivery/commands.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/audit_log.hpp"
#include "engine/store/command_kind.hpp"
#include "engine/store/event_filter.hpp"

namespace spool::store {

struct CommandRequest {
  delivery::CommandKind kind = delivery::CommandKind::replay;
  EventFilter filter;     // `state` and `until` are set by give_commands()
  std::int64_t rate = 0;  // events a second over all lanes; 0: as fast as it goes
  std::int16_t priority = handler::kPriorityDefault;  // of prioritize
};

// A command that was given, or, in a dry run, would be.
struct GivenCommand {
  base::Uuid id;
  std::string handler;
  std::int64_t matched = 0;  // dead letters and open events that it is about
  std::int64_t lanes = 0;
};

enum class CommandChange { pause, resume, cancel };

// The time by which events are old.
base::Result<base::EpochMicros> database_now(postgres::Connection& connection);

// One command for each handler that has something that is meant; none: nothing matches. Lanes that
// never existed are left out.
base::Result<std::vector<GivenCommand>> give_commands(postgres::Connection& connection,
                                                      const CommandRequest& request,
                                                      const Operator& who);
// The same as a part of the caller's transaction: a durable one, which the caller commits.
base::Result<std::vector<GivenCommand>> give_commands(postgres::Transaction& transaction,
                                                      const CommandRequest& request,
                                                      const Operator& who);
base::Result<std::vector<GivenCommand>> count_commands(postgres::Connection& connection,
                                                       const CommandRequest& request);

// Asks the lane's owner to give up the position that the lane has lost. What is asked for already
// is answered again. Fails with `not_found`, and with `conflict` if the lane does not stand still
// for that position, or if another loss of it is being accepted.
base::Result<GivenCommand> give_acceptance(postgres::Connection& connection,
                                           const delivery::LaneId& lane, const delivery::Loss& loss,
                                           const Operator& who);

// Fails with `not_found`, and with `conflict` if the command has ended, or is already so.
base::Status change_command(postgres::Connection& connection, const base::Uuid& id,
                            CommandChange change, const Operator& who);
base::Status set_rate(postgres::Connection& connection, const base::Uuid& id, std::int64_t rate,
                      const Operator& who);

// Takes the users out of the filters of erasures that have ended: nothing of them is kept.
base::Status forget_ended_users(postgres::Connection& connection);

}  // namespace spool::store
