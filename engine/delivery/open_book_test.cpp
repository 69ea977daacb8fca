#include "engine/delivery/open_book.hpp"

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

const KeyHash kKey = hash_kafka_key("k");

struct Books {
  explicit Books(const Held& held = {}) {
    auto keys = std::make_shared<HeldKeys>();
    keys->set(kKey, held);
    footing.held = keys;
    footing.next_number = 10;
  }
  Footing footing;
};

OpenRow row(std::int64_t number, OpenState state, base::EpochMicros due = 0) {
  OpenRow row;
  row.number = number;
  row.key = kKey;
  row.state = state;
  row.due = due;
  row.bytes = 100;
  return row;
}

TEST(OpenBookTest, a_head_and_who_joins_behind_it) {
  Books books;
  OpenBook book(books.footing);
  book.join(row(book.take_number(), OpenState::head, 500));
  book.join(row(book.take_number(), OpenState::parked));
  ASSERT_NE(book.held(kKey), nullptr);
  EXPECT_EQ(*book.held(kKey), (Held{2, 10, 500, false}));
  EXPECT_EQ(book.delta.open, 2);
  EXPECT_EQ(book.change().bytes, 200);
  EXPECT_EQ(book.change().next_number, 12);
  EXPECT_TRUE(book.headless().empty());
}

TEST(OpenBookTest, a_key_whose_head_left_is_headless_until_another_is_promoted) {
  Books books(Held{3, 1, 50, false});
  OpenBook book(books.footing);
  book.leave(row(1, OpenState::head));
  EXPECT_EQ(book.headless(), std::vector{kKey});
  book.leave(row(2, OpenState::parked));
  book.promoted(kKey, {3, 8}, 70);
  EXPECT_TRUE(book.headless().empty());
  EXPECT_EQ(*book.held(kKey), (Held{1, 3, 70, false, false, {}, 8})) << "with its own priority";
  EXPECT_EQ(book.delta.open, -2);
  EXPECT_EQ(book.change().bytes, -200);
  book.leave(row(3, OpenState::head));
  EXPECT_EQ(book.held(kKey), nullptr);
  EXPECT_TRUE(book.headless().empty());
  ASSERT_EQ(book.change().keys.size(), 1U) << "the lane must hear that it is free";
  EXPECT_EQ(book.change().keys[0].held.events, 0);
}

TEST(OpenBookTest, a_head_that_dies_and_stays_is_open_no_more) {
  Books books(Held{2, 1, 50, false});
  OpenBook book(books.footing);
  book.stay(row(1, OpenState::dead));
  EXPECT_EQ(*book.held(kKey), (Held{2, 1, 0, true}));
  EXPECT_EQ(book.delta.open, -1);
  EXPECT_EQ(book.change().bytes, 0);
  book.leave(row(1, OpenState::dead));
  EXPECT_EQ(book.delta.open, -1) << "it was not counted any more";
  EXPECT_EQ(book.headless(), std::vector{kKey});
  EXPECT_FALSE(book.held(kKey)->blocked);
}

TEST(OpenBookTest, a_dead_event_of_the_log_joins_uncounted) {
  Books books;
  OpenBook book(books.footing);
  book.join(row(10, OpenState::dead), false);
  EXPECT_EQ(book.delta.open, 0);
  EXPECT_EQ(*book.held(kKey), (Held{1, 10, 0, true}));
  EXPECT_EQ(book.change().bytes, 100);
}

TEST(OpenBookTest, scheduled_rows_hold_nobody_and_the_earliest_is_told) {
  Books books;
  OpenBook book(books.footing);
  book.join(row(10, OpenState::scheduled, 900));
  book.join(row(11, OpenState::scheduled, 300));
  book.join(row(12, OpenState::scheduled, 600));
  EXPECT_EQ(book.held(kKey), nullptr);
  EXPECT_EQ(book.delta.open, 3);
  EXPECT_EQ(book.change().next_scheduled, 300);
  EXPECT_FALSE(book.change().scheduled_known);
  book.leave(row(11, OpenState::scheduled, 300));
  EXPECT_EQ(book.delta.open, 2);
  EXPECT_EQ(book.held(kKey), nullptr);
  book.scheduled_are(600);
  EXPECT_EQ(book.change().next_scheduled, 600);
  EXPECT_TRUE(book.change().scheduled_known);
}

TEST(OpenBookTest, who_wakes_up_goes_behind_those_that_wait) {
  Books books;
  OpenBook book(books.footing);
  const Awakening first = book.awaken(row(1, OpenState::scheduled, 300));
  const Awakening second = book.awaken(row(2, OpenState::scheduled, 400));
  EXPECT_EQ(first.state, OpenState::head);
  EXPECT_EQ(second.state, OpenState::parked);
  EXPECT_EQ(first.new_number, 10);
  EXPECT_EQ(second.new_number, 11);
  EXPECT_EQ(*book.held(kKey), (Held{2, 10, 300, false}));
  EXPECT_EQ(book.delta, Counters{}) << "they were open before";
  EXPECT_EQ(book.change().bytes, 0);
}

FoundLetter letter(std::int64_t held_by = -1) {
  FoundLetter letter;
  letter.key = kKey;
  letter.open = true;
  letter.bytes = 100;
  letter.held_by = held_by;
  return letter;
}

TEST(OpenBookTest, a_letter_that_lives_again_takes_the_end_of_its_key) {
  Books free;
  OpenBook alone(free.footing);
  const Revival first = alone.revive(letter(), 77);
  EXPECT_EQ(first.state, OpenState::head);
  EXPECT_EQ(*alone.held(kKey), (Held{1, 10, 77, false}));
  EXPECT_EQ(alone.delta.dead, -1);
  EXPECT_EQ(alone.delta.open, 1);
  EXPECT_EQ(alone.change().bytes, 100);
  const Revival second = alone.revive(letter(), 77);
  EXPECT_EQ(second.state, OpenState::parked);
  EXPECT_EQ(second.number, 11);
  EXPECT_EQ(alone.held(kKey)->head, 10);
}

TEST(OpenBookTest, a_letter_that_holds_its_key_lives_again_in_its_place) {
  Books books(Held{3, 1, 0, true});
  OpenBook book(books.footing);
  const Revival revival = book.revive(letter(1), 77);
  EXPECT_TRUE(revival.in_place);
  EXPECT_EQ(revival.number, 1);
  EXPECT_EQ(revival.state, OpenState::head);
  EXPECT_EQ(*book.held(kKey), (Held{3, 1, 77, false}));
  EXPECT_EQ(book.delta.open, 1);
  EXPECT_EQ(book.delta.dead, -1);
  EXPECT_EQ(book.change().bytes, 0);
  EXPECT_EQ(book.change().next_number, 10);
}

TEST(OpenBookTest, behind_a_dead_head_a_revived_letter_waits) {
  Books books(Held{1, 1, 0, true});
  OpenBook book(books.footing);
  EXPECT_EQ(book.revive(letter(), 77).state, OpenState::parked);
  EXPECT_TRUE(book.held(kKey)->blocked);
}

}  // namespace
}  // namespace spool::delivery
