#include "engine/app/topic_manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/app/build_info.hpp"

namespace spool::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSource = "[\"t\"]\npartitions = 3\n\"max.message.bytes\" = 1000\n";
constexpr const char* kLetters =
    "[\"t.dlt\"]\npartitions = 3\n\"cleanup.policy\" = \"delete\"\n"
    "\"retention.ms\" = 1_209_600_000\n\"max.message.bytes\" = 66536\n";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  return text.replace(at, what.size(), with);
}

std::string failure_of(const std::string& toml) {
  const auto specs = read_manifest(toml, "m.toml");
  if (specs) return "(none)";
  EXPECT_EQ(specs.failure().kind, base::FailureKind::invalid);
  return specs.failure().text;
}

TEST(TopicManifest, TheProgramsOwnIsGood) {
  const auto specs = read_manifest(embedded_topic_manifest(), "own");
  ASSERT_TRUE(specs) << specs.failure().text;
  ASSERT_EQ(specs->size(), 5U);
  for (const kafka::TopicSpec& spec : *specs) EXPECT_EQ(spec.partitions, 8) << spec.name;
}

TEST(TopicManifest, ReadsTopics) {
  const auto specs = read_manifest(
      "[\"t\"]\npartitions = 3\nreplication = 2\n\"a.b\" = 7\n\"c\" = true\n\"d\" = \"x\"\n", "m");
  ASSERT_TRUE(specs) << specs.failure().text;
  ASSERT_EQ(specs->size(), 1U);
  const kafka::TopicSpec& spec = specs->front();
  EXPECT_EQ(spec.name, "t");
  EXPECT_EQ(spec.partitions, 3);
  EXPECT_EQ(spec.replication, 2);
  EXPECT_EQ(spec.config,
            (std::map<std::string, std::string>{{"a.b", "7"}, {"c", "true"}, {"d", "x"}}));
}

TEST(TopicManifest, LeavesCopiesToTheBroker) {
  EXPECT_EQ((*read_manifest(kSource, "m")).front().replication, -1);
}

TEST(TopicManifest, NamesThePlaceOfAnError) {
  EXPECT_THAT(failure_of("[\"t\"]\npartitions = = 3\n"), HasSubstr("m.toml:2:"));
  EXPECT_THAT(failure_of("t = 3\n"), HasSubstr("must be a table"));
  EXPECT_THAT(failure_of("[\"t\"]\n"), HasSubstr("t: partitions is missing"));
  EXPECT_THAT(failure_of("[\"t\"]\npartitions = 0\n"), HasSubstr("between 1 and"));
  EXPECT_THAT(failure_of("[\"t\"]\npartitions = 1\na.b = 1\n"), HasSubstr("needs quotes"));
  EXPECT_THAT(failure_of(""), HasSubstr("no topic"));
}

TEST(TopicManifest, HoldsDeadLettersToTheirSource) {
  const std::string source = kSource;
  const std::string letters = kLetters;
  EXPECT_EQ(failure_of(source + letters), "(none)");
  EXPECT_THAT(failure_of(letters), HasSubstr("there is no topic t"));
  EXPECT_THAT(failure_of(source + replaced(letters, "= 3", "= 4")),
              HasSubstr("partitions must be 3"));
  EXPECT_THAT(failure_of(source + replaced(letters, "1_209_600_000", "1_209_599_999")),
              HasSubstr("14 days"));
  EXPECT_EQ(failure_of(source + replaced(letters, "1_209_600_000", "-1")), "(none)");
  EXPECT_THAT(failure_of(source + replaced(letters, "delete", "compact")),
              HasSubstr("cleanup.policy must be delete"));
  EXPECT_THAT(failure_of(source + replaced(letters, "66536", "66535")),
              HasSubstr("max.message.bytes must be at least 65536 above"));
}

TEST(TopicManifest, FollowsTheConfigurationsNames) {
  config::Settings settings;
  settings.handlers["h"].topic = "mine";
  settings.handlers["h"].dlt_topic = "mine-dead";
  kafka::TopicSpec a, b, c;
  a.name = "t";
  b.name = "t.dlt";
  c.name = "other";
  const auto specs = renamed({a, b, c}, {{"h", "t", {}}}, settings);
  EXPECT_THAT(specs, ElementsAre(testing::Field(&kafka::TopicSpec::name, "mine"),
                                 testing::Field(&kafka::TopicSpec::name, "mine-dead"),
                                 testing::Field(&kafka::TopicSpec::name, "other")));
}

TEST(TopicManifest, DomainEventsGoWhereTheConfigurationSays) {
  kafka::TopicSpec events;
  events.name = "spool.events";
  config::Settings settings;
  settings.kafka.events_topic = "happenings";
  EXPECT_THAT(renamed({events}, {}, settings),
              ElementsAre(testing::Field(&kafka::TopicSpec::name, "happenings")));
  settings.kafka.events_topic = "";
  EXPECT_THAT(renamed({events}, {}, settings), testing::IsEmpty());
}

kafka::TopicSpec source_topic() {
  return {"t", 3, 2, {{"cleanup.policy", "compact"}, {"max.message.bytes", "1000"}}};
}

TEST(TopicManifest, RetryTopicsStandBehindTheirSourceAndAreMadeAsItIs) {
  kafka::TopicSpec source = source_topic();
  source.config["min.insync.replicas"] = "2";
  const kafka::TopicSpec other{"other", 1, 1, {}};
  const auto specs = with_retries({source, other}, {{"t", {"t.retry.30s", "t.retry.60s"}}});
  ASSERT_TRUE(specs) << specs.failure().text;
  kafka::TopicSpec retry{"t.retry.30s",
                         3,
                         2,
                         {{"cleanup.policy", "delete"},
                          {"max.message.bytes", "66536"},
                          {"min.insync.replicas", "2"},
                          {"retention.ms", "604800000"}}};
  kafka::TopicSpec second = retry;
  second.name = "t.retry.60s";
  EXPECT_THAT(*specs, ElementsAre(source, retry, second, other));
}

TEST(TopicManifest, RetryTopicsAreKeptSevenDaysAndAsLongAsTheirSource) {
  const auto kept = [](const std::string& of_source) {
    kafka::TopicSpec source = source_topic();
    source.config["retention.ms"] = of_source;
    return with_retries({source}, {{"t", {"r"}}})->back().config["retention.ms"];
  };
  EXPECT_EQ(kept("3600000"), "604800000");
  EXPECT_EQ(kept("604800001"), "604800001");
  EXPECT_EQ(kept("-1"), "-1");
}

TEST(TopicManifest, WhatTheManifestLeavesToTheBrokerIsLeftForRetryTopicsToo) {
  const auto specs = with_retries({{"t", 3, -1, {}}}, {{"t", {"r"}}});
  ASSERT_TRUE(specs) << specs.failure().text;
  EXPECT_EQ(specs->back().replication, -1);
  EXPECT_FALSE(specs->back().config.contains("max.message.bytes"));
}

TEST(TopicManifest, ARetryTopicInTheManifestIsRefused) {
  kafka::TopicSpec retry = source_topic();
  retry.name = "t.retry.30s";
  const auto specs = with_retries({source_topic(), retry}, {{"t", {"t.retry.30s"}}});
  ASSERT_FALSE(specs);
  EXPECT_EQ(specs.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(specs.failure().text, HasSubstr("t.retry.30s: is a retry topic of t"));
}

}  // namespace
}  // namespace spool::app
