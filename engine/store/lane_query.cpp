#include "engine/store/lane_query.hpp"

#include "engine/delivery/lane_name.hpp"
#include "engine/store/statement_parts.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::Params;
using postgres::Rows;

constexpr postgres::Statement kLanes{
    "lanes_list",
    "select l.handler, l.partition, l.topic,"
    " case when l.state = 'stopped' then 'stopped' when l.clean then 'free' else 'running' end,"
    " coalesce(l.reason, ''), coalesce(l.detail, ''), l.owner, l.epoch, l.start_offset,"
    " l.next_offset, l.applied, l.duplicate, l.dead, l.open, l.gaps, l.lost,"
    " o.keys, o.bytes, " SPOOL_MICROS("l.taken_at") ", " SPOOL_MICROS(
        "l.updated_at") ","
    " (select c.id::text from spool.command_lanes cl join spool.commands c on c.id = cl.command_id"
    " where cl.handler = l.handler and cl.partition = l.partition and not cl.finished"
    " and c.kind = 'accept_loss' and c.state in ('running', 'paused') limit 1),"
    " (select coalesce(sum(cl.done), 0)::bigint from spool.commands c join spool.command_lanes cl"
    " on cl.command_id = c.id where c.kind = 'accept_loss' and c.handler = l.handler"
    " and cl.partition = l.partition)"
    " from spool.lanes l cross join lateral (select count(distinct order_key) filter (where"
    " state <> 'scheduled') as keys, coalesce(sum(bytes), 0)::bigint as bytes"
    " from spool.open_events where handler = l.handler and partition = l.partition) o"
    " where ($1::text is null or l.handler = $1) and ($2::int is null or l.partition = $2)"
    " order by l.handler, l.partition"};

LaneInfo lane_info(const Rows& rows, std::size_t i) {
  LaneInfo info;
  info.lane = {rows.text(i, 0), rows.int32(i, 1)};
  info.topic = rows.text(i, 2);
  info.state = rows.text(i, 3);
  info.reason = rows.text(i, 4);
  info.detail = rows.text(i, 5);
  info.owner = rows.text(i, 6);
  info.epoch = rows.int64(i, 7);
  info.start = rows.int64(i, 8);
  info.next = rows.int64(i, 9);
  info.counters = {rows.int64(i, 10), rows.int64(i, 11), rows.int64(i, 12),
                   rows.int64(i, 13), rows.int64(i, 14), rows.int64(i, 15)};
  info.held_keys = rows.int64(i, 16);
  info.open_bytes = rows.int64(i, 17);
  info.taken_at = rows.int64(i, 18);
  info.updated_at = rows.int64(i, 19);
  if (const auto id = rows.at(i, 20)) info.acceptance = base::parse_uuid(*id);
  info.losses = rows.int64(i, 21);
  return info;
}

Result<std::vector<LaneInfo>> read(postgres::Connection& connection,
                                   const std::optional<std::string>& handler,
                                   const std::optional<std::int32_t>& partition) {
  auto rows = connection.execute(kLanes, Params::of(handler, partition));
  if (!rows) return rows.failure();
  std::vector<LaneInfo> lanes;
  for (std::size_t i = 0; i < rows->size(); ++i) lanes.push_back(lane_info(*rows, i));
  return lanes;
}

}  // namespace

Result<std::vector<LaneInfo>> list_lanes(postgres::Connection& connection,
                                         const std::optional<std::string>& handler) {
  return read(connection, handler, std::nullopt);
}

Result<LaneInfo> show_lane(postgres::Connection& connection, const delivery::LaneId& lane) {
  auto lanes = read(connection, lane.handler, lane.partition);
  if (!lanes) return lanes.failure();
  if (!lanes->empty()) return lanes->front();
  return Failure(FailureKind::not_found, "there is no lane " + delivery::lane_name(lane) +
                                             ": no worker has had that partition");
}

}  // namespace spool::store
