// A handler that performs, over the memory store: admitted, begun under a marker, settled.
#include "engine/delivery/calls_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr base::EpochMicros kDoubt = 33 * kSecond;  // grace, deadline and margin

handler::EventFailure network() {
  handler::EventFailure why;
  why.type = message::ErrorType::upstream_network;
  why.text = "it broke";
  why.dependency = "tmdb";
  return why;
}

class CallsRunTest : public ::testing::Test {
 protected:
  // What is begun now, with no end to settle: the ids, in the order of their numbers.
  std::vector<std::string> begin(std::size_t heads_max = 1'000) { return settle({}, heads_max); }

  std::vector<std::string> settle(std::vector<CallEnd> ends, std::size_t heads_max = 1'000) {
    RunDone done = owner.calls(std::move(ends), heads_max);
    EXPECT_TRUE(done.outcome) << done.outcome.failure().text;
    statistics = std::move(done.statistics);
    begun = std::move(done.outcome->begun);
    std::vector<std::string> ids;
    for (const BegunCall& call : begun)
      ids.push_back(dynamic_cast<const ScriptCall&>(*call.call).event.id);
    return ids;
  }

  CallEnd end(const std::string& id, handler::CallOutcome outcome, bool asked = false) const {
    return {owner.row(id).number, std::move(outcome), asked, true};
  }
  CallEnd done(const std::string& id) const { return end(id, handler::Performed{}); }
  CallEnd failed(const std::string& id, bool in_doubt = false) const {
    return end(id, handler::CallFailed{network(), in_doubt, {}});
  }
  std::string state(const std::string& id) const {
    const auto row = owner.store.tables.performing.find({"/test", id});
    return row == owner.store.tables.performing.end() ? "unknown" : row->second.state;
  }

  Owner owner{performing_handler()};
  std::vector<BegunCall> begun;
  RunStatistics statistics;
};

TEST_F(CallsRunTest, what_is_admitted_waits_in_the_order_of_its_finer_key) {
  owner.apply({{"a", "list:1"}, {"b", "list:1"}, {"c", "list:2"}, {"d", "list:1", "other"}});
  EXPECT_EQ(owner.store.tables.counters.open, 4);
  EXPECT_EQ(owner.row("a").state, OpenState::head);
  EXPECT_EQ(owner.row("b").state, OpenState::parked);
  EXPECT_EQ(owner.row("c").state, OpenState::head);
  EXPECT_EQ(owner.row("d").state, OpenState::head) << "the finer key is within the Kafka key";
  EXPECT_EQ(owner.row("a").key, hash_finer_key("k", "1"));
  EXPECT_THAT(begin(), ElementsAre("a", "c", "d"));
  EXPECT_EQ(state("a"), "begun");
  EXPECT_EQ(state("b"), "waits");
}

TEST_F(CallsRunTest, a_marker_is_durable_before_anybody_calls_and_goes_with_the_end) {
  owner.apply({{"a"}});
  begin();
  EXPECT_EQ(owner.row("a").doubt_until, kMorning + kDoubt);
  EXPECT_EQ(owner.store.commits.back(), Durability::durable);
  EXPECT_THAT(begin(), IsEmpty()) << "it runs";
  EXPECT_THAT(settle({done("a")}), IsEmpty());
  EXPECT_EQ(owner.store.tables.rows.size(), 0U);
  EXPECT_EQ(owner.store.tables.counters.applied, 1);
  EXPECT_EQ(state("a"), "done");
  ASSERT_EQ(owner.store.tables.told.size(), 1U);
  EXPECT_EQ(owner.store.tables.told[0].type, "number.performed.v1");
  EXPECT_EQ(owner.store.tables.told[0].cause.identity.id, "a");
}

TEST_F(CallsRunTest, the_next_of_a_key_has_its_turn_when_the_one_before_is_settled) {
  owner.apply({{"a"}, {"b"}});
  begin();
  EXPECT_THAT(settle({done("a")}), IsEmpty());
  EXPECT_THAT(begin(), ElementsAre("b"));
}

TEST_F(CallsRunTest, a_failed_call_waits_its_rung_and_holds_its_key) {
  owner.apply({{"a"}, {"b"}});
  begin();
  settle({failed("a")});
  EXPECT_EQ(owner.row("a").attempts, 1);
  EXPECT_EQ(owner.row("a").due, kMorning + 30 * kSecond);
  EXPECT_EQ(owner.row("a").doubt_until, 0);
  EXPECT_EQ(state("a"), "retried");
  EXPECT_EQ(owner.store.tables.outbox.size(), 1U) << "the retry record";
  EXPECT_THAT(begin(), IsEmpty());
  owner.now += 30 * kSecond;
  EXPECT_THAT(begin(), ElementsAre("a"));
  EXPECT_FALSE(begun[0].asks);
}

TEST_F(CallsRunTest, what_may_have_had_its_effect_is_asked_about_before_it_is_tried_again) {
  owner.apply({{"a"}});
  begin();
  settle({failed("a", true)});
  EXPECT_EQ(owner.row("a").attempts, 1);
  EXPECT_EQ(owner.row("a").doubt_until, kMorning + kDoubt);
  owner.now += 30 * kSecond;
  EXPECT_THAT(begin(), IsEmpty()) << "what was sent may still be carried out";
  owner.now = kMorning + kDoubt;
  EXPECT_THAT(begin(), ElementsAre("a"));
  EXPECT_TRUE(begun[0].asks);
  settle({end("a", handler::HadNoEffect{}, true)});
  EXPECT_EQ(owner.row("a").doubt_until, 0);
  EXPECT_EQ(owner.row("a").attempts, 1) << "asking is no attempt";
  EXPECT_EQ(state("a"), "waits");
  EXPECT_THAT(begin(), ElementsAre("a"));
  EXPECT_FALSE(begun[0].asks);
}

TEST_F(CallsRunTest, asking_in_vain_uses_up_no_attempt_and_ends_no_doubt) {
  owner.apply({{"a"}});
  begin();
  settle({failed("a", true)});
  for (int i = 0; i < 20; ++i) {
    owner.now += 3600 * kSecond;
    ASSERT_THAT(begin(), ElementsAre("a"));
    ASSERT_TRUE(begun[0].asks) << i;
    settle({end("a", handler::CallFailed{network(), false, {}}, true)});
    ASSERT_EQ(owner.row("a").attempts, 1);
  }
}

TEST_F(CallsRunTest, nobody_dies_in_doubt_of_the_last_attempt) {
  owner.apply({{"a"}});
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_THAT(begin(), ElementsAre("a"));
    settle({failed("a", attempt == 6)});
    owner.now += 3600 * kSecond;
  }
  EXPECT_EQ(owner.row("a").attempts, 6);
  EXPECT_THAT(begin(), ElementsAre("a"));
  ASSERT_TRUE(begun[0].asks);
  settle({end("a", handler::HadNoEffect{}, true)});
  EXPECT_EQ(state("a"), "died");
  EXPECT_EQ(owner.store.tables.counters.dead, 1);
  EXPECT_EQ(owner.store.tables.rows.size(), 0U);
}

TEST_F(CallsRunTest, after_its_last_attempt_it_is_a_dead_letter_and_the_next_goes_on) {
  owner.apply({{"a"}, {"b"}});
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_THAT(begin(), ElementsAre("a"));
    settle({failed("a")});
    owner.now += 3600 * kSecond;
  }
  EXPECT_EQ(state("a"), "died");
  ASSERT_NE(owner.store.tables.letter_of("a"), nullptr);
  EXPECT_EQ(owner.store.tables.letter_of("a")->attempts, 6);
  EXPECT_THAT(begin(), ElementsAre("b"));
}

TEST_F(CallsRunTest, what_did_not_begin_has_its_turn_again_uncharged) {
  owner.apply({{"a"}});
  begin();
  settle({end("a", handler::NotBegun{"no permit", {}})});
  EXPECT_EQ(owner.row("a").attempts, 0);
  EXPECT_EQ(owner.row("a").doubt_until, 0);
  EXPECT_THAT(begin(), ElementsAre("a"));
  EXPECT_FALSE(begun[0].asks);
  settle({end("a", handler::NotBegun{"closed", std::chrono::seconds(5)})});
  EXPECT_THAT(begin(), IsEmpty());
  owner.now += 5 * kSecond;
  EXPECT_THAT(begin(), ElementsAre("a"));
}

TEST_F(CallsRunTest, asking_that_did_not_begin_leaves_the_doubt) {
  owner.apply({{"a"}});
  begin();
  settle({failed("a", true)});
  owner.now += kDoubt;
  begin();
  settle({end("a", handler::NotBegun{"no permit", {}}, true)});
  owner.now += kDoubt;
  EXPECT_THAT(begin(), ElementsAre("a"));
  EXPECT_TRUE(begun[0].asks);
}

TEST_F(CallsRunTest, a_probe_that_fails_uses_up_no_attempt) {
  owner.apply({{"a"}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(begin(), ElementsAre("a"));
    CallEnd probe = failed("a");
    probe.charged = false;
    settle({probe});
    ASSERT_EQ(owner.row("a").attempts, 0);
    owner.now += 3600 * kSecond;
  }
}

TEST_F(CallsRunTest, a_new_owner_waits_until_the_call_is_over_and_then_asks) {
  owner.apply({{"a"}, {"b"}});
  begin();
  Owner heir{performing_handler()};
  heir.store.tables = owner.store.tables;
  heir.inherit();
  heir.now += kSecond;
  EXPECT_EQ(heir.calls({}).outcome->begun.size(), 0U);
  EXPECT_EQ(heir.row("a").due, kMorning + kDoubt);
  heir.now = kMorning + kDoubt;
  const RunDone asked = heir.calls({});
  ASSERT_EQ(asked.outcome->begun.size(), 1U);
  EXPECT_TRUE(asked.outcome->begun[0].asks);
}

TEST_F(CallsRunTest, what_a_database_that_was_set_back_has_forgotten_is_asked_about) {
  owner.apply({{"a"}, {"b", "list:2+due:60"}});
  const Tables restored = owner.store.tables;
  begin();
  owner.apply({{"c", "list:3"}});
  Owner heir{performing_handler()};
  heir.store.tables = restored;
  heir.store.log.high = 3;
  heir.store.group_mark = {0, owner.store.tables.claim.seq};
  heir.inherit();
  EXPECT_EQ(heir.row("a").doubt_until, kMorning + kDoubt);
  EXPECT_EQ(heir.row("b").doubt_until, kMorning + kDoubt);
  heir.apply({{"c", "list:3"}, {"d", "list:4"}});
  EXPECT_EQ(heir.row("c").doubt_until, kMorning + kDoubt) << "somebody may have performed it";
  EXPECT_EQ(heir.row("d").doubt_until, 0) << "nobody has seen it before";
  const RunDone first = heir.calls({});
  ASSERT_EQ(first.outcome->begun.size(), 1U);
  EXPECT_FALSE(first.outcome->begun[0].asks);
  heir.now += kDoubt;
  const RunDone asked = heir.calls({});
  ASSERT_EQ(asked.outcome->begun.size(), 2U);
  EXPECT_TRUE(asked.outcome->begun[0].asks && asked.outcome->begun[1].asks);
}

TEST_F(CallsRunTest, so_many_of_a_group_run_at_once) {
  owner.calls_of_group_max = 2;
  owner.apply({{"a", "list:1"}, {"b", "list:2"}, {"c", "list:3"}, {"d", "list:4", "other"}});
  EXPECT_THAT(begin(), ElementsAre("a", "b", "d"));
  EXPECT_EQ(begun[0].group, hash_kafka_key("k"));
  owner.under_way[hash_kafka_key("k")] = 1;
  EXPECT_THAT(settle({done("a")}), ElementsAre("c"));
}

TEST_F(CallsRunTest, without_a_kafka_key_nobody_waits_for_anothers_calls) {
  owner.calls_of_group_max = 1;
  owner.apply({{"a", "list:1", std::nullopt}, {"b", "list:1", std::nullopt}});
  EXPECT_THAT(begin(), ElementsAre("a", "b"));
}

TEST_F(CallsRunTest, what_has_been_called_may_die_however_many_deaths_are_allowed) {
  owner.apply({{"a"}});
  for (int attempt = 1; attempt <= 5; ++attempt) {
    begin();
    settle({failed("a")});
    owner.now += 3600 * kSecond;
  }
  begin();
  owner.limits.deaths_max = 0;
  settle({failed("a")});
  EXPECT_EQ(state("a"), "died");
}

TEST_F(CallsRunTest, admission_may_end_refuse_swallow_and_schedule) {
  owner.apply({{"a"}, {"b", "over"}, {"c", "invalid"}, {"d", "fails"}, {"e", "refuse"}});
  EXPECT_EQ(owner.store.tables.rows.size(), 1U);
  EXPECT_EQ(owner.store.tables.counters.applied, 1);
  EXPECT_EQ(owner.store.tables.counters.dead, 3);
  owner.apply({{"a"}, {"f", "eats:a"}});
  EXPECT_EQ(owner.store.tables.counters.duplicate, 1);
  EXPECT_EQ(state("a"), "swallowed");
  EXPECT_EQ(owner.store.tables.counters.applied, 2);
  EXPECT_EQ(owner.row("f").state, OpenState::head) << "nobody is before it any more";
  owner.apply({{"g", "due:60"}});
  EXPECT_EQ(owner.row("g").state, OpenState::scheduled);
  EXPECT_THAT(begin(), ElementsAre("f"));
}

TEST_F(CallsRunTest, what_has_begun_is_not_swallowed) {
  owner.apply({{"a"}});
  begin();
  owner.apply({{"b", "eats:a"}});
  EXPECT_EQ(state("a"), "begun");
  EXPECT_EQ(owner.row("b").state, OpenState::parked);
}

TEST_F(CallsRunTest, a_scheduled_event_is_admitted_again_when_its_time_has_come) {
  owner.apply({{"a", "due:60+list:1"}, {"b", "list:1"}});
  owner.now += 60 * kSecond;
  ASSERT_TRUE(owner.awaken());
  EXPECT_EQ(owner.row("a").state, OpenState::parked);
  EXPECT_THAT(begin(), ElementsAre("b"));
  settle({done("b")});
  EXPECT_THAT(begin(), ElementsAre("a"));
}

TEST_F(CallsRunTest, what_open_says_is_done_without_a_call) {
  owner.apply({{"a", "nothing+list:1"}, {"b", "closed:50+list:2"}, {"c", "list:3"}});
  EXPECT_THAT(begin(), ElementsAre("c"));
  EXPECT_EQ(state("a"), "done");
  EXPECT_EQ(state("b"), "retried");
  EXPECT_EQ(owner.row("b").attempts, 0) << "waiting for a person is no attempt";
  EXPECT_EQ(owner.row("b").due, kMorning + 50 * kSecond);
}

TEST_F(CallsRunTest, a_replay_is_admitted_again_before_it_takes_its_place) {
  owner.apply({{"a", "list:1"}});
  for (int attempt = 1; attempt <= 6; ++attempt) {
    begin();
    settle({failed("a")});
    owner.now += 3600 * kSecond;
  }
  owner.store.targets.live = true;
  owner.store.targets.letters = {owner.letter("a")};
  ASSERT_TRUE(owner.carry_out(CommandKind::replay));
  EXPECT_EQ(owner.row("a").state, OpenState::scheduled);
  EXPECT_EQ(state("a"), "died");
  ASSERT_TRUE(owner.awaken());
  EXPECT_EQ(state("a"), "waits");
  EXPECT_THAT(begin(), ElementsAre("a"));
  settle({done("a")});
  EXPECT_EQ(owner.store.tables.letter_of("a")->state, LetterState::resolved);
}

TEST_F(CallsRunTest, a_rejected_event_that_is_replayed_finds_its_key_by_admission) {
  owner.apply({{"a", "fails+list:1"}, {"b", "list:1"}});
  KeptLetter& letter = owner.store.tables.letters.at({"/test", "a"});
  message::RecordBatch mended = log_of(0, {{"a", "list:1"}});
  letter.record = KeptRecord(mended.record(0));
  owner.store.targets.live = true;
  owner.store.targets.letters = {owner.letter("a")};
  ASSERT_TRUE(owner.carry_out(CommandKind::replay));
  ASSERT_TRUE(owner.awaken());
  EXPECT_EQ(owner.row("a").key, hash_finer_key("k", "1"));
  EXPECT_EQ(owner.row("a").state, OpenState::parked) << "behind b";
}

TEST_F(CallsRunTest, an_operator_cancels_what_waits_and_not_what_has_begun) {
  owner.apply({{"a"}, {"b"}, {"c"}});
  begin();
  owner.store.targets.live = true;
  owner.store.targets.rows = {owner.row("a"), owner.row("b")};
  const auto cancelled = owner.carry_out(CommandKind::cancel);
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->count, (CommandCount{1, 1}));
  EXPECT_EQ(state("b"), "cancelled");
  EXPECT_EQ(state("a"), "begun");
  settle({done("a")});
  EXPECT_THAT(begin(), ElementsAre("c"));
}

TEST_F(CallsRunTest, an_operator_makes_a_retry_due_at_once) {
  owner.apply({{"a"}});
  begin();
  settle({failed("a")});
  owner.store.targets.live = true;
  owner.store.targets.rows = {owner.row("a")};
  ASSERT_TRUE(owner.carry_out(CommandKind::retry_now));
  EXPECT_EQ(state("a"), "hastened");
  EXPECT_THAT(begin(), ElementsAre("a"));
}

TEST_F(CallsRunTest, a_failure_anywhere_leaves_everything_as_it_was) {
  owner.apply({{"a", "list:1"}, {"b", "list:1"}, {"c", "list:2"}});
  begin();
  const std::vector<CallEnd> ends{done("a"), failed("c")};
  const Counters before = owner.store.tables.counters;
  int failures = 0;
  for (;; ++failures) {
    owner.store.fail_at = static_cast<int>(owner.store.calls.size()) + failures;
    if (owner.calls(ends).outcome) break;
    ASSERT_EQ(owner.store.tables.counters, before) << owner.store.calls.back();
    ASSERT_EQ(owner.store.tables.rows.size(), 3U);
    ASSERT_EQ(state("a"), "begun");
  }
  EXPECT_GT(failures, 8) << "each of its statements";
  EXPECT_EQ(state("a"), "done");
  EXPECT_EQ(state("c"), "retried");
}

}  // namespace
}  // namespace spool::delivery::test
