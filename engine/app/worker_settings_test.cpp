#include "engine/app/worker_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::app {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Nothing final : public handler::ApplyAtOnce {
 public:
  std::unique_ptr<handler::Batch> make_batch() const override { return nullptr; }
};

class WorkerSettingsTest : public testing::Test {
 protected:
  WorkerSettingsTest() {
    for (const char* name : {"one", "two"}) {
      EXPECT_TRUE(registry_.add({{name, std::string(name) + "-topic", {std::string(name) + ".v1"}},
                                 std::make_unique<Nothing>()}));
      settings_.handlers[name] = {true,
                                  std::string(name) + "-main",
                                  std::string(name) + "-group",
                                  std::string(name) + "-dead",
                                  {}};
    }
  }

  runtime::WorkerSettings made(const std::vector<std::string>& only = {}) {
    auto worker = worker_settings(settings_, registry_, only, identity_);
    EXPECT_TRUE(worker);
    return std::move(*worker);
  }
  std::string failure_of(const std::vector<std::string>& only) {
    const auto worker = worker_settings(settings_, registry_, only, identity_);
    if (worker) return "(none)";
    EXPECT_EQ(worker.failure().kind, base::FailureKind::invalid);
    return worker.failure().text;
  }

  handler::HandlerRegistry registry_;
  config::Settings settings_;
  WorkerIdentity identity_{"host/1", "1.2.3", "{}"};
};

TEST_F(WorkerSettingsTest, RoutesEveryEnabledHandler) {
  const auto worker = made();
  ASSERT_EQ(worker.handlers.size(), 2U);
  EXPECT_EQ(worker.handlers[0].handler, registry_.find("one"));
  EXPECT_EQ(worker.handlers[0].topic, "one-main");
  EXPECT_EQ(worker.handlers[0].group, "one-group");
  EXPECT_EQ(worker.handlers[0].dead_letter_topic, "one-dead");
}

TEST_F(WorkerSettingsTest, RunsOnlyWhatIsAskedFor) {
  const auto worker = made({"two"});
  ASSERT_EQ(worker.handlers.size(), 1U);
  EXPECT_EQ(worker.handlers[0].handler, registry_.find("two"));
  EXPECT_THAT(failure_of({"tow"}), HasSubstr("did you mean two?"));
  settings_.handlers["two"].enabled = false;
  EXPECT_EQ(made().handlers.size(), 1U);
  EXPECT_THAT(failure_of({"two"}), HasSubstr("two is disabled"));
  settings_.handlers["one"].enabled = false;
  EXPECT_THAT(failure_of({}), HasSubstr("no handler is enabled"));
}

TEST_F(WorkerSettingsTest, TakesConsumerAndLanes) {
  settings_.kafka.bootstrap_servers = "b:1";
  settings_.kafka.client_id = "client";
  settings_.kafka.group_instance_id = "instance";
  settings_.consumer.assignor = "roundrobin";
  settings_.consumer.session_timeout = 11s;
  settings_.consumer.heartbeat_interval = 12ms;
  settings_.consumer.prefetch_bytes = 13;
  settings_.consumer.lane_buffer_bytes = 14;
  settings_.consumer.batch_events_max = 15;
  settings_.consumer.batch_bytes_max = 16;
  settings_.consumer.drain_timeout = 17ms;
  settings_.consumer.commit_interval = 18ms;
  settings_.consumer.check_interval = 19ms;
  const auto worker = made();
  EXPECT_EQ(worker.consumer.bootstrap_servers, "b:1");
  EXPECT_EQ(worker.consumer.client_id, "client");
  EXPECT_EQ(worker.consumer.group_instance_id, "instance");
  EXPECT_EQ(worker.consumer.assignor, "roundrobin");
  EXPECT_EQ(worker.consumer.session_timeout, 11s);
  EXPECT_EQ(worker.consumer.heartbeat, 12ms);
  EXPECT_EQ(worker.prefetch_bytes, 13U);
  EXPECT_EQ(worker.handlers.front().lane.buffer_bytes, 14U);
  EXPECT_EQ(worker.handlers.front().lane.batch_events_max, 15U);
  EXPECT_EQ(worker.handlers.front().lane.batch_bytes_max, 16U);
  EXPECT_EQ(worker.drain_timeout, 17ms);
  EXPECT_EQ(worker.commit_interval, 18ms);
  EXPECT_EQ(worker.check_interval, 19ms);
}

TEST_F(WorkerSettingsTest, TakesProducerAndCluster) {
  settings_.kafka.bootstrap_servers = "b:1";
  settings_.kafka.client_id = "client";
  settings_.producer.linger = 21ms;
  settings_.producer.compression = "zstd";
  settings_.producer.delivery_timeout = 22s;
  const auto worker = made();
  EXPECT_EQ(worker.producer.bootstrap_servers, "b:1");
  EXPECT_EQ(worker.producer.client_id, "client");
  EXPECT_EQ(worker.producer.linger, 21ms);
  EXPECT_EQ(worker.producer.compression, "zstd");
  EXPECT_EQ(worker.producer.delivery_timeout, 22s);
  EXPECT_EQ(worker.cluster.bootstrap_servers, "b:1");
  EXPECT_EQ(worker.cluster.client_id, "client");
}

TEST_F(WorkerSettingsTest, GivesEveryClientTheSameSecurity) {
  settings_.kafka.security_protocol = "sasl_ssl";
  settings_.kafka.sasl = {"PLAIN", "me", "secret"};
  settings_.kafka.tls = {"ca.pem", "cert.pem", "key.pem", "word", true};
  settings_.kafka.properties["fetch.wait.max.ms"] = "100";
  const kafka::Properties expected = {
      {"security.protocol", "sasl_ssl"}, {"sasl.mechanism", "PLAIN"},
      {"sasl.username", "me"},           {"sasl.password", "secret"},
      {"ssl.ca.location", "ca.pem"},     {"ssl.certificate.location", "cert.pem"},
      {"ssl.key.location", "key.pem"},   {"ssl.key.password", "word"},
      {"fetch.wait.max.ms", "100"}};
  const auto worker = made();
  EXPECT_EQ(worker.consumer.properties, expected);
  EXPECT_EQ(worker.producer.properties, expected);
  EXPECT_EQ(worker.cluster.properties, expected);
}

TEST_F(WorkerSettingsTest, TurnsBothChecksOfCertificatesOff) {
  settings_.kafka.tls.verify = false;
  const auto properties = kafka_properties(settings_.kafka);
  EXPECT_EQ(properties.at("enable.ssl.certificate.verification"), "false");
  EXPECT_EQ(properties.at("ssl.endpoint.identification.algorithm"), "none");
}

TEST_F(WorkerSettingsTest, TakesDatabase) {
  settings_.database.url = "postgresql://h/d";
  settings_.database.connect_timeout = 2001ms;
  settings_.database.pool_max = 31;
  settings_.database.statement_timeout = 32ms;
  settings_.database.lock_timeout = 33ms;
  settings_.database.idle_in_transaction_timeout = 34ms;
  settings_.database.tcp_user_timeout = 35ms;
  settings_.database.synchronous_commit = "on";
  auto worker = made();
  EXPECT_EQ(worker.database.url, "postgresql://h/d");
  EXPECT_EQ(worker.database.connect_timeout, 3s) << "whole seconds, never less";
  EXPECT_EQ(worker.database_workers, 31U);
  EXPECT_EQ(worker.database.statement_timeout, 32ms);
  EXPECT_EQ(worker.database.lock_timeout, 33ms);
  EXPECT_EQ(worker.take_lock_timeout, 33ms);
  EXPECT_EQ(worker.database.idle_in_transaction_timeout, 34ms);
  EXPECT_EQ(worker.database.tcp_user_timeout, 35ms);
  EXPECT_FALSE(worker.database.synchronous_commit_off);
  settings_.database.synchronous_commit = "off";
  EXPECT_TRUE(made().database.synchronous_commit_off);
}

TEST_F(WorkerSettingsTest, TakesTheFailurePathOfEachHandler) {
  config::HandlerSettings& own = settings_.handlers.begin()->second;
  own.retry.delays = {51ms, 52ms};
  own.retry.max_delay = 53ms;
  own.retry.jitter = 0.25;
  own.retry.permanent = {"policy.*"};
  own.retry.classes["upstream.timeout"] = {{{54ms}}, 55ms};
  own.after_death = "hold";
  own.timeout = 56ms;
  own.valve = {61, 0.5, 62, 63ms};
  own.open_events_max = 71;
  own.open_bytes_max = 72;
  own.key_events_max = 73;
  own.drain_batch = 74;
  own.drain_bytes_max = 75;
  const auto worker = made();
  const runtime::HandlerRoute& route = worker.handlers.front();
  EXPECT_EQ(route.retry.delays, own.retry.delays);
  EXPECT_EQ(route.retry.max_delay, 53ms);
  EXPECT_EQ(route.retry.jitter, 0.25);
  EXPECT_EQ(route.retry.permanent, own.retry.permanent);
  const auto& timeout = route.retry.classes.at(message::ErrorType::upstream_timeout);
  EXPECT_EQ(timeout.delays, std::vector{54ms});
  EXPECT_EQ(timeout.ttl, 55ms);
  EXPECT_TRUE(route.hold_after_death);
  EXPECT_EQ(route.timeout, 56ms);
  EXPECT_EQ(route.lane.valve.streak, 61);
  EXPECT_EQ(route.lane.valve.window, 62);
  EXPECT_EQ(route.lane.valve.shut_for, 63ms);
  EXPECT_EQ(route.lane.open_events_max, 71);
  EXPECT_EQ(route.lane.open_bytes_max, 72);
  EXPECT_EQ(route.lane.key_events_max, 73);
  EXPECT_EQ(route.lane.drain_events_max, 74U);
  EXPECT_EQ(route.lane.drain_bytes_max, 75U);
}

TEST_F(WorkerSettingsTest, TakesTheRest) {
  settings_.retention = {41ms, 42ms, 43ms, 44ms, 30ms, 45ms};
  settings_.breaker = {7, 46ms};
  settings_.kafka.events_topic = "happenings";
  settings_.http_admin.listen = {"::1", 42};
  const auto worker = made();
  EXPECT_EQ(worker.retention.lane_batches, 41ms);
  EXPECT_EQ(worker.retention.dead_letters, 42ms);
  EXPECT_EQ(worker.retention.inbox, 43ms);
  EXPECT_EQ(worker.retention.audit, 44ms);
  EXPECT_EQ(worker.retention.tombstones, 45ms);
  EXPECT_EQ(worker.breakers.failures, 7U);
  EXPECT_EQ(worker.breakers.open_for, 46ms);
  EXPECT_EQ(worker.events_topic, "happenings");
  EXPECT_EQ(worker.admin_listen, "[::1]:42");
  EXPECT_EQ(worker.owner, "host/1");
  EXPECT_EQ(worker.release, "1.2.3");
  EXPECT_EQ(worker.version_json, "{}");
}

TEST_F(WorkerSettingsTest, TakesEveryLogLevelAndFormat) {
  for (const char* level : {"trace", "debug", "info", "warn", "error"}) {
    for (const char* format : {"auto", "text", "json"})
      EXPECT_TRUE(log_settings({level, format})) << level << format;
  }
  EXPECT_EQ(log_settings({"warn", "json"})->level, observe::Level::warn);
  EXPECT_EQ(log_settings({"warn", "json"})->format, observe::LogFormat::json);
  EXPECT_EQ(log_settings({"trace", "auto"})->level, observe::Level::debug);
}

}  // namespace
}  // namespace spool::app
