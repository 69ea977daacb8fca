#include "engine/app/worker_settings.hpp"

#include <algorithm>

#include "engine/base/text.hpp"

namespace spool::app {
namespace {

std::vector<std::string> names_of(const handler::HandlerRegistry& registry) {
  std::vector<std::string> names;
  for (const handler::Handler& handler : registry.all()) names.push_back(handler.spec.name);
  return names;
}

base::Failure unknown_handler(const std::string& name, const handler::HandlerRegistry& registry) {
  const std::vector<std::string> names = names_of(registry);
  std::string text = "no handler is called \"" + name + "\"";
  const std::string meant = base::nearest(name, names);
  if (!meant.empty()) text += ", did you mean " + meant + "?";
  return {base::FailureKind::invalid, text};
}

std::size_t bytes(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

delivery::LaneLimits lane_limits(const config::Settings& settings,
                                 const config::HandlerSettings& own) {
  const config::Consumer& consumer = settings.consumer;
  delivery::LaneLimits lane;
  lane.buffer_bytes = bytes(consumer.lane_buffer_bytes);
  lane.batch_events_max = bytes(consumer.batch_events_max);
  lane.batch_bytes_max = bytes(consumer.batch_bytes_max);
  lane.open_events_max = own.open_events_max;
  lane.open_bytes_max = own.open_bytes_max;
  lane.key_events_max = own.key_events_max;
  lane.drain_events_max = bytes(own.drain_batch);
  lane.drain_bytes_max = bytes(own.drain_bytes_max);
  lane.command_page_max = bytes(settings.replay.page);
  lane.valve.streak = own.valve.streak;
  lane.valve.ratio = own.valve.ratio;
  lane.valve.window = own.valve.window;
  lane.valve.shut_for = own.valve.shut_for;
  lane.valve.shut_cap = std::max(lane.valve.shut_cap, own.valve.shut_for);
  return lane;
}

base::Result<std::vector<runtime::HandlerRoute>> routes(const config::Settings& settings,
                                                        const handler::HandlerRegistry& registry,
                                                        const std::vector<std::string>& only) {
  for (const std::string& name : only) {
    if (registry.find(name) == nullptr) return unknown_handler(name, registry);
    if (!settings.handlers.at(name).enabled) {
      return base::Failure(base::FailureKind::invalid,
                           name + " is disabled: handlers." + name + ".enabled is false");
    }
  }
  std::vector<runtime::HandlerRoute> routes;
  for (const handler::Handler& handler : registry.all()) {
    const std::string& name = handler.spec.name;
    const config::HandlerSettings& own = settings.handlers.at(name);
    const bool wanted = only.empty() || std::ranges::find(only, name) != only.end();
    if (!own.enabled || !wanted) continue;
    auto policy = retry_policy(own.retry);
    if (!policy) {
      return base::Failure(base::FailureKind::invalid,
                           "handlers." + name + ": " + policy.failure().text);
    }
    routes.push_back({&handler, own.topic, own.group, own.dlt_topic, std::move(*policy),
                      own.after_death == "hold", own.timeout, lane_limits(settings, own),
                      bytes(own.concurrency), bytes(own.key_concurrency)});
  }
  if (routes.empty()) {
    return base::Failure(base::FailureKind::invalid,
                         "no handler is enabled: set handlers.<name>.enabled = true");
  }
  return routes;
}

kafka::ConsumerSettings consumer_settings(const config::Settings& settings) {
  kafka::ConsumerSettings consumer;
  consumer.bootstrap_servers = settings.kafka.bootstrap_servers;
  consumer.client_id = settings.kafka.client_id;
  consumer.group_instance_id = settings.kafka.group_instance_id;
  consumer.assignor = settings.consumer.assignor;
  consumer.session_timeout = settings.consumer.session_timeout;
  consumer.heartbeat = settings.consumer.heartbeat_interval;
  consumer.properties = kafka_properties(settings.kafka);
  return consumer;
}

}  // namespace

base::Result<delivery::RetryPolicy> retry_policy(const config::Retry& settings) {
  delivery::RetryPolicy policy;
  policy.delays = settings.delays;
  policy.max_delay = settings.max_delay;
  policy.jitter = settings.jitter;
  policy.permanent = settings.permanent;
  std::map<std::string, delivery::ClassOverride> classes;
  for (const auto& [type, own] : settings.classes) {
    if (own.delays || own.ttl) classes.emplace(type, delivery::ClassOverride{own.delays, own.ttl});
  }
  return delivery::with_classes(std::move(policy), classes);
}

kafka::Properties kafka_properties(const config::Kafka& settings) {
  kafka::Properties properties = settings.properties;
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) properties[name] = value;
  };
  set("security.protocol", settings.security_protocol);
  set("sasl.mechanism", settings.sasl.mechanism);
  set("sasl.username", settings.sasl.username);
  set("sasl.password", settings.sasl.password);
  set("ssl.ca.location", settings.tls.ca);
  set("ssl.certificate.location", settings.tls.cert);
  set("ssl.key.location", settings.tls.key);
  set("ssl.key.password", settings.tls.key_password);
  if (!settings.tls.verify) {
    set("enable.ssl.certificate.verification", "false");
    set("ssl.endpoint.identification.algorithm", "none");
  }
  return properties;
}

kafka::ClusterSettings cluster_settings(const config::Settings& settings) {
  return {settings.kafka.bootstrap_servers, settings.kafka.client_id,
          kafka_properties(settings.kafka)};
}

kafka::ProducerSettings producer_settings(const config::Settings& settings) {
  kafka::ProducerSettings producer;
  producer.bootstrap_servers = settings.kafka.bootstrap_servers;
  producer.client_id = settings.kafka.client_id;
  producer.linger = settings.producer.linger;
  producer.compression = settings.producer.compression;
  producer.delivery_timeout = settings.producer.delivery_timeout;
  producer.properties = kafka_properties(settings.kafka);
  return producer;
}

postgres::ConnectionSettings database_settings(const config::Database& settings) {
  postgres::ConnectionSettings database;
  database.url = settings.url;
  database.connect_timeout = std::chrono::ceil<std::chrono::seconds>(settings.connect_timeout);
  database.statement_timeout = settings.statement_timeout;
  database.lock_timeout = settings.lock_timeout;
  database.idle_in_transaction_timeout = settings.idle_in_transaction_timeout;
  database.tcp_user_timeout = settings.tcp_user_timeout;
  database.synchronous_commit_off = settings.synchronous_commit == "off";
  return database;
}

base::Result<observe::LogSettings> log_settings(const config::Log& settings) {
  observe::LogSettings log;
  auto format = observe::parse_log_format(settings.format);
  if (!format) return format.failure();
  // Nothing is written below debug.
  auto level = observe::parse_log_level(settings.level == "trace" ? "debug" : settings.level);
  if (!level) return level.failure();
  log.format = *format;
  log.level = *level;
  return log;
}

base::Result<runtime::WorkerSettings> worker_settings(const config::Settings& settings,
                                                      const handler::HandlerRegistry& registry,
                                                      const std::vector<std::string>& only,
                                                      const WorkerIdentity& identity) {
  auto handlers = routes(settings, registry, only);
  if (!handlers) return handlers.failure();
  runtime::WorkerSettings worker;
  worker.handlers = std::move(*handlers);
  worker.consumer = consumer_settings(settings);
  worker.producer = producer_settings(settings);
  worker.cluster = cluster_settings(settings);
  worker.database = database_settings(settings.database);
  worker.database_workers = bytes(settings.database.pool_max);
  worker.prefetch_bytes = bytes(settings.consumer.prefetch_bytes);
  worker.breakers.failures = bytes(settings.breaker.failures);
  worker.breakers.open_for = settings.breaker.open_for;
  worker.breakers.open_cap = std::max(worker.breakers.open_cap, settings.breaker.open_for);
  const config::UpstreamTmdb& tmdb = settings.upstream.tmdb;
  if (tmdb.rate > 0) worker.rates["tmdb"] = {tmdb.rate, tmdb.window};
  worker.events_topic = settings.kafka.events_topic;
  worker.take_lock_timeout = settings.database.lock_timeout;
  worker.drain_timeout = settings.consumer.drain_timeout;
  worker.commit_interval = settings.consumer.commit_interval;
  worker.check_interval = settings.consumer.check_interval;
  worker.retention = {settings.retention.lane_batches, settings.retention.dead_letters,
                      settings.retention.inbox, settings.retention.audit,
                      settings.retention.tombstones};
  worker.admin_listen = config::to_string(settings.http_admin.listen);
  worker.owner = identity.owner;
  worker.release = identity.release;
  worker.version_json = identity.version_json;
  return worker;
}

}  // namespace spool::app
