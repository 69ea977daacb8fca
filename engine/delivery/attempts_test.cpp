// Fates round by round, without a transaction.
#include "engine/delivery/attempts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/delivery/core_test_support.hpp"

namespace spool::delivery {
namespace {

using message::ErrorType;
using test::kLane;
using test::kMorning;
using test::Sent;
using testing::ElementsAre;

class AttemptsTest : public testing::Test {
 protected:
  AttemptsTest() {
    job.footing.held = held;
    job.footing.events_max = 100;
  }

  void begin(const std::vector<Sent>& events) {
    job.slices.resize(1);
    job.slices[0].records = test::log_of(0, events);
    job.slices[0].end = static_cast<std::int64_t>(events.size());
    attempts.begin_log(kLane, job, kMorning);
  }

  std::vector<Fate> fates() {
    attempts.prepare();
    std::vector<Fate> fates;
    for (std::size_t i = 0; i < attempts.size(); ++i) fates.push_back(attempts.fate(i));
    std::int64_t counted = 0;
    for (int fate = 0; fate <= static_cast<int>(Fate::die); ++fate)
      counted += attempts.count(static_cast<Fate>(fate));
    EXPECT_EQ(counted, static_cast<std::int64_t>(fates.size()));
    EXPECT_EQ(attempts.batch().size(), attempts.staged().size());
    return fates;
  }

  static handler::EventFailure failure(ErrorType type) { return {.type = type, .text = "no"}; }

  test::Seen seen;
  handler::Handler handler = test::script_handler(seen);
  Route route{test::kTopic, &handler};
  std::shared_ptr<HeldKeys> held = std::make_shared<HeldKeys>();
  ApplyJob job;
  Attempts attempts{route};
};

TEST_F(AttemptsTest, everything_that_goes_well_is_staged) {
  begin({{"1"}, {"2"}});
  EXPECT_THAT(fates(), ElementsAre(Fate::apply, Fate::apply));
  EXPECT_TRUE(attempts.plain());
  EXPECT_THAT(attempts.staged(), ElementsAre(0U, 1U));
  EXPECT_EQ(attempts.to(), 2);
}

TEST_F(AttemptsTest, a_failure_that_is_known_at_once_makes_nothing_plain) {
  begin({{"1"}});
  fates();
  EXPECT_FALSE(attempts.learn_failure(0, failure(ErrorType::upstream_timeout)));
  EXPECT_FALSE(attempts.plain()) << "its position must not move as if it were applied";
  EXPECT_EQ(attempts.fate(0), Fate::retry);
}

TEST_F(AttemptsTest, another_round_is_needed_if_anything_of_the_key_comes_after_a_failure) {
  for (const char* later : {"fine", "invalid", "due:60"}) {
    begin({{"1"}, {.id = "2", .key = "x"}, {"3", later}});
    fates();
    EXPECT_FALSE(attempts.learn_failure(1, failure(ErrorType::upstream_timeout)));
    EXPECT_TRUE(attempts.learn_failure(0, failure(ErrorType::upstream_timeout))) << later;
    EXPECT_THAT(fates(), ElementsAre(Fate::retry, Fate::retry, Fate::park)) << later;
  }
}

TEST_F(AttemptsTest, of_two_failures_of_a_key_the_first_counts_however_they_are_reported) {
  begin({{"1"}, {"2"}});
  fates();
  EXPECT_FALSE(attempts.learn_failure(1, failure(ErrorType::upstream_timeout)));
  EXPECT_TRUE(attempts.learn_failure(0, failure(ErrorType::upstream_timeout)));
  EXPECT_THAT(fates(), ElementsAre(Fate::retry, Fate::park));
}

TEST_F(AttemptsTest, a_death_makes_nobody_wait_unless_it_holds) {
  begin({{"1"}, {"2"}});
  fates();
  EXPECT_FALSE(attempts.learn_failure(0, failure(ErrorType::db_constraint)));
  EXPECT_THAT(fates(), ElementsAre(Fate::die, Fate::apply));
  route.hold_after_death = true;
  begin({{"1"}, {"2"}});
  fates();
  EXPECT_TRUE(attempts.learn_failure(0, failure(ErrorType::db_constraint)));
  EXPECT_THAT(fates(), ElementsAre(Fate::die, Fate::park));
}

TEST_F(AttemptsTest, what_is_known_of_an_event_is_forgotten_with_its_job) {
  begin({{"1"}});
  fates();
  attempts.learn_failure(0, failure(ErrorType::db_constraint));
  begin({{"1"}});
  EXPECT_THAT(fates(), ElementsAre(Fate::apply));
}

TEST_F(AttemptsTest, a_held_key_parks_without_asking_the_handler) {
  held->set(hash_kafka_key("k"), {1, 1, kMorning, false});
  begin({{"1"}, {"2", "bug"}, {.id = "3", .key = "x"}});
  EXPECT_THAT(fates(), ElementsAre(Fate::park, Fate::park, Fate::apply));
  EXPECT_THAT(seen.asked, ElementsAre("3"));
}

TEST_F(AttemptsTest, a_request_is_asked_before_its_key_is) {
  held->set(hash_kafka_key("k"), {1, 1, 0, true});
  Sent copy{"1"};
  copy.more = {{"spool-life", "0"}, {"__dlq.errors.topic", "numbers"}};
  begin({copy, {"2"}});
  EXPECT_THAT(fates(), ElementsAre(Fate::request, Fate::park));
  attempts.learn_ordinary(0);
  EXPECT_THAT(fates(), ElementsAre(Fate::park, Fate::park));
}

TEST_F(AttemptsTest, the_room_of_a_round_is_counted_anew) {
  job.footing.room.events = 1;
  begin({{"1"}, {"2"}, {.id = "3", .key = "x"}});
  fates();
  EXPECT_TRUE(attempts.learn_failure(0, failure(ErrorType::upstream_timeout)));
  EXPECT_THAT(fates(), ElementsAre(Fate::retry));
  EXPECT_TRUE(attempts.no_room());
  EXPECT_EQ(attempts.to(), 1);
  EXPECT_THAT(fates(), ElementsAre(Fate::retry)) << "the same, however often";
}

TEST_F(AttemptsTest, a_cut_leaves_the_rest_and_the_gap_behind_it_to_the_next_job) {
  begin({{"1"}, {"2"}, {"3"}});
  job.slices[0].end = 9;
  attempts.cut(2);
  EXPECT_THAT(fates(), ElementsAre(Fate::apply, Fate::apply));
  EXPECT_EQ(attempts.to(), 2);
  EXPECT_EQ(attempts.gaps(), 0);
}

TEST_F(AttemptsTest, the_life_asked_for_needs_both_marks_and_a_whole_number) {
  const auto asked = [](std::vector<message::Header> headers) {
    message::Record record;
    record.headers = headers;
    return asked_life(record);
  };
  EXPECT_EQ(asked({{"spool-life", "3"}, {"__dlq.errors.topic", "t"}}), 3);
  EXPECT_EQ(asked({{"spool-life", "0"}, {"__dlq.errors.topic", "t"}}), 0);
  EXPECT_FALSE(asked({{"spool-life", "3"}}));
  EXPECT_FALSE(asked({{"__dlq.errors.topic", "t"}}));
  for (const char* no : {"", "-1", "3x", " 3", "1.0", "99999999999999"})
    EXPECT_FALSE(asked({{"spool-life", no}, {"__dlq.errors.topic", "t"}})) << no;
}

TEST_F(AttemptsTest, a_held_event_costs_its_record_and_its_row) {
  message::Record record;
  const std::int64_t row = held_bytes(record);
  EXPECT_GT(row, 0);
  const std::vector<message::Header> headers{{"name", "value"}, {"null", std::nullopt}};
  record.key = "key";
  record.value = "1234567";
  record.headers = headers;
  EXPECT_EQ(held_bytes(record), row + 3 + 7 + 9 + 4);
}

TEST_F(AttemptsTest, jitter_differs_from_event_to_event_and_not_from_round_to_round) {
  route.policy.jitter = 0.5;
  std::vector<Sent> events;
  for (int i = 0; i < 50; ++i)
    events.push_back({.id = std::to_string(i), .key = "k" + std::to_string(i)});
  begin(events);
  fates();
  std::set<base::EpochMicros> dues;
  for (std::size_t i = 0; i < 50; ++i) {
    attempts.learn_failure(i, failure(ErrorType::upstream_timeout));
    const base::EpochMicros due = attempts.trouble(i).due;
    attempts.learn_failure(i, failure(ErrorType::upstream_timeout));
    EXPECT_EQ(attempts.trouble(i).due, due);
    dues.insert(due);
  }
  EXPECT_GT(dues.size(), 40U);
}

}  // namespace
}  // namespace spool::delivery
