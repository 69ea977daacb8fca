#include "engine/delivery/domain_event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/delivery/owner_test_support.hpp"

namespace spool::delivery {
namespace {

using test::kMorning;
using test::Owner;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

Telling telling(std::int32_t life = 0, std::int32_t nr = 0) {
  Telling told;
  told.cause = {{"/shop", "17"}, "key", "trace", "correlation", life};
  told.nr = nr;
  told.type = "list.synced.v1";
  told.subject = "list";
  told.data = "{}";
  return told;
}

TEST(DomainEventTest, the_same_end_is_told_under_the_same_id_and_no_other_is) {
  EXPECT_EQ(telling_id(telling(), "a"), telling_id(telling(), "a"));
  EXPECT_NE(telling_id(telling(), "a"), telling_id(telling(), "b"));
  EXPECT_NE(telling_id(telling(), "a"), telling_id(telling(1), "a"));
  EXPECT_NE(telling_id(telling(), "a"), telling_id(telling(0, 1), "a"));
}

TEST(DomainEventTest, it_is_a_cloud_event_that_names_its_cause) {
  EXPECT_THAT(
      telling_headers(telling(), "lists", kMorning),
      ElementsAre(Pair("ce_id", base::to_string(telling_id(telling(), "lists"))),
                  Pair("ce_source", "spool"), Pair("ce_type", "list.synced.v1"),
                  Pair("ce_specversion", "1.0"), Pair("ce_time", base::format_rfc3339(kMorning)),
                  Pair("ce_causationid", "17"), Pair("ce_subject", "list"),
                  Pair("ce_correlationid", "correlation"), Pair("ce_traceparent", "trace"),
                  Pair("spool-handler", "lists"), Pair("content-type", "application/json")));
}

TEST(DomainEventTest, attributes_that_the_cause_has_not_are_left_out) {
  Telling bare;
  bare.cause.identity = {"/shop", "17"};
  bare.type = "list.synced.v1";
  for (const auto& [name, value] : telling_headers(bare, "lists", kMorning))
    EXPECT_TRUE(value && !value->empty()) << name;
}

TEST(DomainEventTest, what_a_handler_tells_leaves_with_its_effect) {
  Owner owner;
  ASSERT_TRUE(
      owner.apply({{"1", "tell:2"}, {"2"}, {.id = "3", .data = "tell:1", .key = "x"}}).outcome);
  const auto& told = owner.store.tables.told;
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].cause.identity, (message::Identity{"/test", "1"}));
  EXPECT_EQ(told[0].cause.key, "k");
  EXPECT_EQ(told[1].nr, 1);
  EXPECT_NE(telling_id(told[0], "h"), telling_id(told[1], "h"));
  EXPECT_EQ(told[2].cause.key, "x");
  EXPECT_EQ(owner.store.commits.back(), Durability::durable) << "nobody may be told what is undone";
}

TEST(DomainEventTest, what_fails_has_nothing_to_tell_until_it_goes_well) {
  Owner owner;
  owner.apply({{"1", "fail:1+tell:1"}, {.id = "2", .data = "tell:1", .key = "x"}});
  ASSERT_EQ(owner.store.tables.told.size(), 1U);
  EXPECT_EQ(owner.store.tables.told[0].cause.identity.id, "2");
  owner.now = *owner.next_due();
  owner.drain();
  ASSERT_EQ(owner.store.tables.told.size(), 2U);
  EXPECT_EQ(owner.store.tables.told[1].cause.identity.id, "1");
}

TEST(DomainEventTest, a_search_for_a_culprit_tells_everything_once) {
  Owner owner;
  owner.apply({{"1", "tell:1"}, {"2", "refuse"}, {"3", "tell:1"}, {"4", "tell:1"}});
  std::vector<std::string> ids;
  for (const Telling& told : owner.store.tables.told)
    ids.push_back(told.cause.identity.id + " " + told.type);
  EXPECT_THAT(ids, ElementsAre("1 told.v1", "3 told.v1", "4 told.v1", "2 dead_letter.created.v1"));
}

TEST(DomainEventTest, a_handler_that_tells_of_a_stranger_stops_its_lane) {
  Owner owner;
  const RunDone done = owner.apply({{"1", "rumour"}});
  ASSERT_FALSE(done.outcome);
  EXPECT_EQ(done.outcome.failure().kind, base::FailureKind::schema);
  EXPECT_THAT(owner.store.tables.told, IsEmpty());
}

TEST(DomainEventTest, a_death_is_told_as_its_example_shows) {
  DeadLetter letter;
  letter.source = "/players/tv";
  letter.id = "7f3a";
  letter.type = "progress.v1";
  letter.record.offset = 1207;
  letter.why = {message::ErrorType::schema_violation, "position_s", "9000 is beyond the duration"};
  Route route;
  route.topic = "spool.progress-events";
  const Telling told = death_told(letter, {}, {"progress_events", 3}, route);
  std::ifstream example(SPOOL_SCHEMAS "/events/examples/dead_letter.created.v1.json");
  std::string line;
  ASSERT_TRUE(std::getline(example, line));
  EXPECT_EQ(told.data, line);
}

TEST(DomainEventTest, a_death_is_told_once_in_each_life) {
  Owner owner;
  owner.apply({{"1", "reject:2"}});
  ASSERT_EQ(owner.store.tables.told.size(), 1U);
  const Telling& told = owner.store.tables.told[0];
  EXPECT_EQ(told.type, "dead_letter.created.v1");
  EXPECT_EQ(told.cause.key, "k");
  EXPECT_THAT(told.data, HasSubstr("\"source\":\"/test\",\"event_id\":\"1\""));
  EXPECT_THAT(told.data, HasSubstr("\"error_type\":\"upstream.rejected\""));
  EXPECT_THAT(told.data, HasSubstr("\"attempts\":1,\"life\":0}"));
  owner.apply({{"1", "reject:2"}});
  EXPECT_EQ(owner.store.tables.told.size(), 1U) << "a copy of what is dead";
}

}  // namespace
}  // namespace spool::delivery
