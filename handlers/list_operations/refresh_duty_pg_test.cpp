// Which lists are asked to be read again, against a real PostgreSQL.
#include "handlers/list_operations/refresh_duty.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using std::chrono::hours;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RefreshDutyPgTest : public ListStoreTest {
 protected:
  std::vector<handler::PublishedEvent> publishes() {
    return commit([&](postgres::Transaction& transaction) { return duty_->run(transaction); })
        .publish;
  }

  // The ids at TMDB of the lists that are asked for, in the order of asking.
  std::vector<int> lists() {
    std::vector<int> found;
    for (const auto& event : publishes()) {
      const auto operation = decoded(event);
      EXPECT_EQ(operation.change, (Change{.type = OperationType::refresh_list}));
      found.push_back(operation.tmdb_list_id.value_or(0));
    }
    return found;
  }

  Operation decoded(const handler::PublishedEvent& event) {
    std::string json = event.data;
    json.append(message::kReadAheadBytes, ' ');
    const auto read =
        Decoder().decode(std::string_view(json).substr(0, event.data.size()), base::Uuid{});
    const auto* refused = std::get_if<message::Rejection>(&read);
    EXPECT_EQ(refused, nullptr) << refused->message();
    if (refused != nullptr) return {};
    EXPECT_FALSE(check_key(std::get<Operation>(read), event.key));
    EXPECT_EQ(event.type, kEventType);
    return std::get<Operation>(read);
  }

  // `age`: since it was read; empty: never.
  void list(int id, const std::string& age, const std::string& existence = "exists", int user = 7) {
    execute(
        "insert into media.lists (tmdb_user_id, tmdb_list_id, existence, last_synced_at) values (" +
        std::to_string(user) + ", " + std::to_string(id) + ", '" + existence + "', " +
        (age.empty() ? "null" : "now() - interval '" + age + "'") + ")");
  }

  // As the engine admits what was published.
  void admit_published(const std::vector<handler::PublishedEvent>& events) {
    std::vector<Sent> sent;
    for (const auto& event : events) {
      const Operation operation = decoded(event);
      Sent one = refresh(event.id, operation.tmdb_list_id.value_or(0));
      one.user = operation.tmdb_user_id;
      one.source = "spool.list_operations";
      sent.push_back(one);
    }
    admit(sent);
  }

  std::unique_ptr<handler::Duty> duty_ = make_refresh_duty(hours(24));
};

TEST_F(RefreshDutyPgTest, ListsThatWereNotReadForLongAreAskedForOldestFirst) {
  list(1, "23 hours");
  list(2, "25 hours");
  list(3, "3 days");
  list(4, "");
  EXPECT_THAT(lists(), ElementsAre(4, 3, 2));
  const auto events = publishes();
  EXPECT_EQ(events[0].key, "7");
  EXPECT_EQ(decoded(events[0]).priority, 0);
  EXPECT_EQ(events[0].id,
            value("select 'refresh-' || id || '-' || floor(extract(epoch from now()) / 86400)"
                  " from media.lists where tmdb_list_id = 4"));
  EXPECT_EQ(publishes()[0].id, events[0].id) << "two runs ask for the same";
}

TEST_F(RefreshDutyPgTest, OnlyListsThatAreThereAndWhoseUserIsLoggedIn) {
  list(1, "3 days", "gone");
  list(2, "3 days", "unknown");
  list(3, "3 days", "exists", 8);
  list(4, "3 days", "exists", 9);
  admit({create("c")});
  EXPECT_THAT(lists(), ElementsAre(3));
  execute("update media.tmdb_sessions set state = 'expired' where tmdb_user_id = 8");
  EXPECT_THAT(lists(), IsEmpty());
}

TEST_F(RefreshDutyPgTest, OnceInAnIntervalWhateverBecomesOfIt) {
  list(1, "3 days");
  list(2, "2 days");
  const auto events = publishes();
  ASSERT_THAT(events, SizeIs(2));
  admit_published(events);
  EXPECT_THAT(lists(), IsEmpty()) << "they wait";
  execute("update media.queued_list_operations set status = 'failed'");
  EXPECT_THAT(lists(), IsEmpty()) << "not again within the interval";
  execute("update media.queued_list_operations set event_id = event_id || '0'");
  EXPECT_THAT(lists(), ElementsAre(1, 2)) << "but within the next";
}

TEST_F(RefreshDutyPgTest, AListWhoseReadingWaitsAlreadyIsNotAskedFor) {
  list(1, "3 days");
  admit({refresh("by-hand", 1)});
  EXPECT_THAT(lists(), IsEmpty());
  settle("by-hand", Settled::cancelled);
  EXPECT_THAT(lists(), ElementsAre(1));
}

TEST_F(RefreshDutyPgTest, ThereAreNeverTooManyOfThem) {
  execute(
      "insert into media.lists (tmdb_user_id, tmdb_list_id, existence)"
      " select 7, n, 'exists' from generate_series(1, 1500) n");
  for (int run = 0; run < 5; ++run) {
    const auto events = publishes();
    EXPECT_THAT(events, SizeIs(200)) << run;
    admit_published(events);
  }
  EXPECT_THAT(publishes(), IsEmpty()) << "a thousand wait";
  execute(
      "update media.queued_list_operations set status = 'completed' where id in"
      " (select id from media.queued_list_operations limit 30)");
  EXPECT_THAT(publishes(), SizeIs(30));
}

TEST_F(RefreshDutyPgTest, ListsThatSomebodyLooksAtComeFirst) {
  list(1, "3 days");
  list(2, "2 days");
  list(3, "1 hour");
  list(4, "", "unknown");
  list(5, "", "unknown");
  execute(
      "insert into media.list_cache (list_id, refresh_wanted_at)"
      " select id, now() - interval '1 minute' * tmdb_list_id from media.lists"
      " where tmdb_list_id in (2, 3, 4)");
  const auto events = publishes();
  EXPECT_THAT(lists(), ElementsAre(4, 2, 1)) << "3 is new enough";
  EXPECT_EQ(events[1].id,
            value("select 'refresh-' || id || '-wanted-' || floor(extract(epoch from now()) / 3600)"
                  " from media.lists where tmdb_list_id = 2"));
  admit_published(events);
  EXPECT_THAT(lists(), IsEmpty()) << "they wait";
  EXPECT_EQ(value("select string_agg(l.tmdb_list_id::text, ' ') from media.list_cache c"
                  " join media.lists l on l.id = c.list_id where refresh_wanted_at is not null"),
            "3");
  execute(
      "update media.queued_list_operations set status = 'failed';"
      "update media.list_cache set refresh_wanted_at = now() where list_id = "
      "(select id from media.lists where tmdb_list_id = 4)");
  EXPECT_THAT(lists(), Not(Contains(4))) << "not again within the hour";
  execute("update media.queued_list_operations set event_id = event_id || '0'");
  EXPECT_THAT(lists(), Contains(4)) << "but within the next";
}

TEST_F(RefreshDutyPgTest, NoneWithoutAnInterval) {
  Settings settings;
  settings.unseal = [](std::int32_t, std::string_view) -> base::Result<tmdb::Credentials> {
    return tmdb::Credentials();
  };
  const auto has_it = [&] {
    const auto made = make_handler(settings);
    for (const auto& duty : made->duties) {
      if (duty->name() == "refresh") return true;
    }
    return false;
  };
  EXPECT_FALSE(has_it());
  settings.refresh_interval = hours(1);
  EXPECT_TRUE(has_it());
}

}  // namespace
}  // namespace spool::list_operations
