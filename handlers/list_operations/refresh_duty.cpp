#include "handlers/list_operations/refresh_duty.hpp"

#include <utility>

#include "engine/base/json_object.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/postgres/transaction.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {
namespace {

using postgres::Params;
using postgres::Statement;

constexpr std::chrono::minutes kEvery{1};
constexpr std::int64_t kAtOnce = 200;
constexpr std::int64_t kWaitingMax = 1'000;
// After whatever users ask for.
constexpr std::int64_t kPriority = 0;

// The user is logged in, the event was not asked for yet, and no reading waits. List by list: a
// join would read all operations.
#define SPOOL_MAY_BE_READ(INFIX)                                                         \
  " and exists (select from media.tmdb_sessions s where s.tmdb_user_id = l.tmdb_user_id" \
  " and s.state = 'active')"                                                             \
  " and not exists (select from media.queued_list_operations q"                          \
  " where q.source = 'spool.list_operations'"                                            \
  " and q.event_id = 'refresh-' || l.id || '" INFIX                                      \
  "' || slot.nr offset 0)"                                                               \
  " and not exists (select from media.queued_list_operations q where q.list_id = l.id"   \
  " and q.operation_type = 'refresh_list' and q.status in ('pending', 'processing') offset 0)"

constexpr Statement kRoom{
    "list_operations_refresh_room",
    "select greatest(0, least($1::bigint, $2::bigint - count(*)))"
    " from media.queued_list_operations q"
    " where q.operation_type = 'refresh_list' and q.status in ('pending', 'processing')"};

// Lists that somebody looks at are asked for again, each hour, if one could not be read; and so are
// those of which nothing is known but their names.
constexpr Statement kWanted{
    "list_operations_wanted_refreshes",
    "with slot as (select floor(extract(epoch from now()) / 3600)::bigint as nr)"
    " select 'refresh-' || l.id || '-wanted-' || slot.nr, l.tmdb_user_id, l.tmdb_list_id, l.id"
    " from media.list_cache c join media.lists l on l.id = c.list_id cross join slot"
    " where c.refresh_wanted_at is not null"
    " and l.existence in ('exists', 'unknown') and l.tmdb_list_id is not null"
    " and coalesce(l.last_synced_at, timestamptz '-infinity')"
    " < now() - $1::bigint * interval '1 millisecond'" SPOOL_MAY_BE_READ(
        "-wanted-") " order by c.refresh_wanted_at, l.id limit $2"};

// A list has one event within a slot of the interval, whatever became of it: it is not asked for
// again and again if it cannot be read.
constexpr Statement kDue{
    "list_operations_due_refreshes",
    "with slot as (select floor(extract(epoch from now()) * 1000 / $1::bigint)::bigint as nr)"
    " select 'refresh-' || l.id || '-' || slot.nr, l.tmdb_user_id, l.tmdb_list_id"
    " from media.lists l cross join slot"
    " where l.existence = 'exists' and l.tmdb_list_id is not null"
    " and coalesce(l.last_synced_at, timestamptz '-infinity')"
    " < now() - $1::bigint * interval '1 millisecond'"
    " and l.id <> all ($3::bigint[])" SPOOL_MAY_BE_READ(
        "-") " order by coalesce(l.last_synced_at, timestamptz '-infinity'), l.id limit $2"};

class RefreshDuty final : public handler::Duty {
 public:
  explicit RefreshDuty(std::chrono::milliseconds interval) : interval_(interval) {}

  std::string name() const override { return "refresh"; }
  std::chrono::milliseconds every() const override { return kEvery; }

  base::Result<handler::DutyDone> run(postgres::Transaction& transaction) override {
    auto room = transaction.execute(kRoom, Params::of(kAtOnce, kWaitingMax));
    if (!room) return room.failure();
    const std::int64_t free = room->int64(0, 0);
    auto wanted = transaction.execute(kWanted, Params::of(interval_.count(), free));
    if (!wanted) return wanted.failure();
    handler::DutyDone done;
    publish(*wanted, done);
    postgres::ArrayText asked;
    for (std::size_t i = 0; i < wanted->size(); ++i) asked.add_int64(wanted->int64(i, 3));
    const std::int64_t left = free - static_cast<std::int64_t>(wanted->size());
    auto due = transaction.execute(kDue, Params::of(interval_.count(), left, asked.text()));
    if (!due) return due.failure();
    publish(*due, done);
    return done;
  }

 private:
  static void publish(const postgres::Rows& rows, handler::DutyDone& done) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      base::JsonObject data;
      data.text("operation_type", to_string(OperationType::refresh_list));
      data.number("tmdb_user_id", rows.int32(i, 1));
      data.number("tmdb_list_id", rows.int32(i, 2));
      data.number("priority", kPriority);
      done.publish.push_back(
          {rows.text(i, 0), std::string(kEventType), std::to_string(rows.int32(i, 1)), data.str()});
    }
  }

  std::chrono::milliseconds interval_;
};

}  // namespace

std::unique_ptr<handler::Duty> make_refresh_duty(std::chrono::milliseconds interval) {
  return std::make_unique<RefreshDuty>(interval);
}

}  // namespace spool::list_operations
