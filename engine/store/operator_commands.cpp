#include "engine/store/operator_commands.hpp"

#include <map>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/delivery/loss.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/event_filter_sql.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using delivery::CommandKind;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

constexpr Statement kNow{"operator_now",
                         "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"};

constexpr Statement kCountLetters{
    "command_count_letters",
    "select d.handler, d.partition, count(*) from spool.dead_letters d"
    " join spool.lanes l on l.handler = d.handler and l.partition = d.partition"
    " where ($2::text is null or d.handler = $2)"
    " and " SPOOL_LETTER_MATCHES("d", "$1::jsonb") " and not d.erased group by 1, 2"};

// A dead head is its dead letter's.
constexpr Statement kCountOpen{
    "command_count_open",
    "select o.handler, o.partition, count(*) from spool.open_events o"
    " join spool.lanes l on l.handler = o.handler and l.partition = o.partition"
    " where ($2::text is null or o.handler = $2) and o.state <> 'dead'"
    " and " SPOOL_OPEN_MATCHES("o", "l", "$1::jsonb") " group by 1, 2"};

// What waits behind a head has no time of its own.
constexpr Statement kCountWaiting{
    "command_count_waiting",
    "select o.handler, o.partition, count(*) from spool.open_events o"
    " join spool.lanes l on l.handler = o.handler and l.partition = o.partition"
    " where ($2::text is null or o.handler = $2) and o.state in ('head', 'scheduled')"
    " and o.due_at > clock_timestamp()"
    " and " SPOOL_OPEN_MATCHES("o", "l", "$1::jsonb") " group by 1, 2"};

constexpr Statement kGive{
    "command_give",
    "insert into spool.commands (id, kind, handler, filter, rate, matched, reason, actor, priority)"
    " values ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9)"};

constexpr Statement kGiveLanes{
    "command_give_lanes",
    "insert into spool.command_lanes (command_id, handler, partition)"
    " select $1, $2, partition from unnest($3::int[]) partition order by partition"};

constexpr Statement kNotify{"command_notify", "select pg_notify('spool_commands', $1)"};

constexpr Statement kLock{
    "command_lock",
    "select state, rate, handler, kind from spool.commands where id = $1 for update"};

constexpr Statement kState{
    "command_state",
    "update spool.commands set state = $2,"
    " finished_at = case when $2 = 'cancelled' then clock_timestamp() end where id = $1"};

constexpr Statement kRate{"command_rate", "update spool.commands set rate = $2 where id = $1"};

constexpr Statement kLostLane{"command_lost_lane",
                              "select state = 'stopped' and reason = 'position_lost', next_offset"
                              " from spool.lanes where handler = $1 and partition = $2"};

// One at a time: the second finds what the first has asked for.
constexpr Statement kOneAcceptance{
    "command_one_acceptance",
    "select pg_advisory_xact_lock(hashtextextended('accept_loss ' || $1::text, $2::bigint))"};

constexpr Statement kAcceptance{
    "command_acceptance",
    "select c.id, (c.filter ->> 'from')::bigint, (c.filter ->> 'to')::bigint from spool.commands c"
    " join spool.command_lanes l on l.command_id = c.id and not l.finished"
    " where c.kind = 'accept_loss' and c.state in ('running', 'paused') and l.handler = $1"
    " and l.partition = $2"};

constexpr Statement kForget{
    "command_forget_users",
    "update spool.commands set filter = filter - 'user' where kind = 'erase' and filter ? 'user'"
    " and state in ('finished', 'cancelled')"};

// handler -> partition -> how many of it are meant
using Meant = std::map<std::string, std::map<std::int32_t, std::int64_t>>;

// Dead letters that a command of this kind does something to are of this state; empty: any.
std::optional<std::string> state_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::replay:
    case CommandKind::discard:
      return "open";
    case CommandKind::restore:
      return "discarded";
    case CommandKind::retry_now:
    case CommandKind::cancel:
    case CommandKind::prioritize:
    case CommandKind::erase:
    case CommandKind::accept_loss:
      break;
  }
  return std::nullopt;
}

std::vector<const Statement*> counts_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::replay:
    case CommandKind::discard:
    case CommandKind::restore:
      break;
    case CommandKind::retry_now:
      return {&kCountWaiting};
    case CommandKind::cancel:
    case CommandKind::prioritize:
      return {&kCountOpen};
    case CommandKind::erase:
      return {&kCountLetters, &kCountOpen};
    case CommandKind::accept_loss:
      return {};
  }
  return {&kCountLetters};
}

Result<Meant> count(Transaction& transaction, CommandKind kind, const EventFilter& filter) {
  Meant meant;
  for (const Statement* statement : counts_of(kind)) {
    auto rows = transaction.execute(*statement, Params::of(filter_json(filter), filter.handler));
    if (!rows) return rows.failure();
    for (std::size_t i = 0; i < rows->size(); ++i)
      meant[rows->text(i, 0)][rows->int32(i, 1)] += rows->int64(i, 2);
  }
  return meant;
}

GivenCommand summary(const std::string& handler,
                     const std::map<std::int32_t, std::int64_t>& partitions) {
  GivenCommand given;
  given.handler = handler;
  given.lanes = static_cast<std::int64_t>(partitions.size());
  for (const auto& [partition, events] : partitions) given.matched += events;
  return given;
}

std::string quoted(const std::string& text) {
  std::string out;
  base::append_json_quoted(out, base::printable(text, text.size()));
  return out;
}

// The audit log and the handler's owners hear of a change.
Status tell(Transaction& transaction, const Operator& who, const AuditEntry& what) {
  if (auto written = write_audit(transaction, who, what); !written) return written;
  auto told = transaction.execute(kNotify, Params::of(what.handler));
  return told ? Status() : Status(told.failure());
}

Result<EventFilter> completed(Transaction& transaction, const CommandRequest& request) {
  auto now = transaction.execute(kNow);
  if (!now) return now.failure();
  EventFilter filter = request.filter;
  filter.until = now->int64(0, 0);
  if (const auto state = state_of(request.kind)) filter.state = state;
  return filter;
}

// As its row, and the row of the audit log, say it.
struct Wording {
  CommandKind kind;
  std::string filter;
  std::int64_t rate = 0;
  std::string detail;
  std::optional<std::int16_t> priority = {};
};

Status give(Transaction& transaction, const Wording& words,
            const std::vector<std::int32_t>& partitions, const Operator& who, GivenCommand& given) {
  given.id = base::random_uuid();
  const std::string kind(to_string(words.kind));
  auto row =
      transaction.execute(kGive, Params::of(given.id, kind, given.handler, words.filter, words.rate,
                                            given.matched, who.reason, who.actor, words.priority));
  if (!row) return row.failure();
  postgres::ArrayText numbers;
  for (const std::int32_t partition : partitions) numbers.add_int64(partition);
  auto lanes = transaction.execute(kGiveLanes, Params::of(given.id, given.handler, numbers.text()));
  if (!lanes) return lanes.failure();
  return tell(transaction, who,
              {kind + ".start", given.handler, base::to_string(given.id), words.detail});
}

Status give(Transaction& transaction, const CommandRequest& request, const EventFilter& filter,
            const std::map<std::int32_t, std::int64_t>& meant, const Operator& who,
            GivenCommand& given) {
  std::vector<std::int32_t> partitions;
  partitions.reserve(meant.size());
  for (const auto& [partition, events] : meant) partitions.push_back(partition);
  const bool prioritizes = request.kind == CommandKind::prioritize;
  return give(transaction,
              {request.kind, filter_json(filter), request.rate,
               "{\"filter\": " + audit_json(filter) + ", \"matched\": " +
                   std::to_string(given.matched) + ", \"rate\": " + std::to_string(request.rate) +
                   (prioritizes ? ", \"priority\": " + std::to_string(request.priority) : "") + "}",
               prioritizes ? std::optional(request.priority) : std::nullopt},
              partitions, who, given);
}

std::string loss_json(const delivery::LaneId& lane, const delivery::Loss& loss) {
  return "{\"partition\": " + std::to_string(lane.partition) +
         ", \"from\": " + std::to_string(loss.from) + ", \"to\": " + std::to_string(loss.to) + "}";
}

// Whether the lane stands still for the position that the operator has seen.
Status is_lost(Transaction& transaction, const delivery::LaneId& lane, const delivery::Loss& loss) {
  const std::string name = delivery::lane_name(lane);
  auto rows = transaction.execute(kLostLane, Params::of(lane.handler, lane.partition));
  if (!rows) return rows.failure();
  if (rows->empty()) return Failure(FailureKind::not_found, "there is no lane " + name);
  const std::string next = rows->text(0, 1);
  if (!rows->boolean(0, 0)) {
    return Failure(FailureKind::conflict,
                   "lane " + name + " has not lost its position: it stands at " + next);
  }
  if (next == std::to_string(loss.from)) return {};
  return Failure(FailureKind::conflict, "lane " + name + " has lost position " + next + ", not " +
                                            std::to_string(loss.from));
}

// A command that is there and has not ended, locked: nobody ends it meanwhile.
struct Locked {
  std::string state;
  std::int64_t rate = 0;
  std::string handler;
  std::string kind;
};

Result<Locked> lock(Transaction& transaction, const base::Uuid& id) {
  auto rows = transaction.execute(kLock, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty())
    return Failure(FailureKind::not_found, "there is no command " + base::to_string(id));
  Locked command{rows->text(0, 0), rows->int64(0, 1), rows->text(0, 2), rows->text(0, 3)};
  if (command.state == "finished" || command.state == "cancelled")
    return Failure(FailureKind::conflict,
                   "command " + base::to_string(id) + " is " + command.state + " already");
  return command;
}

}  // namespace

Result<base::EpochMicros> database_now(postgres::Connection& connection) {
  auto now = connection.execute(kNow);
  if (!now) return now.failure();
  return now->int64(0, 0);
}

Result<std::vector<GivenCommand>> give_commands(postgres::Connection& connection,
                                                const CommandRequest& request,
                                                const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  auto all = give_commands(**begun, request, who);
  if (!all) return all;
  if (auto done = (*begun)->commit(); !done) return done.failure();
  return all;
}

Result<std::vector<GivenCommand>> give_commands(Transaction& transaction,
                                                const CommandRequest& request,
                                                const Operator& who) {
  const auto filter = completed(transaction, request);
  if (!filter) return filter.failure();
  const auto meant = count(transaction, request.kind, *filter);
  if (!meant) return meant.failure();
  std::vector<GivenCommand> all;
  for (const auto& [handler, partitions] : *meant) {
    GivenCommand given = summary(handler, partitions);
    if (auto done = give(transaction, request, *filter, partitions, who, given); !done)
      return done.failure();
    all.push_back(std::move(given));
  }
  return all;
}

Result<GivenCommand> give_acceptance(postgres::Connection& connection, const delivery::LaneId& lane,
                                     const delivery::Loss& loss, const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  Transaction& transaction = **begun;
  if (auto alone = transaction.execute(kOneAcceptance, Params::of(lane.handler, lane.partition));
      !alone)
    return alone.failure();
  if (auto lost = is_lost(transaction, lane, loss); !lost) return lost.failure();
  GivenCommand given{{}, lane.handler, 1, 1};
  auto asked = transaction.execute(kAcceptance, Params::of(lane.handler, lane.partition));
  if (!asked) return asked.failure();
  if (!asked->empty()) {
    given.id = asked->uuid(0, 0);
    if (delivery::Loss{asked->int64(0, 1), asked->int64(0, 2)} == loss) return given;
    return Failure(FailureKind::conflict, "another loss of this lane is being accepted: command " +
                                              base::to_string(given.id));
  }
  const Wording words{CommandKind::accept_loss, loss_json(lane, loss), 0,
                      "{\"filter\": " + loss_json(lane, loss) +
                          ", \"lost\": " + std::to_string(delivery::lost_offsets(loss)) + "}"};
  if (auto done = give(transaction, words, {lane.partition}, who, given); !done)
    return done.failure();
  if (auto done = transaction.commit(); !done) return done.failure();
  return given;
}

Result<std::vector<GivenCommand>> count_commands(postgres::Connection& connection,
                                                 const CommandRequest& request) {
  auto begun = connection.begin();
  if (!begun) return begun.failure();
  const auto filter = completed(**begun, request);
  if (!filter) return filter.failure();
  const auto meant = count(**begun, request.kind, *filter);
  if (!meant) return meant.failure();
  std::vector<GivenCommand> all;
  for (const auto& [handler, partitions] : *meant) all.push_back(summary(handler, partitions));
  return all;
}

Status change_command(postgres::Connection& connection, const base::Uuid& id, CommandChange change,
                      const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  Transaction& transaction = **begun;
  const auto command = lock(transaction, id);
  if (!command) return command.failure();
  const bool cancels = change == CommandChange::cancel;
  const std::string state = cancels                          ? "cancelled"
                            : change == CommandChange::pause ? "paused"
                                                             : "running";
  const std::string verb = cancels ? "cancel" : change == CommandChange::pause ? "pause" : "resume";
  if (command->state == state) {
    return Failure(FailureKind::conflict,
                   "command " + base::to_string(id) + " is " + state + " already");
  }
  if (auto done = transaction.execute(kState, Params::of(id, state)); !done) return done.failure();
  auto told = tell(transaction, who,
                   {command->kind + "." + verb, command->handler, base::to_string(id),
                    "{\"before\": " + quoted(command->state) + "}"});
  return told ? transaction.commit() : told;
}

Status set_rate(postgres::Connection& connection, const base::Uuid& id, std::int64_t rate,
                const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  Transaction& transaction = **begun;
  const auto command = lock(transaction, id);
  if (!command) return command.failure();
  if (auto done = transaction.execute(kRate, Params::of(id, rate)); !done) return done.failure();
  auto told = tell(transaction, who,
                   {command->kind + ".set_rate", command->handler, base::to_string(id),
                    "{\"before\": " + std::to_string(command->rate) +
                        ", \"after\": " + std::to_string(rate) + "}"});
  return told ? transaction.commit() : told;
}

Status forget_ended_users(postgres::Connection& connection) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  if (auto done = (*begun)->execute(kForget); !done) return done.failure();
  return (*begun)->commit();
}

}  // namespace spool::store
