// The story: a thousand events wait, some of them poison, anywhere among them: the first, the last,
// neighbours. However they were batched, exactly those die, each with its own reason, and every
// other one is applied.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/drill_stage.hpp"

namespace spool::test {
namespace {

constexpr int kEvents = 1'000;

struct Poison {
  const char* name;
  const char* how;
  const char* error_type;  // that it dies of
};

class ThousandWithPoison : public ::testing::TestWithParam<Poison> {};

std::set<int> places(std::size_t count, std::mt19937_64& random) {
  std::set<int> places{0, 1, kEvents - 1};
  while (places.size() > count) places.erase(std::prev(places.end()));
  while (places.size() < count) places.insert(static_cast<int>(random() % kEvents));
  return places;
}

TEST_P(ThousandWithPoison, ExactlyTheyDie) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  DrillStage stage({.partitions = 1});
  std::vector<DrillEvent> events;
  std::set<std::string> poison;
  int round = 0;
  for (const std::size_t count : {1, 2, 3, 17, 100}) {
    const std::set<int> chosen = places(count, random);
    for (int i = 0; i < kEvents; ++i) {
      DrillEvent event{.id = std::to_string(round) + "-" + std::to_string(i),
                       .key = "k" + std::to_string(random() % 300)};
      if (chosen.count(i) > 0) {
        event.fail = kAlways;
        event.how = GetParam().how;
        event.type = "policy.manual";  // of those that the handler itself names
        poison.insert(event.id);
      }
      events.push_back(std::move(event));
    }
    ++round;
  }
  stage.publish(events);
  stage.start_worker({{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", std::to_string(kEvents)}});
  ASSERT_TRUE(stage.wait_settled()) << stage.logs();
  std::set<std::string> dead;
  for (const TopicRecord& record : stage.read(stage.dead_letter_topic())) {
    dead.insert(record.header("ce_id"));
    EXPECT_EQ(record.header("spool-error-type"), GetParam().error_type);
    EXPECT_EQ(record.header("spool-attempt"), "1");
  }
  EXPECT_EQ(dead, poison);
  EXPECT_EQ(stage.dead(), static_cast<std::int64_t>(poison.size()));
  EXPECT_EQ(stage.applied(), static_cast<std::int64_t>(events.size() - poison.size()));
  EXPECT_EQ(stage.number("select count(*) from drill.effects where event_id in (select event_id"
                         " from spool.dead_letters)"),
            0);
  stage.expect_conserved();
}

INSTANTIATE_TEST_SUITE_P(Of, ThousandWithPoison,
                         ::testing::Values(Poison{"constraint", "constraint", "db.constraint"},
                                           Poison{"reported", "report", "policy.manual"},
                                           Poison{"rejected", "reject", "policy.manual"},
                                           Poison{"thrown", "throw_in_apply", "handler.bug"},
                                           Poison{"thrown_early", "throw_in_stage", "handler.bug"}),
                         [](const auto& poison) { return std::string(poison.param.name); });

}  // namespace
}  // namespace spool::test
