// Batches of the log through one transaction: what is applied, what waits, what fails and dies.
#include "engine/delivery/batch_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery {
namespace {

using base::FailureKind;
using message::ErrorType;
using test::kMorning;
using test::kSecond;
using test::LetterState;
using test::Owner;
using test::Sent;
using testing::ElementsAre;
using testing::IsEmpty;

Sent of_key(const std::string& key, const std::string& id, const std::string& data = "fine") {
  return {.id = id, .data = data, .key = key};
}

TEST(BatchRunTest, a_plain_batch_of_a_natural_handler_is_fence_apply_commit) {
  Owner owner;
  const RunDone done = owner.apply({{"1"}, {"2"}, {"3"}});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.store.calls, ElementsAre("begin", "fence", "apply", "commit"));
  EXPECT_THAT(owner.store.commits, ElementsAre(Durability::relaxed));
  EXPECT_EQ(done.outcome->survived, 3);
  EXPECT_EQ(done.statistics.records, 3);
  EXPECT_EQ(owner.store.tables.last_offset, 2);
  EXPECT_EQ(owner.store.tables.last_timestamp_ms, 1'002);
  EXPECT_FALSE(done.outcome->outbox_written);
}

TEST(BatchRunTest, a_failure_makes_the_later_events_of_its_key_wait_and_nothing_else) {
  Owner owner;
  const RunDone done = owner.apply({of_key("a", "a1"), of_key("b", "b1", "fail:1"),
                                    of_key("a", "a2"), of_key("b", "b2"), of_key("c", "c1"),
                                    of_key("b", "b3", "invalid"), of_key("a", "a3")});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("a1", "a2", "c1", "a3"));
  ASSERT_NE(owner.held("b"), nullptr);
  EXPECT_EQ(owner.held("b")->events, 3);
  EXPECT_EQ(owner.held("b")->head, owner.row("b1").number);
  EXPECT_EQ(owner.row("b2").state, OpenState::parked);
  EXPECT_EQ(owner.row("b3").state, OpenState::parked) << "judged when its turn has come";
  EXPECT_LT(owner.row("b1").number, owner.row("b2").number);
  EXPECT_LT(owner.row("b2").number, owner.row("b3").number);
  EXPECT_EQ(owner.held("a"), nullptr);
  EXPECT_TRUE(done.outcome->outbox_written);
  EXPECT_THAT(owner.store.commits, ElementsAre(Durability::durable));
  EXPECT_EQ(done.statistics.held, 2);
  EXPECT_EQ(done.statistics.records, 5);
}

TEST(BatchRunTest, events_of_a_held_key_are_parked_without_being_asked_or_staged) {
  Owner owner;
  owner.apply({of_key("a", "a1", "fail:1")});
  owner.seen = {};
  const RunDone done =
      owner.apply({of_key("a", "a2"), of_key("b", "b1"), of_key("a", "a3", "bug")});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.seen.asked, ElementsAre("b1"));
  EXPECT_THAT(owner.applied(), ElementsAre("b1"));
  EXPECT_EQ(owner.held("a")->events, 3);
  EXPECT_EQ(done.statistics.transactions, 1);
  EXPECT_FALSE(done.outcome->outbox_written) << "who waits sends no retry record";
  EXPECT_EQ(owner.store.commits.back(), Durability::relaxed);
}

TEST(BatchRunTest, what_fails_is_due_again_by_the_ladder_and_leaves_a_retry_record) {
  Owner owner;
  const RunDone done = owner.apply({of_key("a", "a1", "fail:3")});
  const OpenRow row = owner.row("a1");
  EXPECT_EQ(row.state, OpenState::head);
  EXPECT_EQ(row.due, kMorning + 30 * kSecond);
  EXPECT_EQ(row.attempts, 1);
  EXPECT_EQ(row.life, 0);
  EXPECT_EQ(row.first_failed_at, kMorning);
  ASSERT_EQ(owner.store.tables.outbox.size(), 1U);
  const auto& leaving = owner.store.tables.outbox.begin()->second;
  EXPECT_EQ(leaving.id, "a1");
  EXPECT_EQ(leaving.rung, std::optional<std::size_t>(0));
  ASSERT_EQ(done.statistics.failed.size(), 1U);
  EXPECT_EQ(done.statistics.failed[0].due, row.due);
  EXPECT_EQ(done.statistics.failed[0].attempt, 1);
  EXPECT_EQ(done.outcome->deaths, 0);
}

TEST(BatchRunTest, what_is_not_the_events_fault_is_tried_again_uncharged) {
  Owner owner;
  owner.apply({of_key("a", "a1", "login:3600")});
  EXPECT_EQ(owner.row("a1").attempts, 0);
  EXPECT_EQ(owner.row("a1").due, kMorning + 300 * kSecond);
}

TEST(BatchRunTest, what_cannot_go_well_dies_at_once_for_what_it_did) {
  Owner owner;
  const RunDone done = owner.apply({{"1", "invalid"},
                                    {"2"},
                                    {"3", "refuse"},
                                    {"4", "throw"},
                                    {"5", "bug"},
                                    {"6", "reject:9"},
                                    {.id = "7", .type = "unknown.v1"},
                                    {"8"}});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("2", "8"));
  const auto why = [&](const char* id) { return owner.store.tables.letter_of(id)->why; };
  EXPECT_EQ(why("1"), ErrorType::schema_violation);
  EXPECT_EQ(why("3"), ErrorType::db_constraint);
  EXPECT_EQ(why("4"), ErrorType::handler_bug);
  EXPECT_EQ(why("5"), ErrorType::handler_bug);
  EXPECT_EQ(why("6"), ErrorType::upstream_rejected);
  EXPECT_EQ(why("7"), ErrorType::schema_unknown_type);
  EXPECT_EQ(owner.store.tables.letter_of("1")->text, "data: is invalid");
  EXPECT_EQ(owner.held("k"), nullptr) << "a death releases the key";
  EXPECT_EQ(done.outcome->deaths, 6);
  EXPECT_EQ(done.outcome->survived, 2);
  EXPECT_EQ(owner.store.tables.outbox.size(), 6U);
}

TEST(BatchRunTest, halving_finds_exactly_the_culprits) {
  constexpr unsigned kEvents = 6;
  for (unsigned mask = 0; mask < (1U << kEvents); ++mask) {
    SCOPED_TRACE(mask);
    Owner owner;
    std::vector<Sent> events;
    std::vector<std::string> fine;
    for (unsigned i = 0; i < kEvents; ++i) {
      const bool bad = ((mask >> i) & 1U) != 0;
      events.push_back({std::to_string(i), bad ? "refuse" : "fine"});
      if (!bad) fine.push_back(std::to_string(i));
    }
    ASSERT_TRUE(owner.apply(events).outcome);
    EXPECT_EQ(owner.applied(), fine);
    EXPECT_EQ(owner.store.tables.letters.size(), kEvents - fine.size());
  }
}

TEST(BatchRunTest, of_a_thousand_events_exactly_the_poisoned_die_wherever_they_are) {
  for (const std::vector<int>& poisoned :
       std::vector<std::vector<int>>{{0}, {999}, {0, 999}, {498, 499, 500, 501}, {7, 77, 777}}) {
    Owner owner;
    std::vector<Sent> events;
    for (int i = 0; i < 1'000; ++i)
      events.push_back(of_key(std::to_string(i % 50), std::to_string(i)));
    const char* poisons[] = {"invalid", "refuse", "throw", "reject:9", "bug"};
    for (std::size_t i = 0; i < poisoned.size(); ++i)
      events[static_cast<std::size_t>(poisoned[i])].data = poisons[i];
    const RunDone done = owner.apply(events);
    ASSERT_TRUE(done.outcome);
    EXPECT_EQ(owner.store.tables.letters.size(), poisoned.size());
    for (const int i : poisoned)
      EXPECT_NE(owner.store.tables.letter_of(std::to_string(i)), nullptr) << i;
    EXPECT_EQ(owner.applied().size(), 1'000 - poisoned.size());
    EXPECT_EQ(done.outcome->advance.delta.applied,
              1'000 - static_cast<std::int64_t>(poisoned.size()));
  }
}

TEST(BatchRunTest, an_event_found_by_halving_that_will_be_retried_holds_its_key) {
  Owner owner;
  owner.route.policy.classes[ErrorType::db_constraint].delays = {std::chrono::seconds(1)};
  const RunDone done = owner.apply({of_key("a", "a1"), of_key("b", "b1", "refuse"),
                                    of_key("a", "a2"), of_key("b", "b2"), of_key("c", "c1")});
  ASSERT_TRUE(done.outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("a1", "a2", "c1"));
  EXPECT_EQ(owner.held("b")->events, 2);
  EXPECT_EQ(owner.row("b1").due, kMorning + kSecond);
}

TEST(BatchRunTest, an_event_that_is_not_due_waits_and_holds_nobody) {
  Owner owner;
  ASSERT_TRUE(owner.apply({of_key("a", "a1", "due:60"), of_key("a", "a2")}).outcome);
  EXPECT_THAT(owner.applied(), ElementsAre("a2"));
  EXPECT_EQ(owner.held("a"), nullptr);
  EXPECT_EQ(owner.row("a1").state, OpenState::scheduled);
  EXPECT_EQ(owner.row("a1").due, kMorning + 60 * kSecond);
  EXPECT_EQ(owner.next_scheduled, kMorning + 60 * kSecond);
  EXPECT_TRUE(owner.store.tables.outbox.empty());
}

TEST(BatchRunTest, events_without_a_key_wait_for_nobody) {
  Owner owner;
  owner.apply({{.id = "1", .data = "fail:1", .key = {}}, {.id = "2", .key = {}}});
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  owner.apply({{.id = "3", .key = {}}});
  EXPECT_THAT(owner.applied(), ElementsAre("2", "3"));
}

TEST(BatchRunTest, a_copy_of_an_event_without_key_that_failed_waits_behind_it) {
  Owner owner;
  const Sent failing{.id = "1", .data = "fail:1", .key = {}};
  ASSERT_TRUE(owner.apply({failing, {.id = "2", .key = {}}, failing}).outcome);
  ASSERT_TRUE(owner.apply({failing}).outcome);
  EXPECT_EQ(owner.store.tables.rows_in(OpenState::head), 1U);
  EXPECT_EQ(owner.store.tables.rows_in(OpenState::parked), 2U);
}

TEST(BatchRunTest, without_an_order_nobody_waits_for_anybody) {
  Owner owner(handler::Idempotence::natural, handler::Order::none);
  owner.apply({{"1", "fail:1"}, {"2"}, {"3", "fail:1"}, {"4"}});
  EXPECT_THAT(owner.applied(), ElementsAre("2", "4"));
  EXPECT_EQ(owner.store.tables.rows_in(OpenState::head), 2U);
}

TEST(BatchRunTest, with_a_finer_key_only_that_part_of_a_key_waits) {
  Owner owner(handler::Idempotence::natural, handler::Order::finer_key);
  const auto sent = [](std::string id, std::string subject, std::string data = "fine") {
    return Sent{.id = std::move(id), .data = std::move(data), .subject = std::move(subject)};
  };
  owner.apply({sent("1", "x", "fail:1"), sent("2", "y"), sent("3", "x")});
  EXPECT_THAT(owner.applied(), ElementsAre("2"));
  owner.apply({sent("4", "x"), sent("5", "y")});
  EXPECT_THAT(owner.applied(), ElementsAre("2", "5"));
  EXPECT_EQ(owner.store.tables.rows_in(OpenState::parked), 2U);
}

TEST(BatchRunTest, of_two_failures_of_a_finer_key_the_second_waits_behind_the_first) {
  Owner owner(handler::Idempotence::natural, handler::Order::finer_key);
  ASSERT_TRUE(owner
                  .apply({{.id = "1", .data = "fail:1", .subject = "x"},
                          {.id = "2", .data = "fail:1", .subject = "x"},
                          {.id = "3", .data = "fail:1", .subject = "y"}})
                  .outcome);
  EXPECT_EQ(owner.row("1").state, OpenState::head);
  EXPECT_EQ(owner.row("2").state, OpenState::parked);
  EXPECT_EQ(owner.row("3").state, OpenState::head);
}

TEST(BatchRunTest, gaps_are_counted_where_they_are_seen_but_not_before_a_record_that_is_left) {
  Owner owner;
  owner.limits.events_max = 2;
  std::vector<Slice> slices(3);
  test::append(slices[0].records, 2, {"2"});
  test::append(slices[0].records, 5, {"5", "invalid"});
  slices[0].end = 6;
  slices[1].end = 8;
  test::append(slices[2].records, 9, {"9"});
  slices[2].end = 10;
  const RunDone done = owner.apply(std::move(slices));
  EXPECT_EQ(done.outcome->advance.to, 6);
  EXPECT_EQ(done.outcome->advance.delta.gaps, 4);
  EXPECT_EQ(done.outcome->advance.last_offset, 5);

  std::vector<Slice> rest(2);
  test::append(rest[0].records, 4, {"4"});  // once more
  test::append(rest[0].records, 9, {"9"});
  rest[0].end = 10;
  rest[1].end = 12;
  const RunDone last = owner.apply(std::move(rest));
  EXPECT_EQ(last.outcome->advance.to, 12);
  EXPECT_EQ(last.outcome->advance.delta.gaps, 5);
  EXPECT_EQ(last.outcome->advance.last_offset, 9) << "the gap at the end is no record";
  EXPECT_THAT(owner.applied(), ElementsAre("2", "9"));
}

TEST(BatchRunTest, gaps_alone_move_the_position_and_keep_the_mark) {
  Owner owner;
  owner.apply({{"1"}});
  std::vector<Slice> slices(1);
  slices[0].end = 4;
  const RunDone done = owner.apply(std::move(slices));
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(done.outcome->advance.delta.gaps, 3);
  EXPECT_EQ(owner.store.tables.last_offset, 0);
}

TEST(BatchRunTest, a_record_that_is_no_event_dies_under_its_coordinates) {
  Owner owner;
  std::vector<Slice> slices(1);
  message::Record record;
  record.offset = 0;
  record.timestamp_ms = 77;
  record.key = "k";
  record.value = "garbage";
  slices[0].records.append(record);
  slices[0].end = 1;
  ASSERT_TRUE(owner.apply(std::move(slices)).outcome);
  ASSERT_EQ(owner.store.tables.letters.size(), 1U);
  const auto identity = message::coordinates_identity("numbers", 0, 0, 77);
  EXPECT_TRUE(owner.store.tables.letters.contains(identity));
}

TEST(BatchRunTest, the_handlers_counts_decide_what_is_applied_and_what_is_a_duplicate) {
  const std::vector<Sent> events{{"1"}, {"2", "twice"}, {"3", "stale"}, {"4", "coalesced"}};
  Owner natural;
  EXPECT_EQ(natural.apply(events).outcome->advance.delta.applied, 4);
  Owner ledger(handler::Idempotence::ledger);
  const Counters delta = ledger.apply(events).outcome->advance.delta;
  EXPECT_EQ(delta.applied, 3);
  EXPECT_EQ(delta.duplicate, 1);
}

TEST(BatchRunTest, a_handler_that_miscounts_stops_the_lane_and_applies_nothing) {
  for (const char* lie : {"lose", "invent", "stray"}) {
    for (const auto idempotence : {handler::Idempotence::natural, handler::Idempotence::ledger}) {
      Owner owner(idempotence);
      const RunDone done = owner.apply({{"1"}, {"2", lie}});
      ASSERT_FALSE(done.outcome) << lie;
      EXPECT_EQ(done.outcome.failure().kind, FailureKind::schema);
      EXPECT_THAT(owner.applied(), IsEmpty());
      EXPECT_EQ(owner.store.tables.next, 0);
    }
  }
}

TEST(BatchRunTest, failures_are_told_by_service_however_many_rounds_there_were) {
  for (const auto idempotence : {handler::Idempotence::natural, handler::Idempotence::ledger}) {
    Owner owner(idempotence);
    const RunDone done =
        owner.apply({of_key("a", "a1", "away:1"), of_key("a", "a2"), of_key("b", "b1", "away:1"),
                     of_key("c", "c1", "fail:1"), of_key("d", "d1")});
    ASSERT_TRUE(done.outcome);
    EXPECT_THAT(done.statistics.dependencies_failed, ElementsAre("tmdb", "tmdb"));
    EXPECT_EQ(done.statistics.records, 4);
  }
}

TEST(BatchRunTest, a_conflict_is_repeated_three_times_and_then_waits) {
  Owner owner;
  for (int failures = 1; failures <= 4; ++failures) {
    owner.store.calls.clear();
    int left = failures;
    owner.store.kind = FailureKind::conflict;
    owner.store.strikes = [&left](const std::string& name) {
      return name == "apply" && left-- > 0;
    };
    const RunDone done = owner.apply({{std::to_string(failures)}});
    EXPECT_EQ(done.outcome.ok(), failures <= 3);
    EXPECT_EQ(done.statistics.transactions, std::min(failures + 1, 4));
  }
  EXPECT_THAT(owner.applied(), ElementsAre("1", "2", "3"));
}

TEST(BatchRunTest, only_the_database_refusing_the_handler_blames_an_event) {
  for (const char* call : {"begin", "fence", "advance", "commit", "bury", "open", "promote"}) {
    Owner owner;
    owner.store.fail_on = call;
    owner.store.kind = FailureKind::bad_data;
    const RunDone done =
        owner.apply({of_key("a", "a1", "invalid"), of_key("b", "b1", "fail:1"), of_key("c", "c1")});
    if (std::string(call) == "promote") {
      EXPECT_TRUE(done.outcome) << "nothing to promote";
      continue;
    }
    ASSERT_FALSE(done.outcome) << call;
    EXPECT_EQ(done.outcome.failure().kind, FailureKind::schema) << call;
    EXPECT_EQ(owner.store.tables.next, 0);
  }
}

TEST(BatchRunTest, a_slow_event_alone_is_blamed_only_when_that_is_allowed) {
  Owner owner;
  owner.limits.events_max = 1;
  EXPECT_EQ(owner.apply({{"1", "slow"}}).outcome.failure().kind, FailureKind::slow);
  owner.limits.blame_slow = true;
  const RunDone done = owner.apply({{"1", "slow"}});
  ASSERT_TRUE(done.outcome);
  EXPECT_EQ(owner.row("1").state, OpenState::head) << "a failed attempt, not a death";
  EXPECT_EQ(done.statistics.failed.at(0).type, ErrorType::handler_timeout);
  owner.limits.events_max = 2;
  const RunDone two = owner.apply({of_key("x", "2"), of_key("y", "3", "slow")});
  EXPECT_EQ(two.outcome.failure().kind, FailureKind::slow) << "not alone";
}

}  // namespace
}  // namespace spool::delivery
