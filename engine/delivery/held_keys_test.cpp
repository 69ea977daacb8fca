#include "engine/delivery/held_keys.hpp"

#include <gtest/gtest.h>

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
