#include "engine/store/replay_query.hpp"

#include "engine/store/event_filter_sql.hpp"
#include "engine/store/page_cursor.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kPlan{
    "replay_plan",
    "select d.handler, d.error_type, d.partition, case when d.erased then 'erased'"
    " when d.state <> 'open' then d.state when l.handler is null then 'no_lane' else 'replay' end,"
    " count(*) from spool.dead_letters d"
    " left join spool.lanes l on l.handler = d.handler and l.partition = d.partition"
    " where ($2::text is null or d.handler = $2) and " SPOOL_LETTER_MATCHES(
        "d", "$1::jsonb") " group by 1, 2, 3, 4 order by 1, 2, 3, 4"};

#define SPOOL_COMMAND                                                                     \
  "select c.id, c.kind, c.handler, c.filter, c.state, c.rate, c.matched,"                 \
  " coalesce(p.done, 0), coalesce(p.skipped, 0), p.lanes, p.finished, c.reason, c.actor," \
  " (extract(epoch from c.created_at) * 1000000)::bigint,"                                \
  " (extract(epoch from c.finished_at) * 1000000)::bigint, c.priority"                    \
  " from spool.commands c cross join lateral (select sum(done)::bigint as done,"          \
  " sum(skipped)::bigint as skipped, count(*) as lanes,"                                  \
  " count(*) filter (where finished) as finished"                                         \
  " from spool.command_lanes where command_id = c.id) p"

constexpr Statement kList{
    "commands_list", SPOOL_COMMAND
    " where ($1::text is null or c.kind = $1) and ($2::text is null or c.handler = $2)"
    " and ($3::text is null or c.state = $3) and ($4::bigint is null or (c.created_at, c.id) <"
    " (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::uuid))"
    " order by c.created_at desc, c.id desc limit $6"};

constexpr Statement kShow{"commands_show", SPOOL_COMMAND " where c.id = $1"};

#undef SPOOL_COMMAND

// See CommandLane::state. That the lane stands still is no hindrance to the acceptance of its loss.
// Owners look for commands every few seconds, and write down each page.
constexpr Statement kLanes{
    "command_lanes_show",
    "select partition, done, skipped, case when finished then 'finished'"
    " when command_state <> 'running' then command_state"
    " when stopped then 'stopped'"
    " when free or silence > interval '15 seconds' then 'waiting_for_owner'"
    " else 'running' end, owner, because, (extract(epoch from sign) * 1000000)::bigint"
    " from (select cl.partition, cl.done, cl.skipped, cl.finished, c.state as command_state,"
    " coalesce(l.state = 'stopped' and c.kind <> 'accept_loss', false) as stopped,"
    " coalesce(l.clean, true) as free,"
    " coalesce(l.owner, '') as owner, coalesce(l.reason, '') as because, s.sign,"
    " clock_timestamp() - s.sign as silence"
    " from spool.command_lanes cl join spool.commands c on c.id = cl.command_id"
    " left join spool.lanes l on l.handler = cl.handler and l.partition = cl.partition"
    " cross join lateral (select greatest(cl.updated_at, l.updated_at, l.taken_at) as sign) s"
    " where cl.command_id = $1) lane order by partition"};

constexpr Statement kOpen{
    "open_events_list",
    "select o.handler, o.partition, o.number, o.state, o.source, o.event_id, o.event_type,"
    " o.record_offset, o.life, o.attempts, (extract(epoch from o.due_at) * 1000000)::bigint,"
    " (extract(epoch from o.opened_at) * 1000000)::bigint, o.error_type, o.error_message,"
    " case when o.state = 'scheduled' then 0 else (select count(*) from spool.open_events p"
    " where p.handler = o.handler and p.partition = o.partition and p.order_key = o.order_key"
    " and p.state = 'parked') end"
    " from spool.open_events o"
    " join spool.lanes l on l.handler = o.handler and l.partition = o.partition"
    " where ($2::text is null or o.handler = $2) and o.state in ('head', 'scheduled')"
    " and " SPOOL_OPEN_MATCHES(
        "o", "l",
        "$1::jsonb") " order by o.due_at nulls first, o.handler, o.partition, o.number limit $3"};

CommandInfo command_info(const Rows& rows, std::size_t i) {
  CommandInfo info;
  info.id = rows.uuid(i, 0);
  info.kind = rows.text(i, 1);
  info.handler = rows.text(i, 2);
  info.filter_json = rows.text(i, 3);
  info.state = rows.text(i, 4);
  info.rate = rows.int64(i, 5);
  info.matched = rows.int64(i, 6);
  info.done = rows.int64(i, 7);
  info.skipped = rows.int64(i, 8);
  info.lanes = rows.int64(i, 9);
  info.lanes_finished = rows.int64(i, 10);
  info.reason = rows.text(i, 11);
  info.actor = rows.text(i, 12);
  info.created_at = rows.int64(i, 13);
  info.finished_at = rows.optional_int64(i, 14);
  info.priority = rows.optional_int64(i, 15);
  return info;
}

OpenEventInfo open_event(const Rows& rows, std::size_t i) {
  OpenEventInfo one;
  one.handler = rows.text(i, 0);
  one.partition = rows.int32(i, 1);
  one.number = rows.int64(i, 2);
  one.state = rows.text(i, 3);
  one.source = rows.text(i, 4);
  one.event_id = rows.text(i, 5);
  one.event_type = rows.text(i, 6);
  one.offset = rows.int64(i, 7);
  one.life = rows.int32(i, 8);
  one.attempts = rows.int32(i, 9);
  one.due_at = rows.optional_int64(i, 10);
  one.opened_at = rows.int64(i, 11);
  one.error_type = rows.text(i, 12);
  one.error_message = rows.text(i, 13);
  one.parked = rows.int64(i, 14);
  return one;
}

}  // namespace

Result<std::vector<PlanRow>> plan_replay(postgres::Connection& connection,
                                         const EventFilter& filter) {
  auto rows = connection.execute(kPlan, Params::of(filter_json(filter), filter.handler));
  if (!rows) return rows.failure();
  std::vector<PlanRow> plan;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    plan.push_back({rows->text(i, 0), rows->text(i, 1), rows->int32(i, 2), rows->text(i, 3),
                    rows->int64(i, 4)});
  }
  return plan;
}

Result<CommandPage> list_commands(postgres::Connection& connection,
                                  const CommandListFilter& filter) {
  const auto cursor = parse_page_cursor(filter.cursor, "commands");
  if (!cursor) return cursor.failure();
  // One more than asked for tells whether there is another page.
  auto rows = connection.execute(kList, Params::of(filter.kind, filter.handler, filter.state,
                                                   cursor->time, cursor->id, filter.limit + 1));
  if (!rows) return rows.failure();
  CommandPage page;
  const auto limit = static_cast<std::size_t>(filter.limit);
  for (std::size_t i = 0; i < rows->size() && i < limit; ++i)
    page.commands.push_back(command_info(*rows, i));
  if (rows->size() > limit && limit > 0) {
    const CommandInfo& last = page.commands.back();
    page.next = page_cursor(last.created_at, last.id);
  }
  return page;
}

Result<CommandDetail> show_command(postgres::Connection& connection, const base::Uuid& id) {
  auto rows = connection.execute(kShow, Params::of(id));
  if (!rows) return rows.failure();
  if (rows->empty())
    return Failure(FailureKind::not_found, "there is no command " + base::to_string(id));
  CommandDetail detail{command_info(*rows, 0), {}};
  auto lanes = connection.execute(kLanes, Params::of(id));
  if (!lanes) return lanes.failure();
  for (std::size_t i = 0; i < lanes->size(); ++i) {
    detail.lanes.push_back({lanes->int32(i, 0), lanes->int64(i, 1), lanes->int64(i, 2),
                            lanes->text(i, 3), lanes->text(i, 4), lanes->text(i, 5),
                            lanes->int64(i, 6)});
  }
  return detail;
}

Result<std::vector<OpenEventInfo>> list_open_events(postgres::Connection& connection,
                                                    const EventFilter& filter, std::int64_t limit) {
  auto rows = connection.execute(kOpen, Params::of(filter_json(filter), filter.handler, limit));
  if (!rows) return rows.failure();
  std::vector<OpenEventInfo> events;
  for (std::size_t i = 0; i < rows->size(); ++i) events.push_back(open_event(*rows, i));
  return events;
}

}  // namespace spool::store
