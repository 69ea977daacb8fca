#include "engine/store/dead_letter_query.hpp"

#include <string>

#include <gtest/gtest.h>

#include "engine/store/dead_letter_groups.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::store {
namespace {

class DeadLetterQueryPg : public testing::Test {
 protected:
  // Seven letters; the fourth and the fifth died in the same microsecond.
  static void SetUpTestSuite() {
    database().execute(
        "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
        " record_offset, record_timestamp_ms, headers, error_type, error_field, error_message,"
        " fingerprint, attempts, state, order_key, first_seen, dead_at)"
        " select case when n % 2 = 0 then 'even' else 'odd' end, 's', 'e' || n, 't', 'topic', 1, n,"
        " 1000 + n, '', case when n > 5 then 'db.constraint' else 'schema.violation' end, 'f',"
        " 'm' || n, case when n in (2, 4, 6) then 'fp2' else 'fp' || n end, 1,"
        " case when n = 7 then 'resolved' else 'open' end, gen_random_uuid(), now(),"
        " timestamptz '2026-01-01 00:00:00.000001+00'"
        " + case when n = 5 then 4 else n end * interval '1 second'"
        " from generate_series(1, 7) n");
  }
  static const test::PgDatabase& database() {
    static const test::PgDatabase database;
    return database;
  }
  std::string ids(const EventFilter& filter) {
    const auto page = list_dead_letters(*connection_, filter, 50, "");
    EXPECT_TRUE(page.ok()) << page.failure().text;
    std::string text;
    for (const auto& letter : page->letters) text += letter.event_id + " ";
    return text;
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
};

TEST_F(DeadLetterQueryPg, FiltersByHandlerErrorAndState) {
  EXPECT_EQ(ids({.handler = "even"}), "e6 e4 e2 ");
  EXPECT_EQ(ids({.error = "db.constraint"}), "e7 e6 ");
  EXPECT_EQ(ids({.error = "db.*"}), "e7 e6 ");
  EXPECT_EQ(ids({.handler = "odd", .error = "db.constraint"}), "e7 ");
  EXPECT_EQ(ids({.handler = "' or true --"}), "");
  EXPECT_EQ(ids({.state = "resolved"}), "e7 ");
  EXPECT_EQ(ids({.fingerprint = "fp2"}), "e6 e4 e2 ");
}

TEST_F(DeadLetterQueryPg, PagesMeetWithoutOverlapOrGap) {
  const std::string whole = ids({});
  for (const std::int64_t limit : {1, 2, 3, 7}) {
    std::string paged;
    std::string cursor;
    int pages = 0;
    do {
      const auto page = list_dead_letters(*connection_, {}, limit, cursor);
      ASSERT_TRUE(page.ok()) << page.failure().text;
      for (const auto& letter : page->letters) paged += letter.event_id + " ";
      cursor = page->next;
    } while (!cursor.empty() && ++pages < 20);
    EXPECT_EQ(paged, whole) << "pages of " << limit;
  }
}

TEST_F(DeadLetterQueryPg, ReadsAllOldestFirstInPiecesOfBoundedSize) {
  // Three of two megabytes each do not fit into one piece.
  database().execute(
      "update spool.dead_letters set value = decode(repeat('61', 2 << 20), 'hex')"
      " where event_id in ('e1', 'e3', 'e6')");
  std::string read;
  std::string cursor;
  std::size_t largest = 0;
  for (int pieces = 0; pieces < 20; ++pieces) {
    const auto batch = read_dead_letters(*connection_, {}, cursor);
    ASSERT_TRUE(batch.ok()) << batch.failure().text;
    std::size_t bytes = 0;
    for (const auto& letter : batch->letters) {
      read += letter.summary.event_id + " ";
      bytes += letter.value ? letter.value->size() : 0;
    }
    largest = std::max(largest, bytes);
    cursor = batch->next;
    if (cursor.empty()) break;
  }
  EXPECT_EQ(read.size(), std::string("e1 e2 e3 e4 e5 e6 e7 ").size());
  EXPECT_EQ(read.substr(0, 9), "e1 e2 e3 ");
  EXPECT_LE(largest, 4UL << 20);
  database().execute("update spool.dead_letters set value = null");
}

TEST_F(DeadLetterQueryPg, ShowsOneInFull) {
  const auto page = list_dead_letters(*connection_, {}, 1, "");
  const auto shown = show_dead_letter(*connection_, page->letters.front().id);
  ASSERT_TRUE(shown.ok()) << shown.failure().text;
  EXPECT_EQ(shown->summary.event_id, "e7");
  EXPECT_EQ(shown->summary.offset, 7);
  EXPECT_EQ(shown->summary.timestamp_ms, 1007);
  EXPECT_EQ(shown->summary.state, "resolved");
  EXPECT_EQ(shown->summary.dead_at, 1'767'225'607'000'001);
  EXPECT_EQ(shown->summary.note, std::nullopt);
  EXPECT_EQ(shown->history_json, "[]");
  EXPECT_EQ(shown->key, std::nullopt);
  EXPECT_TRUE(shown->headers.empty());
}

TEST_F(DeadLetterQueryPg, TellsWhatIsNotThereAndWhatIsNonsense) {
  const auto none = show_dead_letter(*connection_, base::Uuid{});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().kind, base::FailureKind::not_found);
  for (const char* nonsense : {"x", "12", "12_", "12_abc", "_"}) {
    const auto page = list_dead_letters(*connection_, {}, 50, nonsense);
    ASSERT_FALSE(page.ok()) << nonsense;
    EXPECT_EQ(page.failure().kind, base::FailureKind::invalid);
  }
}

TEST_F(DeadLetterQueryPg, FailuresOfOneCauseAreOneGroup) {
  const auto groups = group_dead_letters(*connection_, {.state = "open"}, GroupBy::cause, 50);
  ASSERT_TRUE(groups.ok()) << groups.failure().text;
  ASSERT_EQ(groups->size(), 4U);
  const DeadLetterGroup& largest = groups->front();
  EXPECT_EQ(largest.group, "fp2");
  EXPECT_EQ(largest.count, 3);
  EXPECT_EQ(largest.first, 1'767'225'602'000'001);
  EXPECT_EQ(largest.last, 1'767'225'606'000'001);
  EXPECT_EQ(largest.error_types, 2);
  EXPECT_EQ(largest.handler, "even");
  EXPECT_EQ(largest.error_type, "db.constraint") << "of the newest";
  EXPECT_EQ(largest.message, "m6");
  EXPECT_EQ(base::to_string(largest.sample),
            database().value("select id from spool.dead_letters where event_id = 'e6'"));
}

TEST_F(DeadLetterQueryPg, GroupsByHandlerTopicAndError) {
  const auto names = [&](GroupBy by, std::int64_t limit) {
    std::string text;
    const auto groups = group_dead_letters(*connection_, {}, by, limit);
    EXPECT_TRUE(groups.ok()) << groups.failure().text;
    for (const auto& group : *groups) text += group.group + ":" + std::to_string(group.count) + " ";
    return text;
  };
  EXPECT_EQ(names(GroupBy::handler, 50), "odd:4 even:3 ");
  EXPECT_EQ(names(GroupBy::handler, 1), "odd:4 ");
  EXPECT_EQ(names(GroupBy::topic, 50), "topic:7 ");
  EXPECT_EQ(names(GroupBy::error, 50), "schema.violation:5 db.constraint:2 ");
}

}  // namespace
}  // namespace spool::store
