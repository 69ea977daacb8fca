// Copies of lists against a real PostgreSQL: that they say what the tables say, also when a reader
// and a writer meet; how long they live, what is counted, and what is asked of TMDB.
#include "handlers/list_operations/list_cache.hpp"

#include <future>

#include "handlers/list_operations/cached_list_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;

class ListCachePgTest : public CachedListTest {
 protected:
  // From its copy, and what the copy says is what the tables say.
  void expect_hit(std::int64_t row) {
    const ReadList copy = read(row);
    EXPECT_TRUE(copy.cached);
    EXPECT_EQ(describe(copy), computed(row));
  }
  // Computed anew, after which there is a copy.
  void expect_miss(std::int64_t row) {
    EXPECT_FALSE(read(row).cached) << "what was stored is " << describe(read(row));
    expect_hit(row);
  }

  std::unique_ptr<postgres::Transaction> begin() {
    auto transaction = connection_->begin();
    EXPECT_TRUE(transaction.ok());
    return std::move(*transaction);
  }
  // In that transaction, which stays open.
  void admit_in(postgres::Transaction& transaction, const Sent& event) {
    stage({event}, {.now = now()});
    EXPECT_TRUE(admissions_->admit(transaction, 0, 1).ok());
  }
  // Somebody on `other_` waits for a row that another one has.
  void wait_blocked() {
    while (value("select count(*) from pg_locks where not granted") == "0" && !failed_early()) {
    }
  }
  bool failed_early() { return std::chrono::steady_clock::now() > patience_; }

  std::future<ReadList> read_elsewhere(std::int64_t row) {
    return std::async(std::launch::async, [this, row] {
      auto found = read_list(*other_, row, settings_);
      EXPECT_TRUE(found.ok() && *found);
      return found.ok() && *found ? **found : ReadList{};
    });
  }

  std::unique_ptr<postgres::Connection> other_ = database_.connect();
  std::chrono::steady_clock::time_point patience_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
};

TEST_F(ListCachePgTest, ACopySaysWhatTheTablesSayOfEveryList) {
  carry_out(create("c", R"(Noir \"et\" blanc\nüß)"), created(77));
  carry_out(add("a", 550, 77));
  carry_out(add("b", 551, 77));
  Sent rename{"u", "update_list", R"({"name":"Film noir","public":false})", 77};
  admit({rename, remove("r", 550, 77), add("n", 552, 77)});
  admit({add("x", 1, 42)});
  Sent theirs = create("t", "");
  theirs.user = 8;
  theirs.data = R"({"name":"Theirs","description":""})";
  admit({theirs});
  carry_out({"d", "delete_list", "{}", 43});
  const auto rows = value("select string_agg(id::text, ' ') from media.lists");
  for (const std::int64_t row : numbers(rows)) {
    expect_miss(row);
    const auto id = std::to_string(row);
    const auto plain = find_lists(
        *connection_,
        {.tmdb_list_id = read(row).info.tmdb_list_id, .list_ref = read(row).info.list_ref},
        read(row).info.user);
    const auto items = list_items(*connection_, row, 100);
    ASSERT_TRUE(plain.ok() && plain->size() == 1U && items.ok()) << id;
    EXPECT_EQ(describe({plain->front(), *items}), describe(read(row)));
  }
  EXPECT_EQ(numbers(rows).size(), 4U);
  EXPECT_THAT(describe(read(row_of(77))),
              AllOf(HasSubstr("Film noir"), HasSubstr("550 removing confirmed"),
                    HasSubstr("552 adding"), HasSubstr("pending name public")));
}

TEST_F(ListCachePgTest, WhateverChangesWhatIsShownDropsTheCopy) {
  admit({create("c")});
  const std::int64_t row = row_of(0);
  expect_miss(row);
  call("c");
  expect_hit(row);
  settle("c", Settled::done, created(77));
  expect_miss(row);
  admit({add("a", 550, 77), add("b", 551, 77), add("e", 552, 77)});
  expect_miss(row);
  call("a");
  settle("a", Settled::retried);
  expect_hit(row);
  call("a");
  settle("a", Settled::died);
  expect_miss(row);
  call("a", false, 1);
  expect_miss(row);  // it came to life again where it was
  settle("b", Settled::cancelled);
  expect_miss(row);
  admit({refresh("f", 77)});
  expect_miss(row);
  call("f");
  expect_miss(row);  // it is being read
  settle("f", Settled::retried);
  expect_miss(row);
  call("f");
  settle("f", Settled::done, fetched({1, 2, 3}));
  expect_miss(row);
  EXPECT_EQ(read(row).items.size(), 5U);
  admit({{"k", "clear_list", "{}", 77}});
  expect_miss(row);
  admit({{"k", "clear_list", "{}", 77}});
  expect_hit(row);  // a duplicate
}

TEST_F(ListCachePgTest, SoDoesWhatIsFoundOutOfOtherLists) {
  admit({add("a", 550, 77)});
  const std::int64_t merged = row_of(77);
  Sent theirs = add("t", 551, 78);
  theirs.user = 8;
  admit({theirs});
  const std::int64_t disowned = row_of(78);
  expect_miss(merged);
  expect_miss(disowned);
  carry_out(create("c"), created(77));
  EXPECT_EQ(reads(merged), "") << "it is the one that was created";
  expect_miss(row_of(77));
  expect_hit(disowned);
  Sent second = create("d");
  second.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e02";
  carry_out(second, created(78));
  expect_miss(disowned);
  EXPECT_EQ(read(disowned).info.shown.existence, "gone");
}

// Both with a row and without one: whoever comes first makes it.
TEST_F(ListCachePgTest, ACopyThatAWriterCameBeforeIsNotStored) {
  for (const bool has_row : {false, true}) {
    Sent first = add("a" + std::to_string(int{has_row}), 550, has_row ? 80 : 81);
    admit({first});
    const std::int64_t row = row_of(first.list);
    if (!has_row) execute("delete from media.list_cache");
    auto writer = begin();
    admit_in(*writer, add("b" + std::to_string(int{has_row}), 551, first.list));
    auto reader = read_elsewhere(row);
    wait_blocked();
    ASSERT_TRUE(writer->commit().ok());
    EXPECT_THAT(describe(reader.get()), Not(HasSubstr("551"))) << "as it was when it began to read";
    EXPECT_FALSE(failed_early());
    EXPECT_THAT(describe(read(row)), HasSubstr("551 adding"));
    expect_hit(row);
  }
}

TEST_F(ListCachePgTest, ACopyThatAWriterComesAfterIsDroppedWithItsCommit) {
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  auto writer = begin();
  ASSERT_TRUE(
      writer->execute_script("update media.lists set name = 'Noir' where tmdb_list_id = 80").ok());
  EXPECT_FALSE(read(row).cached);
  EXPECT_TRUE(read(row).cached) << "the change is not known to anybody";
  ASSERT_TRUE(changed(*writer, {{row, false}}).ok());
  EXPECT_TRUE(read(row).cached);
  ASSERT_TRUE(writer->commit().ok());
  expect_miss(row);
  EXPECT_EQ(read(row).info.shown.name, "Noir");
}

TEST_F(ListCachePgTest, AWriterWaitsForACopyThatIsBeingStored) {
  for (const bool has_row : {false, true}) {
    const std::string name = std::to_string(int{has_row});
    admit({add("a" + name, 550, 80 + int{has_row})});
    const std::int64_t row = row_of(80 + int{has_row});
    if (!has_row) execute("delete from media.list_cache");
    auto filler = other_->begin();
    ASSERT_TRUE(filler.ok());
    ASSERT_EQ(*fill_copies(**filler, std::vector{row}, settings_.ttl), 1);
    const handler::Attempt attempt{.now = now()};
    auto writer = std::async(std::launch::async,
                             [&] { admit({add("b" + name, 551, 80 + int{has_row})}, attempt); });
    wait_blocked();
    ASSERT_TRUE((*filler)->commit().ok());
    writer.get();
    EXPECT_FALSE(failed_early());
    expect_miss(row);
    EXPECT_THAT(describe(read(row)), HasSubstr("551 adding"));
  }
}

TEST_F(ListCachePgTest, AWriterThatGivesUpChangesNothing) {
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  auto writer = begin();
  admit_in(*writer, add("b", 551, 80));
  auto reader = read_elsewhere(row);
  wait_blocked();
  writer.reset();
  EXPECT_THAT(describe(reader.get()), Not(HasSubstr("551")));
  expect_hit(row);
}

TEST_F(ListCachePgTest, ARowThatCannotBeHadFailsNoReading) {
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  auto writer = begin();
  admit_in(*writer, add("b", 551, 80));
  ASSERT_TRUE(connection_->usable());
  ASSERT_TRUE(other_->execute_script("set lock_timeout = '50ms'").ok());
  const auto found = read_list(*other_, row, settings_);
  ASSERT_TRUE(found.ok()) << found.failure().text;
  EXPECT_THAT(describe(**found), HasSubstr("550 adding"));
  EXPECT_FALSE((*found)->cached);
}

TEST_F(ListCachePgTest, ACopyIsGivenOutUntilItExpires) {
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  expect_miss(row);
  EXPECT_EQ(value("select expires_at - filled_at from media.list_cache"), "00:01:00");
  execute("update media.list_cache set expires_at = now() - interval '1 second'");
  expect_miss(row);
}

TEST_F(ListCachePgTest, ReadingIsCountedByDayAndResult) {
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  for (int i = 0; i < 3; ++i) read(row);
  computed(row);
  EXPECT_EQ(reads(0), "") << "there is no such list";
  auto state = cache_state(*connection_, 7);
  ASSERT_TRUE(state.ok()) << state.failure().text;
  EXPECT_EQ(state->entries, 1);
  EXPECT_EQ(state->in_use, 1);
  EXPECT_EQ(state->filled, 1);
  EXPECT_GT(state->bytes, 0);
  EXPECT_EQ(state->refreshes_wanted, 0);
  ASSERT_EQ(state->days.size(), 1U);
  EXPECT_EQ(state->days[0].day, value("select (now() at time zone 'UTC')::date"));
  EXPECT_EQ(state->days[0].hits, 2);
  EXPECT_EQ(state->days[0].misses, 1);
  EXPECT_EQ(state->days[0].stale, 0);
  execute("insert into media.list_cache_reads values (9, date '2024-05-01', 'hit')");
  EXPECT_EQ(cache_state(*connection_, 7)->days.size(), 2U);
  EXPECT_EQ(cache_state(*connection_, 1)->days.size(), 1U);
}

TEST_F(ListCachePgTest, WithoutATimeToLiveThereAreNoCopies) {
  settings_.ttl = std::chrono::milliseconds(0);
  admit({add("a", 550, 80)});
  const std::int64_t row = row_of(80);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(read(row).cached);
  EXPECT_EQ(value("select count(body) from media.list_cache"), "0");
  EXPECT_EQ(value("select count(*) from media.list_cache_reads"), "0");
}

TEST_F(ListCachePgTest, WhatBecameOldIsGivenOutMarkedAndAskedFor) {
  settings_.refresh_interval = hours(24);
  carry_out(create("c"), created(77));
  const std::int64_t row = row_of(77);
  EXPECT_FALSE(read(row).stale) << "all of it is known: it was created here";
  execute("update media.lists set created_at = now() - interval '25 hours'");
  EXPECT_TRUE(read(row).stale);
  execute("update media.lists set last_synced_at = now() - interval '23 hours'");
  EXPECT_FALSE(read(row).stale);
  execute("update media.lists set last_synced_at = now() - interval '25 hours'");
  execute("update media.list_cache set refresh_wanted_at = null");
  for (int i = 0; i < 2; ++i) {
    const ReadList list = read(row);
    EXPECT_TRUE(list.stale);
    EXPECT_TRUE(list.cached);
  }
  EXPECT_NE(wanted(row), "");
  const auto days = cache_state(*connection_, 1)->days;
  EXPECT_EQ(days.at(0).stale, 3);
  EXPECT_EQ(days.at(0).hits, 1);
  EXPECT_EQ(days.at(0).misses, 1);
  EXPECT_EQ(cache_state(*connection_, 1)->refreshes_wanted, 1);

  const std::string since = wanted(row);
  admit({add("a", 550, 77), refresh("k", 77, true)});
  EXPECT_EQ(wanted(row), since) << "that takes nothing over";
  admit({refresh("f", 77)});
  EXPECT_EQ(wanted(row), "");
  EXPECT_TRUE(read(row).stale) << "it waits for its turn";
  EXPECT_NE(wanted(row), "");
  call("f");
  settle("f", Settled::retried);
  EXPECT_NE(wanted(row), "");
  call("f");
  settle("f", Settled::done, fetched({1}));
  EXPECT_EQ(wanted(row), "");
  EXPECT_FALSE(read(row).stale);
  EXPECT_EQ(wanted(row), "");
}

TEST_F(ListCachePgTest, OfAListThatWasOnlyNamedTmdbIsAsked) {
  settings_.refresh_interval = hours(24);
  admit({add("a", 550, 80), create("c")});
  EXPECT_TRUE(read(row_of(80)).stale);
  EXPECT_FALSE(read(row_of(0)).stale) << "TMDB has none yet";
  settings_.refresh_interval = hours(0);
  EXPECT_FALSE(read(row_of(80)).stale);
  settings_.refresh_interval = hours(24);
  execute("update media.list_cache set refresh_wanted_at = null");
  EXPECT_TRUE((*read_list(*connection_, row_of(80), settings_, true))->stale);
  EXPECT_NE(wanted(row_of(80)), "") << "past the cache as well";
}

}  // namespace
}  // namespace spool::list_operations
