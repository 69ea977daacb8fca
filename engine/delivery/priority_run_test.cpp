// Priorities of a handler that performs, over the memory store: from admission through parking,
// waiting and failing to the turn, and as operators change them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PriorityRunTest : public ::testing::Test {
 protected:
  std::vector<std::string> begin(std::size_t heads_max = 1'000, std::vector<CallEnd> ends = {}) {
    const RunDone done = owner.calls(std::move(ends), heads_max);
    EXPECT_TRUE(done.outcome) << done.outcome.failure().text;
    std::vector<std::string> ids;
    for (const BegunCall& call : done.outcome->begun)
      ids.push_back(dynamic_cast<const ScriptCall&>(*call.call).event.id);
    return ids;
  }
  void end(const std::string& id, handler::CallOutcome outcome = handler::Performed{}) {
    std::vector<CallEnd> ends;
    ends.push_back({owner.row(id).number, std::move(outcome), false, true});
    EXPECT_THAT(begin(0, std::move(ends)), IsEmpty());
  }
  void prioritize(const std::vector<std::string>& ids, std::int16_t priority,
                  const CommandCount& expected) {
    owner.store.targets = {};
    owner.store.targets.live = true;
    for (const std::string& id : ids) owner.store.targets.rows.push_back(owner.row(id));
    const auto done = owner.carry_out(CommandKind::prioritize, priority);
    ASSERT_TRUE(done) << done.failure().text;
    EXPECT_EQ(done->count, expected);
  }
  std::string state(const std::string& id) const {
    return owner.store.tables.performing.at({"/test", id}).state;
  }

  Owner owner{performing_handler()};
};

TEST_F(PriorityRunTest, with_one_call_at_a_time_a_high_priority_goes_before_older_ones) {
  owner.apply({{"low", "list:1+first:0"}, {"old", "list:2"}, {"older", "list:3"}});
  ++owner.now;
  owner.apply({{"high", "list:4+first:9"}});
  for (const char* id : {"high", "old", "older", "low"}) {
    ASSERT_THAT(begin(1), ElementsAre(id));
    end(id);
  }
}

TEST_F(PriorityRunTest, within_a_key_the_order_stays_and_each_head_brings_its_own) {
  owner.apply({{"a", "list:1+first:3"}, {"b", "list:1+first:9"}, {"c", "list:2"}});
  EXPECT_THAT(begin(1), ElementsAre("c"));
  EXPECT_THAT(begin(1), ElementsAre("a"));
  end("a");
  owner.apply({{"d", "list:3+first:8"}});
  EXPECT_THAT(begin(1), ElementsAre("b"));
}

TEST_F(PriorityRunTest, what_is_not_due_waits_whatever_its_priority) {
  owner.apply({{"later", "list:1+first:9+due:60"}, {"now", "list:2+first:0"}});
  EXPECT_THAT(begin(), ElementsAre("now"));
  EXPECT_EQ(owner.row("later").priority, 9);
  owner.apply({{"other", "list:3"}});
  owner.now += 60 * kSecond;
  ASSERT_TRUE(owner.awaken());
  EXPECT_THAT(begin(), ElementsAre("later", "other"));
}

TEST_F(PriorityRunTest, a_failure_and_a_new_owner_leave_it_as_it_is) {
  owner.apply({{"a", "list:1+first:7"}, {"b", "list:2"}});
  EXPECT_THAT(begin(1), ElementsAre("a"));
  handler::EventFailure why;
  why.type = message::ErrorType::upstream_network;
  why.dependency = "tmdb";
  end("a", handler::CallFailed{why, false, {}});
  EXPECT_EQ(owner.row("a").priority, 7);
  owner.now += 30 * kSecond;
  owner.inherit();
  EXPECT_THAT(begin(), ElementsAre("a", "b"));
}

TEST_F(PriorityRunTest, an_operator_says_what_goes_first_and_it_does_at_once) {
  owner.apply({{"a", "list:1"}, {"b", "list:2"}, {"c", "list:3"}, {"d", "list:3"}});
  prioritize({"c", "d"}, 8, {2, 0});
  EXPECT_EQ(state("c"), "prioritized");
  EXPECT_EQ(state("a"), "waits");
  EXPECT_THAT(begin(1), ElementsAre("c"));
  end("c");
  EXPECT_THAT(begin(), ElementsAre("d", "a", "b")) << "what was parked has it too";
}

TEST_F(PriorityRunTest, what_has_begun_is_left_out) {
  owner.apply({{"a", "list:1"}, {"b", "list:1"}});
  begin();
  prioritize({"a", "b"}, 8, {1, 1});
  EXPECT_EQ(owner.row("a").priority, 5);
  EXPECT_EQ(state("a"), "begun");
  EXPECT_EQ(owner.row("b").priority, 8);
}

TEST_F(PriorityRunTest, a_failure_anywhere_leaves_every_priority_as_it_was) {
  owner.apply({{"a", "list:1"}, {"b", "list:2"}});
  owner.store.targets.live = true;
  owner.store.targets.rows = {owner.row("b")};
  int failures = 0;
  for (;; ++failures) {
    owner.store.fail_at = static_cast<int>(owner.store.calls.size()) + failures;
    if (owner.carry_out(CommandKind::prioritize, 9)) break;
    ASSERT_EQ(owner.row("b").priority, 5) << owner.store.calls.back();
    ASSERT_EQ(state("b"), "waits");
  }
  EXPECT_GT(failures, 5) << "each of its statements";
  owner.store.fail_at = -1;
  EXPECT_THAT(begin(), ElementsAre("b", "a"));
}

}  // namespace
}  // namespace spool::delivery::test
