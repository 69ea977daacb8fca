#include "engine/store/dead_letter_groups.hpp"

#include "engine/store/event_filter_sql.hpp"

namespace spool::store {
namespace {

using base::Result;
using postgres::Params;
using postgres::Statement;

#define SPOOL_GROUP(COLUMN)                                                                 \
  "select " COLUMN                                                                          \
  ", count(*), (extract(epoch from min(d.dead_at)) * 1000000)::bigint,"                     \
  " (extract(epoch from max(d.dead_at)) * 1000000)::bigint, count(distinct d.handler),"     \
  " count(distinct d.error_type), (array_agg(d.id order by d.dead_at desc, d.id desc))[1]," \
  " (array_agg(d.handler order by d.dead_at desc, d.id desc))[1],"                          \
  " (array_agg(d.error_type order by d.dead_at desc, d.id desc))[1],"                       \
  " (array_agg(d.error_message order by d.dead_at desc, d.id desc))[1]"                     \
  " from spool.dead_letters d where ($2::text is null or d.handler = $2)"                   \
  " and " SPOOL_LETTER_MATCHES("d", "$1::jsonb") " group by 1 order by 2 desc, 4 desc, 1 limit $3"

constexpr Statement kByCause{"dead_letter_groups_cause", SPOOL_GROUP("d.fingerprint")};
constexpr Statement kByHandler{"dead_letter_groups_handler", SPOOL_GROUP("d.handler")};
constexpr Statement kByTopic{"dead_letter_groups_topic", SPOOL_GROUP("d.topic")};
constexpr Statement kByError{"dead_letter_groups_error", SPOOL_GROUP("d.error_type")};

#undef SPOOL_GROUP

const Statement& statement_of(GroupBy by) {
  switch (by) {
    case GroupBy::cause:
      return kByCause;
    case GroupBy::handler:
      return kByHandler;
    case GroupBy::topic:
      return kByTopic;
    case GroupBy::error:
      break;
  }
  return kByError;
}

}  // namespace

Result<std::vector<DeadLetterGroup>> group_dead_letters(postgres::Connection& connection,
                                                        const EventFilter& filter, GroupBy by,
                                                        std::int64_t limit) {
  auto rows =
      connection.execute(statement_of(by), Params::of(filter_json(filter), filter.handler, limit));
  if (!rows) return rows.failure();
  std::vector<DeadLetterGroup> groups;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    DeadLetterGroup& group = groups.emplace_back();
    group.group = rows->text(i, 0);
    group.count = rows->int64(i, 1);
    group.first = rows->int64(i, 2);
    group.last = rows->int64(i, 3);
    group.handlers = rows->int64(i, 4);
    group.error_types = rows->int64(i, 5);
    group.sample = rows->uuid(i, 6);
    group.handler = rows->text(i, 7);
    group.error_type = rows->text(i, 8);
    group.message = rows->text(i, 9);
  }
  return groups;
}

}  // namespace spool::store
