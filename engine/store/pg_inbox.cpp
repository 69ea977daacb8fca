// Which events were settled before, for handlers that need to be told.
#include "engine/store/pg_lane_transaction.hpp"
#include "engine/store/statement_parts.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

// What is dead, or was, is settled as well: the inbox forgets sooner than the dead letters.
constexpr Statement kSeen{
    "inbox_seen",
    "select exists (select 1 from spool.inbox i where i.handler = $1 and i.source = e.source"
    " and i.event_id = e.event_id)"
    " or exists (select 1 from spool.dead_letters d where d.handler = $1 and d.source = e.source"
    " and d.event_id = e.event_id)"
    " or exists (select 1 from spool.dead_letter_tombstones t where t.handler = $1"
    " and t.source = e.source and t.event_id = e.event_id)"
    " from unnest($2::text[], $3::text[]) with ordinality as e (source, event_id, nr)"
    " order by nr"};

constexpr Statement kRemember{
    "inbox_remember",
    "insert into spool.inbox (day, handler, source, event_id)"
    " select (now() at time zone 'UTC')::date, $1, source, event_id"
    " from unnest($2::text[], $3::text[]) as e (source, event_id) on conflict do nothing"};

struct Identities {
  ArrayText sources, ids;
  explicit Identities(std::span<const message::Identity> events) {
    for (const message::Identity& event : events) {
      sources.add_text(event.source);
      ids.add_text(event.id);
    }
  }
};

}  // namespace

Result<std::vector<bool>> PgLaneTransaction::seen(std::span<const message::Identity> events) {
  Identities columns(events);
  auto rows = transaction_->execute(
      kSeen, Params::of(lane_.handler, columns.sources.text(), columns.ids.text()));
  if (!rows) return rows.failure();
  std::vector<bool> seen(events.size());
  for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = rows->boolean(i, 0);
  return seen;
}

Status PgLaneTransaction::remember(std::span<const message::Identity> events) {
  Identities columns(events);
  auto rows = transaction_->execute(
      kRemember, Params::of(lane_.handler, columns.sources.text(), columns.ids.text()));
  if (!rows) return rows.failure();
  return {};
}

}  // namespace spool::store
