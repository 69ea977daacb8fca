// Every key, in the order in which it is shown: its section and name, where it lives in Settings,
// what it may be, and what it means to an operator. Defaults are those of Settings.
#include <algorithm>
#include <chrono>

#include "engine/config/key_list.hpp"

namespace spool::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::int64_t kKiB = 1LL << 10;
constexpr std::int64_t kMiB = 1LL << 20;
constexpr std::int64_t kGiB = 1LL << 30;
constexpr milliseconds kTenYears = 24h * 3650;

void kafka_keys(KeyList& list) {
  list.section("kafka");
  list.add(
      "bootstrap_servers", text(1), [](auto& s) -> auto& { return s.kafka.bootstrap_servers; },
      "Brokers to ask first, host:port, separated by commas.");
  list.add(
      "client_id", text(1), [](auto& s) -> auto& { return s.kafka.client_id; },
      "The name under which the brokers log and limit this program.");
  list.add(
      "events_topic", text(), [](auto& s) -> auto& { return s.kafka.events_topic; },
      "Where events about Spool's own doings go, such as the end of a replay. Empty: nowhere.");
  list.add(
      "group_instance_id", text(), [](auto& s) -> auto& { return s.kafka.group_instance_id; },
      "Static membership: a restart within the session timeout keeps its partitions. Must differ "
      "between processes. Empty: dynamic membership.");
  list.add(
      "security_protocol", choice({"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}),
      [](auto& s) -> auto& { return s.kafka.security_protocol; }, "How to talk to the brokers.");

  list.section("kafka.sasl");
  list.add(
      "mechanism", choice({"", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"}),
      [](auto& s) -> auto& { return s.kafka.sasl.mechanism; },
      "Needed when security_protocol is sasl_plaintext or sasl_ssl.");
  list.add(
      "username", text(), [](auto& s) -> auto& { return s.kafka.sasl.username; },
      "User of PLAIN and SCRAM.");
  list.add(
      "password", secret(), [](auto& s) -> auto& { return s.kafka.sasl.password; },
      "Password of PLAIN and SCRAM. Better given as a file: SPOOL__KAFKA__SASL__PASSWORD_FILE.");

  list.section("kafka.tls");
  list.add(
      "ca", text(), [](auto& s) -> auto& { return s.kafka.tls.ca; },
      "PEM file of the authority that signed the brokers' certificates. Empty: the system's.");
  list.add(
      "cert", text(), [](auto& s) -> auto& { return s.kafka.tls.cert; },
      "PEM file of our certificate, for brokers that ask for one; together with key.");
  list.add(
      "key", text(), [](auto& s) -> auto& { return s.kafka.tls.key; },
      "PEM file of our private key.");
  list.add(
      "key_password", secret(), [](auto& s) -> auto& { return s.kafka.tls.key_password; },
      "Password of the private key.");
  list.add(
      "verify", flag(), [](auto& s) -> auto& { return s.kafka.tls.verify; },
      "Check the brokers' certificates and names. Without, anybody may pose as a broker.");

  list.section("kafka.properties");
  Key& properties = list.keys.emplace_back();
  properties.section = "kafka.properties";
  properties.name = "*";
  properties.shape = text();
  properties.doc =
      "Passed to librdkafka under its own names, such as \"fetch.wait.max.ms\" (in the environment "
      "SPOOL__KAFKA__PROPERTIES__FETCH_WAIT_MAX_MS). Refused: what another key sets and what "
      "delivery depends on.";
  properties.members = [](Settings& s) -> std::map<std::string, std::string>& {
    return s.kafka.properties;
  };
}

void consumer_keys(KeyList& list) {
  list.section("consumer");
  list.add(
      "assignor", choice({"range", "roundrobin"}),
      [](auto& s) -> auto& { return s.consumer.assignor; },
      "How partitions are shared out; the same for all workers of a group.");
  list.add(
      "session_timeout", duration(1s, 30min),
      [](auto& s) -> auto& { return s.consumer.session_timeout; },
      "A worker silent for so long loses its partitions. Short: a pause costs it its work. Long: "
      "the work of a dead worker waits.");
  list.add(
          "heartbeat_interval", duration(100ms, 10min),
          [](auto& s) -> auto& { return s.consumer.heartbeat_interval; },
          "Below a third of session_timeout. Others notice a rebalance after up to so long. "
          "Default: a tenth "
          "of session_timeout, at most 1s.")
      .derive = [](Settings& s) {
    s.consumer.heartbeat_interval =
        std::clamp<milliseconds>(s.consumer.session_timeout / 10, 100ms, 1s);
  };
  list.add(
      "prefetch_bytes", size(1 * kMiB, 64 * kGiB),
      [](auto& s) -> auto& { return s.consumer.prefetch_bytes; },
      "Bytes of records fetched ahead, all handlers together; in memory they take about three "
      "times as "
      "much. Below one second of traffic the consumer stalls a second at a time.");
  list.add(
          "lane_buffer_bytes", size(64 * kKiB, 1 * kGiB),
          [](auto& s) -> auto& { return s.consumer.lane_buffer_bytes; },
          "Records that one partition may have taken over and not yet applied; at most "
          "prefetch_bytes. "
          "Default: 6MiB, or prefetch_bytes if that is less.")
      .derive = [](Settings& s) {
    s.consumer.lane_buffer_bytes = std::min<std::int64_t>(6 * kMiB, s.consumer.prefetch_bytes);
  };
  list.add(
      "batch_events_max", count(1, 1'000'000),
      [](auto& s) -> auto& { return s.consumer.batch_events_max; },
      "Events of one transaction at most. Large: a longer hold of the partition's row and more "
      "work lost "
      "to a failure.");
  list.add(
      "batch_bytes_max", size(64 * kKiB, 1 * kGiB),
      [](auto& s) -> auto& { return s.consumer.batch_bytes_max; },
      "Bytes of one transaction at most. More than lane_buffer_bytes never gathers.");
  list.add(
      "drain_timeout", duration(0ms, 10min),
      [](auto& s) -> auto& { return s.consumer.drain_timeout; },
      "How long a stop or a rebalance waits for work in flight. Short: work is done again "
      "elsewhere. Long: "
      "the other workers wait.");
  list.add(
      "commit_interval", duration(100ms, 1h),
      [](auto& s) -> auto& { return s.consumer.commit_interval; },
      "How often group offsets are committed, for lag tools only: the database holds the "
      "position.");
  list.add(
      "check_interval", duration(100ms, 10min),
      [](auto& s) -> auto& { return s.consumer.check_interval; },
      "How often the worker compares its claims on partitions with the database and counts for the "
      "metrics; every twelfth time it audits the counters. Long: a lost claim on an idle partition "
      "is noticed late.");
}

void producer_keys(KeyList& list) {
  list.section("producer");
  list.add(
      "linger", duration(0ms, 1min), [](auto& s) -> auto& { return s.producer.linger; },
      "How long a message waits for company. Long: latency; 0ms: many small requests.");
  list.add(
      "compression", choice({"none", "gzip", "snappy", "lz4", "zstd"}),
      [](auto& s) -> auto& { return s.producer.compression; }, "How batches are compressed.");
  list.add(
      "delivery_timeout", duration(1s, 1h),
      [](auto& s) -> auto& { return s.producer.delivery_timeout; },
      "After so long a message counts as not delivered and is tried again from the outbox.");
}

void database_keys(KeyList& list) {
  list.section("database");
  list.add(
      "url", database_url(), [](auto& s) -> auto& { return s.database.url; },
      "PostgreSQL. With a password inside, better given as a file: SPOOL__DATABASE__URL_FILE.");
  list.add(
      "connect_timeout", duration(2s, 5min),
      [](auto& s) -> auto& { return s.database.connect_timeout; },
      "How long one attempt to connect may take, counted in whole seconds.");
  list.add(
      "pool_max", count(1, 256), [](auto& s) -> auto& { return s.database.pool_max; },
      "Database workers: threads with one connection each. More than the database has cores to "
      "spare only "
      "queue there.");
  list.add(
      "statement_timeout", duration(100ms, 1h),
      [](auto& s) -> auto& { return s.database.statement_timeout; },
      "Ends a statement that takes longer. Short: a slow database gets no batch through.");
  list.add(
      "lock_timeout", duration(10ms, 10min),
      [](auto& s) -> auto& { return s.database.lock_timeout; },
      "How long a statement waits for a row that another session holds; below statement_timeout.");
  list.add(
          "idle_in_transaction_timeout", duration(100ms, 15min),
          [](auto& s) -> auto& { return s.database.idle_in_transaction_timeout; },
          "Ends a transaction whose worker has fallen silent. Must be below half of "
          "consumer.session_timeout, else a frozen worker keeps its successor out. Default: a "
          "third of it.")
      .derive = [](Settings& s) {
    s.database.idle_in_transaction_timeout = s.consumer.session_timeout / 3;
  };
  list.add(
          "tcp_user_timeout", duration(100ms, 15min),
          [](auto& s) -> auto& { return s.database.tcp_user_timeout; },
          "Gives up a connection whose data stays unacknowledged. Must be below half of "
          "consumer.session_timeout. Default: a third of it.")
      .derive = [](Settings& s) { s.database.tcp_user_timeout = s.consumer.session_timeout / 3; };
  list.add(
      "synchronous_commit", choice({"off", "on"}),
      [](auto& s) -> auto& { return s.database.synchronous_commit; },
      "off: a crash of the database may take back the last transactions, which is noticed and made "
      "good from "
      "Kafka. on: every commit waits for the disk.");
}

void other_keys(KeyList& list) {
  list.section("http.admin");
  list.add(
      "listen", endpoint(), [](auto& s) -> auto& { return s.http_admin.listen; },
      "Probes and metrics. Port 0 takes any free one. No authentication: keep it inside.");
  list.section("log");
  list.add(
      "level", choice({"trace", "debug", "info", "warn", "error"}),
      [](auto& s) -> auto& { return s.log.level; }, "The least level that is written.");
  list.add(
      "format", choice({"auto", "text", "json"}), [](auto& s) -> auto& { return s.log.format; },
      "auto: text on a terminal, else one JSON object a line.");
  list.section("retention");
  list.add(
      "lane_batches", duration(1min, kTenYears),
      [](auto& s) -> auto& { return s.retention.lane_batches; },
      "How long the record of each applied batch is kept.");
  list.add(
      "dead_letters", duration(1min, kTenYears),
      [](auto& s) -> auto& { return s.retention.dead_letters; },
      "How long a dead letter is kept, to be looked at and replayed.");
  list.add(
      "inbox", duration(24h, kTenYears), [](auto& s) -> auto& { return s.retention.inbox; },
      "How long a producer's duplicate is recognised, for handlers that cannot tell themselves. "
      "Whole days are removed at once.");
  list.add(
      "audit", duration(1min, kTenYears), [](auto& s) -> auto& { return s.retention.audit; },
      "How long it is kept who did what.");
  list.add(
      "operations", duration(1min, kTenYears),
      [](auto& s) -> auto& { return s.retention.operations; },
      "How long operations on lists are kept after their end, to be looked at.");
  list.add(
      "tombstones", duration(1min, kTenYears),
      [](auto& s) -> auto& { return s.retention.tombstones; },
      "How long the ids of removed dead letters and operations are remembered; above dead_letters, "
      "and above what the topics keep. Shorter: an old copy that is published again applies "
      "twice.");
}

void service_keys(KeyList& list) {
  list.section("breaker");
  list.add(
      "failures", count(0, 100), [](auto& s) -> auto& { return s.breaker.failures; },
      "Failures in a row after which nobody calls a service for a while. 0: only the share of "
      "failures counts.");
  list.add(
      "open_for", duration(100ms, 5min), [](auto& s) -> auto& { return s.breaker.open_for; },
      "How long at first; doubles with every trial that fails, up to 5m.");
  list.section("upstream.tmdb");
  list.add(
      "base_url", text(1), [](auto& s) -> auto& { return s.upstream.tmdb.base_url; },
      "Version 3 of TMDB's API, or a stand-in for it.");
  list.add(
      "base_url_v4", text(1), [](auto& s) -> auto& { return s.upstream.tmdb.base_url_v4; },
      "Version 4 of it.");
  list.add(
      "api_key", secret(), [](auto& s) -> auto& { return s.upstream.tmdb.api_key; },
      "The application's read access token, or its API key. Better given as a file: "
      "SPOOL__UPSTREAM__TMDB__API_KEY_FILE.");
  list.add(
      "api_key_as", choice({"bearer", "query"}),
      [](auto& s) -> auto& { return s.upstream.tmdb.api_key_as; },
      "bearer: api_key is a read access token. query: it is an API key, and stands in the URL.");
  list.add(
      "session_key", secret(), [](auto& s) -> auto& { return s.upstream.tmdb.session_key; },
      "Seals the sessions of users in the database: 32 random bytes, as base64 or hexadecimal.");
  list.add(
      "session_key_before", secret(),
      [](auto& s) -> auto& { return s.upstream.tmdb.session_key_before; },
      "The key before, while sessions that it sealed are still to be read.");
  list.add(
      "ca", text(), [](auto& s) -> auto& { return s.upstream.tmdb.ca; },
      "File with the authority of TMDB's certificate. Empty: those of the system.");
  list.add(
      "rate", count(0, 1'000'000), [](auto& s) -> auto& { return s.upstream.tmdb.rate; },
      "Requests in any window, all workers of the deployment together. 0: no limit.");
  list.add(
      "window", duration(1s, 1h), [](auto& s) -> auto& { return s.upstream.tmdb.window; },
      "How long the window of rate is.");
  list.add(
      "connect_timeout", duration(100ms, 5min),
      [](auto& s) -> auto& { return s.upstream.tmdb.connect_timeout; },
      "How long a connection may take to be made.");
  list.add(
      "timeout", duration(100ms, 10min), [](auto& s) -> auto& { return s.upstream.tmdb.timeout; },
      "How long one request may take.");
  list.add(
      "connections_max", count(1, 10'000),
      [](auto& s) -> auto& { return s.upstream.tmdb.connections_max; },
      "Connections of one worker, kept for the next request.");
}

void lists_keys(KeyList& list) {
  list.section("lists");
  list.add(
      "refresh_interval", duration(0ms, kTenYears),
      [](auto& s) -> auto& { return s.lists.refresh_interval; },
      "How often each list is read from TMDB again, to take over what others did to it. Short: "
      "requests that rate has no room for. 0s: only when somebody asks for it.");
  list.add(
      "cache_ttl", duration(0ms, std::chrono::hours(24)),
      [](auto& s) -> auto& { return s.lists.cache_ttl; },
      "How long a copy of a list may be given out to readers. Whatever changes the list drops it "
      "at "
      "once. 0s: no copies.");
  list.section("lists.migration");
  list.add(
      "percent", count(0, 100), [](auto& s) -> auto& { return s.lists.migration.percent; },
      "Share of the users whose local lists `spool lists migrate start --all` moves to TMDB. A "
      "user who is named is taken anyway.");
}

void replay_keys(KeyList& list) {
  list.section("replay");
  list.add(
      "rate", count(0, 1'000'000), [](auto& s) -> auto& { return s.replay.rate; },
      "Events a second of one replay, unless it says so itself. 0: as fast as they go.");
  list.add(
      "page", count(1, 10'000), [](auto& s) -> auto& { return s.replay.page; },
      "Dead letters that a replay takes in one transaction. Large: a longer hold of the "
      "partition's "
      "row.");
  list.add(
      "allow_topics", list_of(topic()), [](auto& s) -> auto& { return s.replay.allow_topics; },
      "Topics into which dead letters of other systems may be published again (spool replay "
      "foreign).");
}

}  // namespace

std::vector<Key> list_keys(const KnownHandlers& handlers) {
  KeyList list;
  kafka_keys(list);
  consumer_keys(list);
  producer_keys(list);
  database_keys(list);
  other_keys(list);
  service_keys(list);
  lists_keys(list);
  replay_keys(list);
  for (const KnownHandler& handler : handlers) handler_keys(list, handler);
  return std::move(list.keys);
}

Settings default_settings(const KnownHandlers& handlers) {
  Settings settings;
  for (const KnownHandler& handler : handlers) {
    HandlerSettings& own = settings.handlers[handler.name];
    own.topic = handler.topic;
    own.group = "spool." + handler.name;
    for (const std::string& type : error_types()) own.retry.classes[type] = {};
    for (const HandlerOption& option : handler.options) own.options[option.name] = option.fallback;
  }
  return settings;
}

}  // namespace spool::config
