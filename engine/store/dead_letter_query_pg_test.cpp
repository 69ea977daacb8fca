#include "engine/store/dead_letter_query.hpp"

#include <string>

#include <gtest/gtest.h>

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
        " fingerprint, attempts, first_seen, dead_at)"
        " select case when n % 2 = 0 then 'even' else 'odd' end, 's', 'e' || n, 't', 'topic', 1, n,"
        " 1000 + n, '', case when n > 5 then 'db.constraint' else 'schema.violation' end, 'f', 'm',"
        " 'fp', 1, now(), timestamptz '2026-01-01 00:00:00.000001+00'"
        " + case when n = 5 then 4 else n end * interval '1 second'"
        " from generate_series(1, 7) n");
  }
  static const test::PgDatabase& database() {
    static const test::PgDatabase database;
    return database;
  }
  std::string ids(const DeadLetterFilter& filter) {
    const auto page = list_dead_letters(*connection_, filter);
    EXPECT_TRUE(page.ok()) << page.failure().text;
    std::string text;
    for (const auto& letter : page->letters) text += letter.event_id + " ";
    return text;
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
};

TEST_F(DeadLetterQueryPg, FiltersByHandlerAndClass) {
  EXPECT_EQ(ids({.handler = "even"}), "e6 e4 e2 ");
  EXPECT_EQ(ids({.error_type = "db.constraint"}), "e7 e6 ");
  EXPECT_EQ(ids({.handler = "odd", .error_type = "db.constraint"}), "e7 ");
  EXPECT_EQ(ids({.handler = "' or true --"}), "");
}

TEST_F(DeadLetterQueryPg, PagesMeetWithoutOverlapOrGap) {
  const std::string whole = ids({});
  for (const std::int64_t limit : {1, 2, 3, 7}) {
    std::string paged;
    DeadLetterFilter filter{.limit = limit};
    int pages = 0;
    do {
      const auto page = list_dead_letters(*connection_, filter);
      ASSERT_TRUE(page.ok()) << page.failure().text;
      for (const auto& letter : page->letters) paged += letter.event_id + " ";
      filter.cursor = page->next;
    } while (!filter.cursor.empty() && ++pages < 20);
    EXPECT_EQ(paged, whole) << "pages of " << limit;
  }
}

TEST_F(DeadLetterQueryPg, ShowsOneInFull) {
  const auto page = list_dead_letters(*connection_, {.limit = 1});
  const auto shown = show_dead_letter(*connection_, page->letters.front().id);
  ASSERT_TRUE(shown.ok()) << shown.failure().text;
  EXPECT_EQ(shown->summary.event_id, "e7");
  EXPECT_EQ(shown->summary.offset, 7);
  EXPECT_EQ(shown->summary.timestamp_ms, 1007);
  EXPECT_EQ(shown->summary.state, "open");
  EXPECT_EQ(shown->summary.dead_at, 1'767'225'607'000'001);
  EXPECT_EQ(shown->key, std::nullopt);
  EXPECT_TRUE(shown->headers.empty());
}

TEST_F(DeadLetterQueryPg, TellsWhatIsNotThereAndWhatIsNonsense) {
  const auto none = show_dead_letter(*connection_, base::Uuid{});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().kind, base::FailureKind::not_found);
  for (const char* nonsense : {"x", "12", "12_", "12_abc", "_"}) {
    const auto page = list_dead_letters(*connection_, {.cursor = nonsense});
    ASSERT_FALSE(page.ok()) << nonsense;
    EXPECT_EQ(page.failure().kind, base::FailureKind::invalid);
  }
}

}  // namespace
}  // namespace spool::store
