#include "handlers/list_operations/refresh_query.hpp"

#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/merge.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr Statement kReadable{
    "lists_readable",
    "select l.tmdb_user_id, l.tmdb_list_id, l.list_ref from media.lists l"
    " where l.existence in ('exists', 'unknown') and l.tmdb_list_id is not null"
    " and ($1::integer is null or l.tmdb_user_id = $1)"
    " and (not $2::boolean or l.id in (select f.id from media.lists f"
    " where f.tmdb_list_id = any ($3::integer[]) union all select f.id from media.lists f"
    " where f.list_ref = any ($4::uuid[]))) order by l.id limit $5"};

constexpr Statement kReadings{
    "lists_readings",
    "select r.status, r.details is not null, (r.details ->> 'differs')::boolean,"
    " (r.details ->> 'partial')::boolean, r.details ->> 'existence', r.details -> 'fields',"
    " r.details -> 'only_in_mirror', r.details -> 'only_at_tmdb', r.error_type, r.error_message,"
    " r.reason from unnest($1::uuid[]) with ordinality as i (id, nr)"
    " left join media.queued_list_operations q on q.id = i.id"
    " left join lateral (select * from media.queued_list_operations n where n.list_id = q.list_id"
    " and n.operation_type = 'refresh_list' and n.position >= q.position"
    " and n.reason is distinct from $2::text order by n.position limit 1) r on true"
    " order by i.nr"};

}  // namespace

Result<std::vector<ReadableList>> readable_lists(postgres::Connection& connection,
                                                 const std::vector<ListId>& named,
                                                 std::optional<std::int32_t> user,
                                                 std::int64_t limit) {
  ArrayText ids;
  ArrayText refs;
  for (const ListId& one : named) {
    if (one.tmdb_list_id) ids.add_int64(*one.tmdb_list_id);
    if (one.list_ref) refs.add_uuid(*one.list_ref);
  }
  auto rows = connection.execute(kReadable,
                                 Params::of(user, !named.empty(), ids.text(), refs.text(), limit));
  if (!rows) return rows.failure();
  std::vector<ReadableList> lists;
  for (std::size_t i = 0; i < rows->size(); ++i)
    lists.push_back({rows->int32(i, 0), rows->int32(i, 1), read_optional_uuid(*rows, i, 2)});
  return lists;
}

Result<std::vector<ReadingInfo>> readings(postgres::Connection& connection,
                                          const std::vector<base::Uuid>& operations) {
  ArrayText ids;
  for (const base::Uuid& id : operations) ids.add_uuid(id);
  auto rows =
      connection.execute(kReadings, Params::of(ids.text(), to_string(Reason::newer_refresh)));
  if (!rows) return rows.failure();
  std::vector<ReadingInfo> found(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    ReadingInfo& info = found[i];
    info.status = rows->text(i, 0);
    info.read = rows->at(i, 1) && rows->boolean(i, 1);
    info.error_type = rows->text(i, 8);
    info.error_message = rows->text(i, 9);
    info.reason = rows->text(i, 10);
    if (!info.read) continue;
    info.differs = rows->boolean(i, 2);
    info.partial = rows->boolean(i, 3);
    info.existence = rows->text(i, 4);
    info.fields = rows->text(i, 5);
    info.only_in_mirror = rows->text(i, 6);
    info.only_at_tmdb = rows->text(i, 7);
  }
  return found;
}

}  // namespace spool::list_operations
