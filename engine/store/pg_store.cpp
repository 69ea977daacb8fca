#include "engine/store/pg_store.hpp"

#include <poll.h>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/message/header_block.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/command_kind.hpp"
#include "engine/store/pg_lane_transaction.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr std::size_t kDetailBytesMax = 1000;

// All that lanes do is look rows up by their keys. A plan that was made while a table was empty
// would read the whole of it, thousands of times over, long after it has grown.
const std::vector<std::pair<std::string, std::string>> kSession{{"enable_seqscan", "off"},
                                                                {"jit", "off"}};

// The first worker that ever served the handler wrote down how many partitions there were.
constexpr Statement kAdmit{
    "lane_admit",
    "with first as (insert into spool.handler_topics (handler, topic, partitions, cluster_id)"
    " values ($1, $2, $3, $4) on conflict (handler) do nothing returning partitions, cluster_id)"
    " select partitions, cluster_id from first union all"
    " select partitions, cluster_id from spool.handler_topics where handler = $1"};

constexpr Statement kClaims{
    "lane_claims",
    "select handler, partition, token, seq from spool.lanes"
    " where (handler, partition) in (select * from unnest($1::text[], $2::int[]))"};

constexpr Statement kCommands{
    "lane_commands",
    "select l.handler, l.partition, c.id, c.kind, ceil(c.rate::numeric / n.lanes)::bigint,"
    " (c.filter ->> 'from')::bigint, (c.filter ->> 'to')::bigint, coalesce(c.priority, 5)"
    " from unnest($1::text[], $2::int[]) as mine (handler, partition)"
    " join spool.command_lanes l on l.handler = mine.handler and l.partition = mine.partition"
    " and not l.finished"
    " join spool.commands c on c.id = l.command_id and c.state = 'running'"
    " cross join lateral (select count(*) as lanes from spool.command_lanes"
    " where command_id = c.id) n order by c.created_at, c.id"};

constexpr Statement kOutbox{
    "outbox_read",
    "select number, topic, key, value, headers from spool.outbox"
    " where handler = $1 and partition = $2 and error is null order by number limit $3"};

constexpr Statement kStop{"lane_stop",
                          "update spool.lanes set seq = seq + 1, state = 'stopped', reason = $5,"
                          " detail = $6,"
                          " updated_at = clock_timestamp()"
                          " where handler = $1 and partition = $2 and token = $3 and seq = $4"};

constexpr Statement kTime{"database_time",
                          "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"};

Params columns_of(std::span<const delivery::LaneId> lanes) {
  ArrayText handlers;
  ArrayText partitions;
  for (const delivery::LaneId& lane : lanes) {
    handlers.add_text(lane.handler);
    partitions.add_int64(lane.partition);
  }
  return Params::of(handlers.text(), partitions.text());
}

}  // namespace

PgStore::PgStore(PgStoreSettings settings, const std::vector<LaneContext>& contexts)
    : settings_(std::move(settings)) {
  settings_.connection.session.insert(settings_.connection.session.end(), kSession.begin(),
                                      kSession.end());
  for (const LaneContext& context : contexts) contexts_.emplace(context.handler, context);
}

PgStore::~PgStore() = default;

Result<postgres::Connection*> PgStore::connection() {
  if (!connection_ || !connection_->usable()) {
    {
      const std::lock_guard lock(connection_mutex_);
      connection_.reset();
      if (closed_) return Failure(FailureKind::stopped, "the store is closed");
    }
    auto opened = postgres::Connection::open(settings_.connection);
    if (!opened) return opened.failure();
    const std::lock_guard lock(connection_mutex_);
    if (closed_) return Failure(FailureKind::stopped, "the store is closed");
    connection_ = std::move(opened).value();
    listening_ = false;
  }
  return connection_.get();
}

Status PgStore::wait_for_command(int wake_fd, std::chrono::milliseconds limit) {
  auto open = connection();
  if (!open) {
    // Whoever waits wants a pause, whatever its reason.
    pollfd wake{wake_fd, POLLIN, 0};
    ::poll(&wake, 1, static_cast<int>(limit.count()));
    return {};
  }
  if (!listening_) {
    if (auto listens = (*open)->listen("spool_commands"); !listens) return listens;
    listening_ = true;
  }
  auto heard = (*open)->wait_notified(wake_fd, limit);
  return heard ? Status() : Status(heard.failure());
}

Result<Rows> PgStore::execute(const Statement& statement, Params params) {
  auto open = connection();
  if (!open) return open.failure();
  return (*open)->execute(statement, std::move(params));
}

const LaneContext& PgStore::context(const std::string& handler) const {
  const auto found = contexts_.find(handler);
  SPOOL_ASSERT(found != contexts_.end(), "the store was not told of this handler");
  return found->second;
}

Status PgStore::admit(const delivery::LaneId& lane, const std::string& topic,
                      const delivery::LogBounds& bounds) {
  auto rows = execute(kAdmit, Params::of(lane.handler, topic, bounds.partitions, bounds.cluster));
  if (!rows) return rows.failure();
  // Another worker is writing it down at this moment; it will be there when we ask again.
  if (rows->empty()) return Failure(FailureKind::unavailable, "the handler is being registered");
  if (rows->text(0, 1) != bounds.cluster) {
    return Failure(FailureKind::position, "the lanes of " + lane.handler +
                                              " count the offsets of Kafka cluster " +
                                              rows->text(0, 1) + ", this is " + bounds.cluster);
  }
  const std::int32_t known = rows->int32(0, 0);
  if (lane.partition < known) return {};
  return Failure(
      FailureKind::schema,
      "topic " + topic + " has grown from " + std::to_string(known) + " partitions to " +
          std::to_string(bounds.partitions) + ": partition " + std::to_string(lane.partition) +
          " is not read, for its keys have events in other lanes; publish to the first " +
          std::to_string(known) + " partitions, or begin with a new topic");
}

Result<std::unique_ptr<delivery::LaneTransaction>> PgStore::begin(const delivery::LaneId& lane) {
  auto open = connection();
  if (!open) return open.failure();
  auto begun = (*open)->begin();
  if (!begun) return begun.failure();
  return std::unique_ptr<delivery::LaneTransaction>(
      std::make_unique<PgLaneTransaction>(std::move(begun).value(), lane, context(lane.handler)));
}

Result<std::vector<delivery::ClaimSeen>> PgStore::claims(std::span<const delivery::LaneId> lanes) {
  auto rows = execute(kClaims, columns_of(lanes));
  if (!rows) return rows.failure();
  std::vector<delivery::ClaimSeen> seen;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    seen.push_back({{rows->text(i, 0), rows->int32(i, 1)}, {rows->uuid(i, 2), rows->int64(i, 3)}});
  }
  return seen;
}

Result<std::vector<delivery::OutboxRow>> PgStore::outbox(const delivery::LaneId& lane,
                                                         std::size_t rows_max) {
  auto rows = execute(kOutbox, Params::of(lane.handler, lane.partition, rows_max));
  if (!rows) return rows.failure();
  std::vector<delivery::OutboxRow> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto headers = message::unpack_headers(rows->bytes(i, 4).value_or(std::string{}));
    if (!headers) {
      return Failure(FailureKind::schema,
                     "outbox row " + rows->text(i, 0) + ": " + headers.failure().text);
    }
    all.push_back({rows->int64(i, 0), rows->text(i, 1), rows->bytes(i, 2), rows->bytes(i, 3),
                   std::move(*headers)});
  }
  return all;
}

Result<std::vector<delivery::LaneCommand>> PgStore::commands(
    std::span<const delivery::LaneId> lanes) {
  auto rows = execute(kCommands, columns_of(lanes));
  if (!rows) return rows.failure();
  std::vector<delivery::LaneCommand> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    delivery::Command command{rows->uuid(i, 2), read_command_kind(rows->text(i, 3)),
                              rows->int64(i, 4)};
    if (command.kind == delivery::CommandKind::accept_loss)
      command.loss = {rows->int64(i, 5), rows->int64(i, 6)};
    command.priority = static_cast<std::int16_t>(rows->int32(i, 7));
    all.push_back({{rows->text(i, 0), rows->int32(i, 1)}, command});
  }
  return all;
}

Status PgStore::mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                             const std::string& reason, const std::string& detail) {
  auto rows = execute(kStop, Params::of(lane.handler, lane.partition, claim.token, claim.seq,
                                        reason, base::printable(detail, kDetailBytesMax)));
  if (!rows) return rows.failure();
  if (rows->affected_rows() == 0) return fenced(lane);
  return {};
}

void PgStore::interrupt(std::chrono::milliseconds limit) {
  const std::lock_guard lock(connection_mutex_);
  if (connection_) connection_->interrupt(limit);
}

void PgStore::close() {
  const std::lock_guard lock(connection_mutex_);
  closed_ = true;
  if (connection_) connection_->sever();
}

Result<base::EpochMicros> PgStore::database_time() {
  auto rows = execute(kTime);
  if (!rows) return rows.failure();
  return rows->int64(0, 0);
}

}  // namespace spool::store
