// What operators have decided of handlers, as workers read it, and what workers answer.
#include "engine/postgres/array_text.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using delivery::HandlerSwitch;
using postgres::Params;
using postgres::Statement;

constexpr Statement kSwitches{
    "handler_switches",
    "select handler, paused, (extract(epoch from until) * 1000000)::bigint, version"
    " from spool.handler_switches where handler = any ($1::text[])"};

constexpr Statement kAcknowledge{
    "handler_acknowledge",
    "insert into spool.handler_acknowledgements as a (handler, owner, version, session)"
    " select mine.handler, $2, mine.version, pg_backend_pid()"
    " from unnest($1::text[], $3::bigint[]) as mine (handler, version) order by mine.handler"
    " on conflict (handler, owner) do update set version = excluded.version,"
    " session = excluded.session, seen_at = excluded.seen_at"};

}  // namespace

Result<std::vector<HandlerSwitch>> PgStore::switches() {
  postgres::ArrayText names;
  for (const auto& [name, context] : contexts_) names.add_text(name);
  auto rows = execute(kSwitches, Params::of(names.text()));
  if (!rows) return rows.failure();
  std::vector<HandlerSwitch> all;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    all.push_back(
        {rows->text(i, 0), rows->boolean(i, 1), rows->optional_int64(i, 2), rows->int64(i, 3)});
  }
  return all;
}

Status PgStore::acknowledge(const std::map<std::string, std::int64_t>& versions) {
  if (versions.empty()) return {};
  postgres::ArrayText names;
  postgres::ArrayText numbers;
  for (const auto& [name, version] : versions) {
    names.add_text(name);
    numbers.add_int64(version);
  }
  const std::string& owner = context(versions.begin()->first).owner;
  auto rows = execute(kAcknowledge, Params::of(names.text(), owner, numbers.text()));
  return rows ? Status() : Status(rows.failure());
}

}  // namespace spool::store
