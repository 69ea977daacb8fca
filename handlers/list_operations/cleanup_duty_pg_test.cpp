// Cleaning up against a real PostgreSQL: what goes, what stays, and that an admission at the same
// moment knows every operation all the same.
#include "handlers/list_operations/cleanup_duty.hpp"

#include <atomic>
#include <random>
#include <thread>

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Admission;
using handler::Settled;
using Kind = handler::Admission::Kind;

class CleanupPgTest : public ListStoreTest {
 protected:
  CleanupPgTest() { execute("delete from spool.open_events; delete from spool.dead_letters"); }

  handler::DutyDone clean(CleanupSettings settings = {}) {
    CleanupDuty duty(settings);
    return commit([&](postgres::Transaction& transaction) { return duty.run(transaction); });
  }

  void age(int days) {
    execute(
        "update media.queued_list_operations set finished_at = finished_at - interval '1 day' * " +
        std::to_string(days) + ", inserted_at = inserted_at - interval '1 day' * " +
        std::to_string(days));
  }

  void open_event(const std::string& event) {
    execute(
        "insert into spool.open_events (handler, partition, number, order_key, state, source,"
        " event_id, event_type, record_offset, record_timestamp_ms, headers, bytes) values"
        " ('list_operations', 0, 1, gen_random_uuid(), 'parked', 'phone', '" +
        event + "', 'list_operation.v1', 1, 1, '', 1)");
  }

  // What the engine leaves of an event that failed for good.
  void die(const Sent& event, const std::string& state = "open", bool erased = false) {
    admit({event});
    call(event.id);
    settle(event.id, Settled::died);
    execute(
        "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
        " record_offset, record_timestamp_ms, headers, error_type, error_field, error_message,"
        " fingerprint, attempts, first_seen, order_key, state, erased) values ('list_operations',"
        " 'phone', '" +
        event.id +
        "', 'list_operation.v1', 't', 0, 1, 1, '', 'upstream.server_error', '', 'status 500', 'f',"
        " 6, now(), gen_random_uuid(), '" +
        state + "', " + (erased ? "true" : "false") + ")");
  }

  std::string left() const {
    return value(
        "select coalesce(string_agg(event_id, ' ' order by event_id), '')"
        " from media.queued_list_operations");
  }
  std::string tombstones() const {
    return value("select count(*) from media.operation_tombstones");
  }
  Kind kind_of(const Sent& event) { return admit({event}).events[0].kind; }
};

TEST_F(CleanupPgTest, WhatEndedLongAgoGoesAndItsCopyIsStillKnown) {
  carry_out(add("done", 1));
  admit({add("cancelled", 2)});
  settle("cancelled", Settled::cancelled);
  admit({add("waiting", 3)});
  call("waiting");
  age(31);
  carry_out(add("young", 4));
  const handler::DutyDone cleaned = clean();
  EXPECT_EQ(cleaned.rows, 2);
  EXPECT_FALSE(cleaned.more);
  EXPECT_TRUE(cleaned.publish.empty());
  EXPECT_EQ(left(), "waiting young");
  for (const char* id : {"done", "cancelled"}) {
    EXPECT_EQ(kind_of(add(id, 9)), Kind::duplicate) << id;
    EXPECT_EQ(again(add(id, 9), 1).events[0].kind, Kind::duplicate) << id;
  }
  EXPECT_EQ(left(), "waiting young");
  EXPECT_EQ(clean().rows, 0);
  EXPECT_EQ(value("select count(*) from media.lists"), "1");
}

TEST_F(CleanupPgTest, TheEndCountsAndNotTheBeginning) {
  admit({add("long", 1)});
  age(400);
  call("long");
  settle("long", Settled::done);
  EXPECT_EQ(clean().rows, 0);
  age(29);
  EXPECT_EQ(clean().rows, 0);
  age(2);
  EXPECT_EQ(clean().rows, 1);
}

TEST_F(CleanupPgTest, WhatTheEngineMayBringBackStays) {
  carry_out(add("open", 1));
  open_event("open");
  die(add("dead", 2));
  die(add("given_up", 3), "discarded");
  die(add("replayed", 4), "replaying");
  die(add("erased", 5), "discarded", true);
  die(add("forgotten", 6));
  execute("delete from spool.dead_letters where event_id = 'forgotten'");
  carry_out(add("came_back", 7));
  execute("update media.queued_list_operations set life = 1 where event_id = 'came_back'");
  age(31);
  EXPECT_EQ(clean().rows, 3);
  EXPECT_EQ(left(), "dead given_up open replayed");
  execute("delete from spool.open_events; update spool.dead_letters set state = 'resolved'");
  EXPECT_EQ(clean().rows, 4);
  EXPECT_EQ(tombstones(), "7");
}

TEST_F(CleanupPgTest, ManyGoInSteps) {
  for (int i = 0; i < 5; ++i) carry_out(add("e" + std::to_string(i), i + 1));
  age(31);
  CleanupSettings settings;
  settings.rows_max = 2;
  EXPECT_TRUE(clean(settings).more);
  EXPECT_TRUE(clean(settings).more);
  const handler::DutyDone last = clean(settings);
  EXPECT_EQ(last.rows, 1);
  EXPECT_FALSE(last.more);
  EXPECT_EQ(tombstones(), "5");
}

TEST_F(CleanupPgTest, TombstonesGoInTheirTime) {
  carry_out(add("old", 1));
  carry_out(add("newer", 2));
  age(31);
  clean();
  execute(
      "update media.operation_tombstones set removed_on = current_date - case"
      " when hash = media.operation_hash('phone', 'old') then 401 else 399 end");
  EXPECT_EQ(clean().rows, 1);
  EXPECT_EQ(kind_of(add("newer", 2)), Kind::duplicate);
  EXPECT_NE(kind_of(add("old", 3)), Kind::duplicate);
}

TEST_F(CleanupPgTest, AnAdmissionNeverWaitsAndSeesTheRowOrTheTombstone) {
  carry_out(add("e", 1));
  age(31);
  const auto cleaner = database_.connect();
  auto cleaning = cleaner->begin();
  ASSERT_TRUE(cleaning.ok());
  CleanupDuty duty({});
  ASSERT_EQ(duty.run(**cleaning)->rows, 1);
  EXPECT_EQ(kind_of(add("e", 1)), Kind::duplicate) << "by its row";
  ASSERT_TRUE((*cleaning)->commit().ok());
  EXPECT_EQ(kind_of(add("e", 1)), Kind::duplicate) << "by its tombstone";
  EXPECT_EQ(left(), "");
}

TEST_F(CleanupPgTest, CopiesThatComeWhileItRunsAreAllKnown) {
  constexpr int kEvents = 1'500;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::vector<Sent> events;
  events.reserve(kEvents);
  for (int i = 0; i < kEvents; ++i) events.push_back(add("e" + std::to_string(i), i + 1));
  admit(events);
  execute(
      "update media.queued_list_operations set status = 'completed', finished_at = now()"
      " - interval '31 days', inserted_at = now() - interval '31 days'");
  std::atomic<bool> over{false};
  std::thread cleaner([&] {
    const auto connection = database_.connect();
    CleanupSettings settings;
    settings.rows_max = 5;
    CleanupDuty duty(settings);
    for (bool more = true; more;) {
      auto transaction = connection->begin();
      auto done = duty.run(**transaction);
      EXPECT_TRUE(done.ok()) << done.failure().text;
      EXPECT_TRUE((*transaction)->commit().ok());
      more = done.ok() && done->more;
    }
    over = true;
  });
  int rounds = 0;
  while (!over) {
    std::vector<Sent> copies;
    copies.reserve(20);
    for (int i = 0; i < 20; ++i) copies.push_back(events[random() % kEvents]);
    for (const Admission& one : admit(copies).events) EXPECT_EQ(one.kind, Kind::duplicate);
    ++rounds;
  }
  cleaner.join();
  EXPECT_GT(rounds, 3);
  EXPECT_EQ(left(), "");
  EXPECT_EQ(tombstones(), std::to_string(kEvents));
}

TEST_F(CleanupPgTest, TheHandlerHasTheDutyWithItsSettings) {
  Settings settings;
  settings.unseal = [](std::int32_t, std::string_view) {
    return base::Result<tmdb::Credentials>(tmdb::Credentials{});
  };
  settings.cleanup.operations = std::chrono::hours(24);
  const auto made = make_handler(settings);
  ASSERT_TRUE(made.ok());
  carry_out(add("e", 1));
  age(2);
  bool found = false;
  for (const auto& duty : made->duties) {
    if (duty->name() != "cleanup") continue;
    found = true;
    EXPECT_EQ(
        commit([&](postgres::Transaction& transaction) { return duty->run(transaction); }).rows, 1);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace spool::list_operations
