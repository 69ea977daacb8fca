#include "engine/store/audit_log.hpp"

#include "engine/store/event_filter_sql.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kDurable{"operator_durable",
                             "select set_config('synchronous_commit', 'on', true)"};

constexpr Statement kWrite{
    "audit_write",
    "insert into spool.audit_log (actor, action, handler, subject, reason, detail)"
    " values ($1, $2, $3, $4, $5, $6::jsonb)"};

constexpr Statement kList{
    "audit_list",
    "select number, (extract(epoch from at) * 1000000)::bigint, actor, action, handler, subject,"
    " reason, detail from spool.audit_log"
    " where ($1::text is null or handler = $1) and ($2::text is null or actor = $2)"
    " and ($3::text is null or action like " SPOOL_GLOB("$3") ")"
    " and ($4::text is null or subject = $4) and ($5::bigint is null or number < $5)"
    " order by number desc limit $6"};

AuditRow audit_row(const Rows& rows, std::size_t i) {
  AuditRow row;
  row.number = rows.int64(i, 0);
  row.at = rows.int64(i, 1);
  row.actor = rows.text(i, 2);
  row.action = rows.text(i, 3);
  if (const auto handler = rows.at(i, 4)) row.handler = std::string(*handler);
  row.subject = rows.text(i, 5);
  row.reason = rows.text(i, 6);
  row.detail_json = rows.text(i, 7);
  return row;
}

}  // namespace

Result<std::unique_ptr<postgres::Transaction>> begin_durable(postgres::Connection& connection) {
  auto transaction = connection.begin();
  if (!transaction) return transaction;
  auto set = (*transaction)->execute(kDurable);
  if (!set) return set.failure();
  return transaction;
}

Status write_audit(postgres::Transaction& transaction, const Operator& who,
                   const AuditEntry& entry) {
  auto done = transaction.execute(kWrite, Params::of(who.actor, entry.action, entry.handler,
                                                     entry.subject, who.reason, entry.detail_json));
  return done ? Status() : Status(done.failure());
}

Result<AuditPage> list_audit(postgres::Connection& connection, const AuditFilter& filter) {
  // One more than asked for tells whether there is another page.
  auto rows =
      connection.execute(kList, Params::of(filter.handler, filter.actor, filter.action,
                                           filter.subject, filter.before, filter.limit + 1));
  if (!rows) return rows.failure();
  AuditPage page;
  const auto limit = static_cast<std::size_t>(filter.limit);
  for (std::size_t i = 0; i < rows->size() && i < limit; ++i)
    page.rows.push_back(audit_row(*rows, i));
  if (rows->size() > limit && limit > 0) page.next = page.rows.back().number;
  return page;
}

}  // namespace spool::store
