#include "engine/kafka/consumer.hpp"

#include <gmock/gmock.h>

namespace spool::kafka {
namespace {

using testing::HasSubstr;
using testing::Not;

ConsumerSettings settings() {
  ConsumerSettings settings;
  settings.bootstrap_servers = "127.0.0.1:1";
  settings.group = "group";
  settings.topic = "topic";
  return settings;
}

void expect_invalid(const ConsumerSettings& settings, const std::string& text) {
  const auto consumer = Consumer::open(settings);
  ASSERT_FALSE(consumer.ok());
  EXPECT_EQ(consumer.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(consumer.failure().text, HasSubstr(text));
}

TEST(ConsumerSettings, CooperativeAssignorsAreRefused) {
  auto bad = settings();
  bad.assignor = "cooperative-sticky";
  expect_invalid(bad, "neither range nor roundrobin");
}

TEST(ConsumerSettings, UnknownPropertiesAndBadValuesAreNamed) {
  auto bad = settings();
  bad.properties = {{"no.such.property", "1"}};
  expect_invalid(bad, "no.such.property");
  bad.properties = {{"fetch.min.bytes", "many"}};
  expect_invalid(bad, "fetch.min.bytes");
}

TEST(ConsumerSettings, WhatTheEngineDecidesCannotBeOverridden) {
  auto bad = settings();
  bad.properties = {{"enable.auto.commit", "true"}};
  expect_invalid(bad, "enable.auto.commit is set by the engine itself");
}

TEST(ConsumerSettings, NeedsServersGroupAndTopic) {
  for (auto member :
       {&ConsumerSettings::bootstrap_servers, &ConsumerSettings::group, &ConsumerSettings::topic}) {
    auto bad = settings();
    (bad.*member).clear();
    expect_invalid(bad, "");
  }
}

TEST(ConsumerSettings, ARefusedSecretIsNotShown) {
  auto bad = settings();
  bad.properties = {{"security.protocol", "ssl"}, {"ssl.key.pem", "hunter2"}};
  const auto consumer = Consumer::open(bad);
  ASSERT_FALSE(consumer.ok());
  EXPECT_EQ(consumer.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(consumer.failure().text, Not(HasSubstr("hunter2")));
}

TEST(Consumer, ClosesThoughNoBrokerEverAnswered) {
  auto consumer = Consumer::open(settings());
  ASSERT_TRUE(consumer.ok());
  consumer->reset();
}

}  // namespace
}  // namespace spool::kafka
