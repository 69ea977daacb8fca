#include "engine/config/relations.hpp"

#include <gmock/gmock.h>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

using ::testing::HasSubstr;

std::string failure_of_flags(const Pairs& flags) {
  return failure_of({.file = {}, .environment = {}, .flags = flags});
}
void expect_good(const Pairs& flags) {
  loaded_from({.file = {}, .environment = {}, .flags = flags});
}

TEST(Relations, TimeoutsLeaveRoomInTheSession) {
  EXPECT_EQ(
      failure_of_flags({{"consumer.session_timeout", "6s"}, {"consumer.heartbeat_interval", "2s"}}),
      "consumer.heartbeat_interval (2s, flag consumer.heartbeat_interval) must be below a third of "
      "consumer.session_timeout (6s, flag consumer.session_timeout)");
  expect_good({{"consumer.session_timeout", "6s"}, {"consumer.heartbeat_interval", "1999ms"}});
  EXPECT_EQ(failure_of_flags({{"database.idle_in_transaction_timeout", "15s"}}),
            "database.idle_in_transaction_timeout (15s, flag database.idle_in_transaction_timeout) "
            "must be below half "
            "of consumer.session_timeout (30s, default)");
  expect_good({{"database.idle_in_transaction_timeout", "14999ms"}});
  EXPECT_THAT(failure_of_flags({{"database.tcp_user_timeout", "15s"}}),
              HasSubstr("must be below half of"));
  EXPECT_THAT(failure_of_flags({{"database.lock_timeout", "10s"}}),
              HasSubstr("must be below database.statement_timeout"));
  EXPECT_THAT(failure_of_flags({{"producer.linger", "1s"}, {"producer.delivery_timeout", "1s"}}),
              HasSubstr("must be below producer.delivery_timeout"));
}

TEST(Relations, OneLaneDoesNotTakeMoreThanTheWholeBudget) {
  EXPECT_THAT(failure_of_flags(
                  {{"consumer.prefetch_bytes", "1MiB"}, {"consumer.lane_buffer_bytes", "2MiB"}}),
              HasSubstr("must not be more than consumer.prefetch_bytes (1MiB"));
  expect_good({{"consumer.prefetch_bytes", "1MiB"}, {"consumer.lane_buffer_bytes", "1MiB"}});
}

TEST(Relations, AreNotJudgedByValuesThatAreWrongThemselves) {
  EXPECT_EQ(
      failure_of_flags({{"consumer.session_timeout", "0s"}, {"database.tcp_user_timeout", "20s"}}),
      "flag consumer.session_timeout: consumer.session_timeout: expected a duration between 1s and "
      "30m with a "
      "unit (ms, s, m, h, d), such as \"10s\", got \"0s\"");
}

TEST(Relations, SecurityIsWhole) {
  EXPECT_THAT(failure_of_flags({{"kafka.security_protocol", "sasl_ssl"}}),
              HasSubstr("needs kafka.sasl.mechanism"));
  EXPECT_THAT(failure_of_flags({{"kafka.sasl.mechanism", "PLAIN"}}),
              HasSubstr("needs kafka.security_protocol"));
  EXPECT_THAT(failure_of_flags(
                  {{"kafka.security_protocol", "sasl_ssl"}, {"kafka.sasl.mechanism", "PLAIN"}}),
              ::testing::AllOf(HasSubstr("needs kafka.sasl.username"),
                               HasSubstr("needs kafka.sasl.password")));
  EXPECT_THAT(failure_of_flags({{"kafka.security_protocol", "ssl"}, {"kafka.tls.cert", "c"}}),
              HasSubstr("kafka.tls.cert and kafka.tls.key need each other"));
  EXPECT_THAT(failure_of_flags({{"kafka.tls.ca", "c"}}),
              HasSubstr("needs kafka.security_protocol ssl"));
  expect_good({{"kafka.security_protocol", "SASL_SSL"},
               {"kafka.sasl.mechanism", "scram-sha-512"},
               {"kafka.sasl.username", "u"},
               {"kafka.sasl.password", "p"},
               {"kafka.tls.ca", "c"}});
}

TEST(Relations, HandlersDoNotShareATopicOrAGroup) {
  const KnownHandlers two = {{"one", "t1", {}}, {"two", "t2", {}}};
  const auto flags = [](Pairs pairs) {
    return Sources{.file = {}, .environment = {}, .flags = std::move(pairs)};
  };
  loaded_from({}, two);
  EXPECT_THAT(failure_of(flags({{"handlers.two.topic", "t1"}}), two), HasSubstr("must differ"));
  EXPECT_THAT(failure_of(flags({{"handlers.two.group", "spool.one"}}), two),
              HasSubstr("must differ"));
  EXPECT_THAT(failure_of(flags({{"handlers.two.dlt.topic", "t1"}}), two),
              HasSubstr("handlers.one.topic (t1, default) must differ"));
  EXPECT_THAT(failure_of(flags({{"handlers.two.dlt.topic", "t2"}}), two),
              HasSubstr("handlers.two.topic (t2, default) must differ"));
  loaded_from(flags({{"handlers.two.topic", "t1"}, {"handlers.two.enabled", "false"}}), two);
}

TEST(Relations, NobodysTopicIsARetryTopic) {
  const KnownHandlers two = {{"one", "t1", {}}, {"two", "t2", {}}};
  const auto failure = [&](const char* key, const char* topic) {
    return failure_of({.file = {}, .environment = {}, .flags = {{key, topic}}}, two);
  };
  EXPECT_THAT(failure("handlers.two.topic", "t1.retry.30s"),
              HasSubstr("handlers.two.topic (t1.retry.30s, flag handlers.two.topic) must not be "
                        "among the retry topics of handlers.one.topic (t1, default)"));
  EXPECT_THAT(failure("handlers.two.dlt.topic", "t1.retry.30s"), HasSubstr("retry topics of"));
  EXPECT_THAT(failure("handlers.one.dlt.topic", "t1.retry.30s"), HasSubstr("retry topics of"));
  loaded_from({.file = {}, .environment = {}, .flags = {{"handlers.two.topic", "t1.retryable"}}},
              two);
}

TEST(Relations, NoRetryWaitsLongerThanTheLongestWait) {
  const std::string retry = "handlers.progress_events.retry.";
  EXPECT_EQ(failure_of_flags({{retry + "delays", "1s,2h"}}),
            retry + "delays (1s,2h, flag " + retry + "delays) must not have more than " + retry +
                "max_delay (1h, default)");
  EXPECT_THAT(failure_of_flags({{retry + "classes.handler.bug.delays", "61m"}}),
              HasSubstr("classes.handler.bug.delays (61m, flag"));
  EXPECT_THAT(failure_of_flags({{retry + "max_delay", "479s"}}),
              HasSubstr("must not have more than"));
  expect_good({{retry + "max_delay", "480s"}});
  expect_good({{retry + "max_delay", "2h"}, {retry + "delays", "2h,1s"}});
}

TEST(Relations, BoundsAndTombstonesFit) {
  const std::string handler = "handlers.progress_events.";
  EXPECT_THAT(
      failure_of_flags({{handler + "key_events_max", "11"}, {handler + "open_events_max", "10"}}),
      HasSubstr("must not be more than " + handler + "open_events_max (10"));
  EXPECT_EQ(
      loaded_from({.file = {}, .environment = {}, .flags = {{handler + "open_events_max", "10"}}})
          .settings.handlers.at("progress_events")
          .key_events_max,
      10);
  EXPECT_THAT(failure_of_flags({{"retention.dead_letters", "400d"}}),
              HasSubstr("must be below retention.tombstones"));
  expect_good({{"retention.dead_letters", "399d"}});
}

}  // namespace
}  // namespace spool::config
