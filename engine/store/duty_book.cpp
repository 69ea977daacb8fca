#include "engine/store/duty_book.hpp"

#include <algorithm>

#include "engine/base/text.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/statement_parts.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;
using postgres::Transaction;

// When row d is due; null: now. EVERY: milliseconds.
#define SPOOL_DUE                                            \
  "greatest(case when not d.more then d.done_at + " EVERY_MS \
  "::bigint"                                                 \
  " * interval '1 millisecond' end, d.retry_at)"

#define EVERY_MS "a.every"
constexpr Statement kLook{
    "duties_look",
    "with asked as (select * from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality"
    " as a (handler, duty, every, nr)),"
    " news as (insert into spool.duties (handler, duty) select a.handler, a.duty from asked a"
    " where not exists (select 1 from spool.duties d where d.handler = a.handler"
    " and d.duty = a.duty) order by 1, 2 on conflict do nothing)"
    " select ceil(extract(epoch from " SPOOL_DUE
    " - clock_timestamp()) * 1000)::bigint,"
    " (extract(epoch from d.done_at) * 1000000)::bigint"
    " from asked a left join spool.duties d using (handler, duty) order by a.nr"};
#undef EVERY_MS

// Once the lock is had the conditions are looked at again: nobody has run it in between.
#define EVERY_MS "$3"
constexpr Statement kTake{
    "duty_take",
    "select d.version, " SPOOL_MICROS("clock_timestamp()")
    " from spool.duties d where d.handler = $1 and d.duty = $2"
    " and coalesce(" SPOOL_DUE " <= clock_timestamp(), true) for update skip locked"};
#undef EVERY_MS
#undef SPOOL_DUE

constexpr Statement kFinish{
    "duty_finish",
    "update spool.duties set version = version + 1, last_run_at = statement_timestamp(),"
    " done_at = statement_timestamp(), rows = $3, events = $4, more = $5, failures = 0,"
    " retry_at = null, last_error = null, owner = $6 where handler = $1 and duty = $2"};

// Who holds the row runs it and will say what came of it.
constexpr Statement kFail{
    "duty_fail",
    "update spool.duties d set version = version + 1, last_run_at = clock_timestamp(),"
    " failures = failures + 1, last_error = $4, owner = $5,"
    " retry_at = clock_timestamp() + least(interval '5 minutes',"
    " interval '1 second' * 2 ^ least(failures, 10)) where ctid = (select ctid from spool.duties"
    " where handler = $1 and duty = $2 and version = $3 for update skip locked)"};

constexpr Statement kOfHandler{
    "handler_duties",
    "select duty, (extract(epoch from last_run_at) * 1000000)::bigint,"
    " (extract(epoch from done_at) * 1000000)::bigint, rows, events, failures,"
    " coalesce(last_error, ''), coalesce(owner, '') from spool.duties where handler = $1"
    " order by duty"};

}  // namespace

Result<std::vector<DutyState>> look_at_duties(postgres::Connection& connection,
                                              std::span<const DutyPlan> plans) {
  ArrayText handlers;
  ArrayText duties;
  ArrayText periods;
  for (const DutyPlan& plan : plans) {
    handlers.add_text(plan.handler);
    duties.add_text(plan.duty);
    periods.add_int64(plan.every.count());
  }
  auto rows = connection.execute(kLook, Params::of(handlers.text(), duties.text(), periods.text()));
  if (!rows) return rows.failure();
  std::vector<DutyState> states;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::int64_t left = rows->optional_int64(i, 0).value_or(0);
    states.push_back(
        {std::chrono::milliseconds(std::max<std::int64_t>(left, 0)), rows->optional_int64(i, 1)});
  }
  return states;
}

Result<std::optional<DutyTurn>> take_duty(Transaction& transaction, const DutyPlan& plan) {
  auto rows = transaction.execute(kTake, Params::of(plan.handler, plan.duty, plan.every.count()));
  if (!rows) return rows.failure();
  if (rows->empty()) return std::optional<DutyTurn>();
  return std::optional(DutyTurn{rows->int64(0, 0), rows->int64(0, 1)});
}

Status finish_duty(Transaction& transaction, const DutyPlan& plan, const DutyResult& result,
                   const std::string& owner) {
  auto rows = transaction.execute(
      kFinish, Params::of(plan.handler, plan.duty, result.rows, result.events, result.more, owner));
  return rows ? Status() : Status(rows.failure());
}

Status fail_duty(postgres::Connection& connection, const DutyPlan& plan, const DutyTurn& turn,
                 const std::string& error, const std::string& owner) {
  auto rows = connection.execute(kFail, Params::of(plan.handler, plan.duty, turn.version,
                                                   base::printable(error, kErrorBytesMax), owner));
  return rows ? Status() : Status(rows.failure());
}

Result<std::vector<DutyInfo>> handler_duties(postgres::Connection& connection,
                                             const std::string& handler) {
  auto rows = connection.execute(kOfHandler, Params::of(handler));
  if (!rows) return rows.failure();
  std::vector<DutyInfo> duties;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    duties.push_back({rows->text(i, 0), rows->optional_int64(i, 1), rows->optional_int64(i, 2),
                      rows->int64(i, 3), rows->int64(i, 4), rows->int64(i, 5), rows->text(i, 6),
                      rows->text(i, 7)});
  }
  return duties;
}

}  // namespace spool::store
