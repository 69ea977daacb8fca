// Which copies are kept filled, against a real PostgreSQL.
#include "handlers/list_operations/warm_duty.hpp"

#include "handlers/list_operations/cached_list_fixture.hpp"

namespace spool::list_operations {
namespace {

class WarmDutyPgTest : public CachedListTest {
 protected:
  handler::DutyDone run() {
    return commit([&](postgres::Transaction& transaction) { return duty_->run(transaction); });
  }
  std::int64_t warm() {
    const auto done = run();
    EXPECT_TRUE(done.publish.empty());
    EXPECT_FALSE(done.more);
    return done.rows;
  }
  // TMDB's ids of the lists with copies.
  std::string filled() {
    return value(
        "select string_agg(l.tmdb_list_id::text, ' ' order by l.tmdb_list_id)"
        " from media.list_cache c join media.lists l on l.id = c.list_id"
        " where c.body is not null");
  }
  void age(const std::string& column, const std::string& interval, std::int32_t list) {
    execute("update media.list_cache set " + column + " = now() - interval '" + interval +
            "' where list_id = " + std::to_string(row_of(list)));
  }

  std::unique_ptr<handler::Duty> duty_ = make_warm_duty(std::chrono::minutes(1));
};

TEST_F(WarmDutyPgTest, ListsThatAreReadHaveTheirCopiesBackAfterAChange) {
  admit({add("a", 1, 80), add("b", 1, 81)});
  read(row_of(80));
  admit({add("c", 2, 80), add("d", 2, 81)});
  EXPECT_EQ(filled(), "");
  EXPECT_EQ(warm(), 1);
  EXPECT_EQ(filled(), "80");
  const ReadList list = read(row_of(80));
  EXPECT_TRUE(list.cached);
  EXPECT_EQ(describe(list), computed(row_of(80)));
}

TEST_F(WarmDutyPgTest, ACopyIsFilledBeforeItRunsOutAndNotEarlier) {
  admit({add("a", 1, 80)});
  read(row_of(80));
  EXPECT_EQ(warm(), 0);
  age("expires_at", "-40 seconds", 80);
  EXPECT_EQ(warm(), 1);
  EXPECT_EQ(value("select expires_at > now() + interval '50 seconds' from media.list_cache"), "t");
}

TEST_F(WarmDutyPgTest, WhatNobodyReadsIsLetGo) {
  admit({add("a", 1, 80), add("b", 1, 81)});
  read(row_of(80));
  read(row_of(81));
  age("used_at", "61 minutes", 80);
  age("used_at", "59 minutes", 81);
  execute("update media.list_cache set refresh_wanted_at = now()");
  EXPECT_EQ(warm(), 1);
  EXPECT_EQ(filled(), "81");
  EXPECT_EQ(wanted(row_of(80)), "");
  EXPECT_NE(wanted(row_of(81)), "");
  EXPECT_EQ(warm(), 0);
}

TEST_F(WarmDutyPgTest, WhenNothingIsKnownOfReadersWhatIsOperatedOnIsTakenForRead) {
  admit({add("a", 1, 80), add("b", 1, 81), add("c", 1, 82)});
  settle("b", handler::Settled::cancelled);
  execute(
      "update media.queued_list_operations set inserted_at = now() - interval '2 hours'"
      " where event_id = 'a'");
  execute("delete from media.list_cache where list_id = " + std::to_string(row_of(81)));
  const auto assumed = run();
  EXPECT_EQ(assumed.rows, 2);
  EXPECT_TRUE(assumed.more);
  EXPECT_EQ(warm(), 2);
  EXPECT_EQ(filled(), "81 82");
  admit({add("d", 1, 83), add("e", 2, 81)});
  EXPECT_EQ(warm(), 1);
  EXPECT_EQ(filled(), "81 82") << "readers are known by now";
}

TEST_F(WarmDutyPgTest, APeriodFillsSoManyALittleAtATimeAndTheNextOneTheRest) {
  execute(
      "insert into media.lists (tmdb_user_id, tmdb_list_id, existence)"
      " select 7, n, 'exists' from generate_series(1, 510) n;"
      "insert into media.list_cache (list_id, used_at) select id, now() from media.lists");
  for (const int rows : {500, 10, 0}) {
    int filled = 0;
    bool more = true;
    while (more) {
      const auto done = run();
      EXPECT_LE(done.rows, 50);
      filled += static_cast<int>(done.rows);
      more = done.more;
    }
    EXPECT_EQ(filled, rows);
  }
}

TEST_F(WarmDutyPgTest, ItGivesWayToOperations) {
  admit({add("a", 1, 80), add("b", 1, 81)});
  read(row_of(80));
  age("expires_at", "1 second", 80);
  const auto writer = database_.connect();
  auto transaction = writer->begin();
  ASSERT_TRUE(transaction.ok());
  ASSERT_TRUE(changed(**transaction, {{row_of(80), false}}).ok());
  EXPECT_EQ(warm(), 0);
  ASSERT_TRUE((*transaction)->commit().ok());
  EXPECT_EQ(warm(), 1);
}

TEST_F(WarmDutyPgTest, NoneWithoutCopies) {
  Settings settings;
  settings.unseal = [](std::int32_t, std::string_view) -> base::Result<tmdb::Credentials> {
    return tmdb::Credentials();
  };
  const auto has_it = [&] {
    const auto made = make_handler(settings);
    for (const auto& duty : made->duties) {
      if (duty->name() == "warm_cache") return true;
    }
    return false;
  };
  EXPECT_FALSE(has_it());
  settings.cache_ttl = std::chrono::minutes(1);
  EXPECT_TRUE(has_it());
}

}  // namespace
}  // namespace spool::list_operations
