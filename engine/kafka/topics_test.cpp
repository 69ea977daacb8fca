#include "engine/kafka/topics.hpp"

#include <gmock/gmock.h>

namespace spool::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TopicSpec topic(std::string name, std::int32_t partitions,
                std::map<std::string, std::string> config = {}) {
  return {std::move(name), partitions, 1, std::move(config)};
}

TEST(TopicPlan, NothingToDoWhenAllIsAsWanted) {
  const auto found = topic("a", 12, {{"retention.ms", "1000"}, {"cleanup.policy", "delete"}});
  EXPECT_THAT(plan({topic("a", 12, {{"retention.ms", "1000"}})}, {found, topic("other", 1)}),
              IsEmpty());
}

TEST(TopicPlan, AMissingTopicIsCreatedAndNotComparedFurther) {
  EXPECT_THAT(plan({topic("a", 3, {{"retention.ms", "1000"}})}, {}),
              ElementsAre(Difference{DifferenceKind::create, "a", "", "3", ""}));
}

TEST(TopicPlan, NamesEachKeyThatDiffersOrIsAbsent) {
  EXPECT_THAT(
      plan({topic("a", 3, {{"max.message.bytes", "5"}, {"retention.ms", "7"}})},
           {topic("a", 3, {{"retention.ms", "8"}})}),
      ElementsAre(Difference{DifferenceKind::config_differs, "a", "max.message.bytes", "5", ""},
                  Difference{DifferenceKind::config_differs, "a", "retention.ms", "7", "8"}));
}

TEST(TopicPlan, PartitionsInBothDirections) {
  EXPECT_THAT(plan({topic("b", 6), topic("a", 6)}, {topic("a", 5), topic("b", 7)}),
              ElementsAre(Difference{DifferenceKind::too_many_partitions, "b", "", "6", "7"},
                          Difference{DifferenceKind::too_few_partitions, "a", "", "6", "5"}));
}

}  // namespace
}  // namespace spool::kafka
