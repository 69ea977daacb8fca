#include "tests/bench/reference.hpp"

#include <tuple>

#include "tests/support/need.hpp"

namespace spool::bench {

std::string difference(const test::PgDatabase& database, const ExpectedRows& expected) {
  static constexpr postgres::Statement kAllRows{
      "bench_all_rows",
      "select user_id, media_type, tmdb_id, season, episode, position_s, duration_s,"
      " (extract(epoch from updated_at) * 1000000)::bigint, event_id,"
      " (extract(epoch from completed_at) * 1000000)::bigint from media.watch_progress"};
  const auto rows = test::need(database.connect()->execute(kAllRows), "rows");
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const test::ItemKey key{rows.int64(r, 0), rows.text(r, 1), rows.int64(r, 2), rows.int64(r, 3),
                            rows.int64(r, 4)};
    const test::ExpectedRow row{rows.int64(r, 5), rows.int64(r, 6), rows.int64(r, 7),
                                rows.text(r, 8), rows.optional_int64(r, 9)};
    const auto found = expected.find(key);
    if (found == expected.end() || !(found->second == row)) ++wrong;
  }
  if (wrong == 0 && rows.size() == expected.size()) return "";
  return std::to_string(rows.size()) + " rows of " + std::to_string(expected.size()) + ", " +
         std::to_string(wrong) + " of them wrong";
}

void merge(ExpectedRows& into, const ExpectedRows& more) {
  for (const auto& [key, row] : more) {
    const auto [at, fresh] = into.try_emplace(key, row);
    if (fresh) continue;
    test::ExpectedRow& known = at->second;
    auto completed = known.completed_at_us;
    if (row.completed_at_us && (!completed || *row.completed_at_us < *completed))
      completed = row.completed_at_us;
    if (std::tie(row.updated_at_us, row.event_id) > std::tie(known.updated_at_us, known.event_id))
      known = row;
    known.completed_at_us = completed;
  }
}

}  // namespace spool::bench
