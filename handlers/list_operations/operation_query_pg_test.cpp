#include "handlers/list_operations/operation_query.hpp"

#include "engine/message/identity.hpp"
#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using testing::ElementsAre;
using testing::IsEmpty;

class OperationQueryPg : public ListStoreTest {
 protected:
  OperationQueryPg() {
    execute(
        "delete from spool.open_events; delete from spool.dead_letters; delete from spool.lanes");
  }

  static base::Uuid id_of(const std::string& event) { return message::row_uuid("phone", event); }

  static Sent of_user(Sent sent, std::int32_t user) {
    sent.user = user;
    return sent;
  }

  void open_event(const std::string& event, int partition, int number, const std::string& state,
                  const std::string& due = "now() + interval '1 hour'") {
    execute(
        "insert into spool.open_events (handler, partition, number, order_key, state, due_at,"
        " attempts, source, event_id, event_type, record_offset, record_timestamp_ms, headers,"
        " bytes) values ('list_operations', " +
        std::to_string(partition) + ", " + std::to_string(number) + ", gen_random_uuid(), '" +
        state + "', " + due + ", 2, 'phone', '" + event + "', 'list_operation.v1', 1, 1, '', 1)");
  }

  // What the engine leaves of an event that failed for good.
  void die(const Sent& event) {
    admit({event});
    call(event.id);
    settle(event.id, Settled::died);
    execute(
        "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
        " record_offset, record_timestamp_ms, headers, error_type, error_field, error_message,"
        " fingerprint, attempts, first_seen, order_key) values ('list_operations', 'phone', '" +
        event.id +
        "', 'list_operation.v1', 't', 0, 1, 1, '', 'upstream.server_error', '', 'status 500', 'f',"
        " 6, now(), gen_random_uuid())");
  }

  std::vector<std::string> ids(const OperationFilter& filter, std::int64_t limit = 10,
                               const std::string& cursor = {}) {
    auto page = operation_page(*connection_, filter, limit, cursor);
    EXPECT_TRUE(page.ok()) << page.failure().text;
    next_ = page->next;
    std::vector<std::string> events;
    for (const OperationInfo& one : page->operations) events.push_back(one.event_id);
    return events;
  }

  std::string next_;
};

TEST_F(OperationQueryPg, CountsByStatusAndWhatThePendingOnesWaitFor) {
  carry_out(add("done", 1));
  Sent later = add("later", 2, 43);
  later.scheduled_for = now() + kHour;
  admit({later, add("next", 3, 44), of_user(add("stranger", 4, 45), 9)});
  die(add("dead", 5, 46));
  const auto all = count_operations(*connection_, std::nullopt);
  ASSERT_TRUE(all.ok()) << all.failure().text;
  EXPECT_EQ(all->completed, 1);
  EXPECT_EQ(all->pending, 3);
  EXPECT_EQ(all->failed, 1);
  EXPECT_EQ(all->processing, 0);
  EXPECT_EQ(all->cancelled, 0);
  EXPECT_EQ(all->total, 5);
  EXPECT_EQ(all->scheduled, 1);
  EXPECT_EQ(all->waiting_for_session, 1) << "user 9 has never logged in";
  const auto of_one = count_operations(*connection_, 9);
  EXPECT_EQ(of_one->total, 1);
  EXPECT_EQ(of_one->waiting_for_session, 1);
}

TEST_F(OperationQueryPg, PagesGoFromTheNewestToTheOldestAndMissNothing) {
  for (const char* event : {"a", "b", "c"}) admit({add(event, event[0])});
  EXPECT_THAT(ids({}, 2), ElementsAre("c", "b"));
  EXPECT_THAT(ids({}, 2, next_), ElementsAre("a"));
  EXPECT_THAT(next_, IsEmpty());
  // Admitted in one transaction, they have one time.
  admit({add("d", 100), add("e", 101), add("f", 102)});
  std::vector<std::string> seen = ids({}, 2);
  while (!next_.empty()) {
    for (const std::string& event : ids({}, 2, next_)) seen.push_back(event);
  }
  EXPECT_THAT(seen, testing::UnorderedElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_EQ(operation_page(*connection_, {}, 2, "yesterday").failure().kind,
            base::FailureKind::invalid);
}

TEST_F(OperationQueryPg, EveryWordOfTheFilterNarrows) {
  carry_out(create("c"), created(77));
  Sent by_ref = add("by_ref", 1, 0);
  admit({by_ref, add("by_id", 2, 77), remove("other", 3, 42), of_user(add("theirs", 4, 50), 8)});
  EXPECT_THAT(ids({.status = "completed"}), ElementsAre("c"));
  EXPECT_THAT(ids({.user = 8}), ElementsAre("theirs"));
  const auto whole = testing::UnorderedElementsAre("c", "by_ref", "by_id");
  EXPECT_THAT(ids({.list = 77}), whole);
  EXPECT_THAT(ids({.list_ref = base::parse_uuid(kRef)}), whole);
  EXPECT_THAT(ids({.type = "remove_movie"}), ElementsAre("other"));
  EXPECT_THAT(ids({.ids = {id_of("other"), base::random_uuid()}}), ElementsAre("other"));
  EXPECT_THAT(ids({.user = 7, .type = "clear_list"}), IsEmpty());
}

TEST_F(OperationQueryPg, OneIsShownWithItsListAndWhatTheEngineHasOfIt) {
  admit({add("open", 550)});
  open_event("open", 3, 17, "head");
  const auto open = show_operation(*connection_, id_of("open"));
  ASSERT_TRUE(open.ok()) << open.failure().text;
  EXPECT_EQ(open->info.status, "pending");
  EXPECT_EQ(open->info.type, "add_movie");
  EXPECT_EQ(open->info.user, 7);
  EXPECT_EQ(open->info.tmdb_list_id, 42);
  EXPECT_EQ(open->info.data, R"({"movie_id": 550})");
  EXPECT_EQ(open->info.source, "phone");
  EXPECT_EQ(open->info.correlation_id, "c-1");
  EXPECT_GT(open->info.inserted_at, 0);
  EXPECT_EQ(open->info.finished_at, 0);
  EXPECT_EQ(open->open_event, "list_operations/3/17");
  EXPECT_EQ(open->open_state, "head");
  EXPECT_EQ(open->attempts, 2);
  EXPECT_FALSE(open->dead_letter.has_value());

  die(add("dead", 551, 43));
  const auto dead = show_operation(*connection_, id_of("dead"));
  EXPECT_EQ(dead->info.status, "failed");
  EXPECT_EQ(dead->info.error_type, "upstream.server_error");
  EXPECT_EQ(dead->info.error_message, "status 500");
  EXPECT_EQ(dead->attempts, 6);
  EXPECT_EQ(base::to_string(*dead->dead_letter), value("select id from spool.dead_letters"));
  EXPECT_EQ(show_operation(*connection_, base::random_uuid()).failure().kind,
            base::FailureKind::not_found);
}

TEST_F(OperationQueryPg, OpenOnesAreFoundWithTheirPlaceInTheirLane) {
  admit({add("waits", 1), add("behind", 2), add("due", 3, 43), of_user(add("theirs", 4, 50), 8)});
  open_event("waits", 1, 5, "head");
  open_event("behind", 1, 6, "parked", "null");
  open_event("due", 0, 9, "head", "now() - interval '1 second'");
  open_event("theirs", 2, 1, "scheduled");
  die(add("dead", 5, 44));
  open_event("dead", 1, 7, "dead", "null");
  const auto found = find_open(*connection_, {}, 10);
  ASSERT_TRUE(found.ok()) << found.failure().text;
  std::vector<std::string> texts;
  for (const OpenOperation& one : *found)
    texts.push_back(std::to_string(one.partition) + "/" + std::to_string(one.number) +
                    (one.waits ? " waits" : ""));
  EXPECT_THAT(texts, ElementsAre("0/9", "1/5 waits", "1/6", "2/1 waits"));
  EXPECT_EQ(find_open(*connection_, {.user = 8}, 10)->front().id, id_of("theirs"));
  EXPECT_THAT(*find_open(*connection_, {.ids = {id_of("dead")}}, 10), IsEmpty());
  EXPECT_EQ(find_open(*connection_, {}, 3)->size(), 3U);
}

TEST_F(OperationQueryPg, FailedOnesAreFoundWithTheirDeadLetter) {
  die(add("one", 1));
  die(remove("two", 2, 43));
  die(add("given_up", 3, 44));
  execute("update spool.dead_letters set state = 'discarded' where event_id = 'given_up'");
  const auto count = [&](const OperationFilter& filter, std::optional<std::string> error = {}) {
    const auto found = find_failed(*connection_, filter, error, 10);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return found->size();
  };
  EXPECT_EQ(count({}), 2U);
  EXPECT_EQ(count({.type = "remove_movie"}), 1U);
  EXPECT_EQ(count({}, "upstream.*"), 2U);
  EXPECT_EQ(count({}, "upstream.server"), 0U);
  EXPECT_EQ(count({}, "upstream_*"), 0U) << "only the asterisk stands for anything";
  const auto one = find_failed(*connection_, {.ids = {id_of("one")}}, std::nullopt, 10);
  EXPECT_EQ(base::to_string(one->front().dead_letter),
            value("select id from spool.dead_letters where event_id = 'one'"));
  const auto known = statuses(*connection_, {id_of("one"), base::random_uuid()});
  EXPECT_THAT(*known, ElementsAre(testing::Pair(id_of("one"), "failed")));
}

TEST_F(OperationQueryPg, WhatAnOperationWaitsForIsOneWord) {
  OperationInfo one;
  one.status = "pending";
  EXPECT_EQ(waits_for(one), "session");
  one.logged_in = true;
  EXPECT_EQ(waits_for(one), "turn");
  one.next_attempt_at = 1;
  EXPECT_EQ(waits_for(one), "attempt");
  one.scheduled = true;
  EXPECT_EQ(waits_for(one), "time");
  one.status = "processing";
  EXPECT_EQ(waits_for(one), "");
}

}  // namespace
}  // namespace spool::list_operations
