#include "engine/delivery/held_keys.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spool::delivery {
namespace {

KeyHash key(const char* text) {
  return hash_kafka_key(text);
}

TEST(HeldKeysTest, a_key_is_held_while_it_has_events) {
  HeldKeys held;
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(held.find(key("a")), nullptr);
  held.set(key("a"), {2, 7, 100, false});
  ASSERT_NE(held.find(key("a")), nullptr);
  EXPECT_EQ(*held.find(key("a")), (Held{2, 7, 100, false}));
  held.set(key("b"), {3, 8, 50, false});
  EXPECT_EQ(held.size(), 2U);
  EXPECT_EQ(held.events(), 5);
  held.set(key("a"), {1, 9, 200, false});
  EXPECT_EQ(held.events(), 4);
  held.set(key("a"), {});
  held.set(key("c"), {});
  EXPECT_EQ(held.find(key("a")), nullptr);
  EXPECT_EQ(held.find(key("c")), nullptr) << "nothing of it was ever held";
  EXPECT_EQ(held.size(), 1U);
  EXPECT_EQ(held.events(), 3);
}

TEST(HeldKeysTest, heads_come_due_in_the_order_of_their_times) {
  HeldKeys held;
  EXPECT_FALSE(held.next_due());
  held.set(key("late"), {1, 1, 300, false});
  held.set(key("early"), {1, 2, 100, false});
  held.set(key("middle"), {1, 3, 200, false});
  EXPECT_EQ(held.next_due(), 100);
  EXPECT_TRUE(held.due(99, 10).empty());
  const auto due = held.due(200, 10);
  ASSERT_EQ(due.size(), 2U);
  EXPECT_EQ(due[0].number, 2);
  EXPECT_EQ(due[0].due, 100);
  EXPECT_EQ(due[0].key, key("early"));
  EXPECT_EQ(due[1].number, 3);
  EXPECT_EQ(held.due(1'000, 1).size(), 1U);
}

// One head of a key of its own, which is its number.
void hold(HeldKeys& held, std::int64_t number, base::EpochMicros due, std::int16_t priority) {
  Held head{1, number, due, false};
  head.priority = priority;
  held.set(key(std::to_string(number).c_str()), head);
}

std::vector<std::int64_t> numbers(const std::vector<HeadRef>& heads) {
  std::vector<std::int64_t> all;
  for (const HeadRef& head : heads) all.push_back(head.number);
  return all;
}

using Numbers = std::vector<std::int64_t>;

TEST(HeldKeysTest, a_higher_priority_goes_first_then_the_earliest_then_the_lower_number) {
  HeldKeys held;
  hold(held, 1, 100, 5);
  hold(held, 2, 100, 0);
  hold(held, 3, 300, 9);
  hold(held, 4, 200, 9);
  hold(held, 5, 100, 5);
  hold(held, 6, 50, 5);
  hold(held, 7, 400, 9);
  EXPECT_EQ(numbers(held.due(300, 9)), (Numbers{4, 3, 6, 1, 5, 2})) << "7 is not due";
  EXPECT_EQ(numbers(held.due(300, 2)), (Numbers{4, 3}));
  EXPECT_EQ(numbers(held.due(49, 9)), Numbers{});
  EXPECT_EQ(held.next_due(), 50) << "whatever its priority";
}

TEST(HeldKeysTest, another_priority_takes_the_place_of_the_old_one) {
  HeldKeys held;
  hold(held, 1, 100, 5);
  hold(held, 2, 100, 5);
  hold(held, 2, 100, 6);
  EXPECT_EQ(numbers(held.due(100, 9)), (Numbers{2, 1}));
  hold(held, 2, 100, 4);
  EXPECT_EQ(numbers(held.due(100, 9)), (Numbers{1, 2}));
  held.set(key("1"), {});
  EXPECT_EQ(numbers(held.due(100, 9)), Numbers{2});
}

TEST(HeldKeysTest, every_tenth_is_the_oldest_whatever_its_priority) {
  HeldKeys held;
  hold(held, 1, 10, 0);
  hold(held, 2, 20, 0);
  for (std::int64_t number = 3; number < 40; ++number) hold(held, number, 30, 9);
  const auto heads = numbers(held.due(100, 20));
  ASSERT_EQ(heads.size(), 20U);
  EXPECT_EQ(heads[8], 11);
  EXPECT_EQ(heads[9], 1);
  EXPECT_EQ(heads[10], 12) << "each once";
  EXPECT_EQ(heads[19], 2);
  EXPECT_EQ(numbers(held.due(100, 1, 8)), Numbers{3});
  EXPECT_EQ(numbers(held.due(100, 1, 9)), Numbers{1}) << "counted on from batch to batch";
  const auto not_that = [](const Held& head) { return head.head != 1; };
  EXPECT_EQ(numbers(held.due(100, 1, 9, not_that)), Numbers{2});
}

TEST(HeldKeysTest, a_low_priority_is_given_out_however_many_others_come) {
  HeldKeys held;
  hold(held, 1, 10, 0);
  hold(held, 2, 20, 0);
  std::uint64_t given = 3;
  std::int64_t next = 3;
  for (; held.find(key("2")) != nullptr; ++given) {
    ASSERT_LE(given, 23U) << "one head is due before it: at the latest number 20";
    hold(held, next++, 30, 9);
    held.set(held.due(100, 1, given)[0].key, {});
  }
  EXPECT_EQ(given, 20U);
}

TEST(HeldKeysTest, a_few_of_very_many_are_found_without_looking_at_all) {
  HeldKeys held;
  for (std::int64_t number = 1; number <= 100'000; ++number)
    hold(held, number, number % 2 == 0 ? 100 : 1'000'000, static_cast<std::int16_t>(number % 10));
  std::int64_t looked_at = 0;
  const auto heads = held.due(100, 50, 0, [&](const Held&) {
    ++looked_at;
    return true;
  });
  ASSERT_EQ(heads.size(), 50U);
  EXPECT_EQ(heads[0].number, 8) << "9 is odd, and not due";
  EXPECT_LE(looked_at, 100);
}

TEST(HeldKeysTest, a_new_due_time_replaces_the_old_one) {
  HeldKeys held;
  held.set(key("a"), {1, 1, 100, false});
  held.set(key("a"), {1, 1, 500, false});
  EXPECT_TRUE(held.due(499, 10).empty());
  EXPECT_EQ(held.due(500, 10).size(), 1U);
  EXPECT_EQ(held.next_due(), 500);
}

TEST(HeldKeysTest, a_dead_head_is_never_due_until_it_lives_again) {
  HeldKeys held;
  held.set(key("a"), {2, 1, 0, true});
  EXPECT_FALSE(held.next_due());
  EXPECT_TRUE(held.due(1'000, 10).empty());
  EXPECT_EQ(held.events(), 2);
  held.set(key("a"), {2, 1, 40, false});
  EXPECT_EQ(held.next_due(), 40);
  held.set(key("a"), {2, 1, 0, true});
  EXPECT_FALSE(held.next_due());
  held.set(key("a"), {});
  EXPECT_TRUE(held.empty());
}

TEST(HeldOverlayTest, the_base_stays_as_it_is_while_a_transaction_changes_its_view) {
  HeldKeys base;
  base.set(key("a"), {2, 1, 100, false});
  HeldOverlay overlay(base);
  EXPECT_EQ(overlay.find(key("a")), base.find(key("a")));
  overlay.touch(key("a")).events = 1;
  overlay.touch(key("a")).due = 300;
  overlay.touch(key("b")) = {1, 5, 10, false};
  EXPECT_EQ(overlay.find(key("a"))->events, 1);
  EXPECT_EQ(overlay.find(key("a"))->head, 1) << "the rest is taken over";
  EXPECT_EQ(overlay.find(key("b"))->head, 5);
  EXPECT_EQ(base.find(key("a"))->events, 2);
  EXPECT_EQ(base.find(key("b")), nullptr);
  overlay.touch(key("a")).events = 0;
  EXPECT_EQ(overlay.find(key("a")), nullptr);
  EXPECT_EQ(overlay.changes().size(), 2U);
}

}  // namespace
}  // namespace spool::delivery
