// Every setting of the program, as plain aggregates. A default-constructed Settings is what a
// program without any configuration runs with. Made by load() (load.hpp), read-only afterwards, any
// thread. Units are in the types (std::chrono) or in the names (_bytes, _max). What a key means to
// an operator, and its bounds, stand once, in key_list.cpp; here stands what the code must know.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/config/shape.hpp"

namespace spool::config {

struct KafkaSasl {
  std::string mechanism;  // empty: no SASL. Needed exactly when the protocol is sasl_*
  std::string username;
  std::string password;  // secret
};

struct KafkaTls {
  std::string ca;            // file of the broker's authority; empty: the system's
  std::string cert;          // our certificate and
  std::string key;           // our key, both or none
  std::string key_password;  // secret
  bool verify = true;        // false: anybody may pose as the broker
};

struct Kafka {
  std::string bootstrap_servers = "localhost:9092";
  std::string client_id = "spool";
  std::string events_topic = "spool.events";  // domain events, for other systems; empty: none
  std::string
      group_instance_id;  // empty: dynamic membership. Two processes with one id fence each other
  std::string security_protocol = "plaintext";  // ssl, sasl_plaintext, sasl_ssl
  KafkaSasl sasl;
  KafkaTls tls;
  std::map<std::string, std::string> properties;  // librdkafka's own names; never one that we set
};

struct Consumer {
  std::string assignor = "range";  // roundrobin
  // Too short: a pause of the process costs it its lanes. Too long: the lanes of a dead one wait.
  std::chrono::milliseconds session_timeout{30'000};
  // Below a third of the session. Long: everybody notices a rebalance late.
  std::chrono::milliseconds heartbeat_interval{1'000};
  // Records fetched ahead, all handlers together. Small: stalls of a second; large: memory.
  std::int64_t prefetch_bytes = 20LL << 20;
  // Records taken over by one lane and not yet applied. Small: small batches; large: memory.
  std::int64_t lane_buffer_bytes = 6LL << 20;
  // A transaction takes at most so much. Small: more commits; large: a longer hold of the row.
  std::int64_t batch_events_max = 10'000;
  std::int64_t batch_bytes_max = 16LL << 20;
  // SIGTERM and revocation. Short: work is thrown away and done again; long: others wait.
  std::chrono::milliseconds drain_timeout{10'000};
  // Group offsets, for lag tools only: PostgreSQL has the position.
  std::chrono::milliseconds commit_interval{1'000};
  // Comparing the claims of all lanes. Long: a lost claim of an idle lane is noticed late.
  std::chrono::milliseconds check_interval{5'000};
};

struct Producer {
  std::chrono::milliseconds linger{5};  // adds to the latency of one; without, many small requests
  std::string compression = "lz4";      // none, gzip, snappy, zstd
  std::chrono::milliseconds delivery_timeout{
      30'000};  // then the outbox keeps the row and tries again
};

struct Database {
  std::string url = "postgresql://localhost/spool";  // secret: a password may be inside
  std::chrono::milliseconds connect_timeout{3'000};  // libpq counts whole seconds, at least 2
  std::int64_t pool_max = 2;  // database workers, each a thread with one connection
  std::chrono::milliseconds statement_timeout{10'000};
  std::chrono::milliseconds lock_timeout{1'000};  // taking a lane whose owner is still inside
  // Below half the session, else a frozen owner keeps the row from its heir.
  std::chrono::milliseconds idle_in_transaction_timeout{10'000};
  std::chrono::milliseconds tcp_user_timeout{10'000};  // the same, for a dead network
  std::string synchronous_commit =
      "off";  // "on": every commit waits for the disk; nothing else changes
};

struct HttpAdmin {
  Endpoint listen{"127.0.0.1", 9464};  // port 0: any free one
};

struct Log {
  std::string level = "info";   // trace, debug, warn, error
  std::string format = "auto";  // text on a terminal, else json
};

struct Retention {
  // How long the counters of a batch stay readable. Short: nothing to look back at; long: table
  // growth.
  std::chrono::milliseconds lane_batches{24 * 3'600'000};
  // How far back an operator can look and replay.
  std::chrono::milliseconds dead_letters{90 * 24 * std::chrono::milliseconds(3'600'000)};
  // A producer's duplicate is noticed within so long, for handlers that need to be told.
  std::chrono::milliseconds inbox{7 * 24 * std::chrono::milliseconds(3'600'000)};
  std::chrono::milliseconds audit{365 * 24 * std::chrono::milliseconds(3'600'000)};
  // How long an operation on a list can be looked at after its end.
  std::chrono::milliseconds operations{30 * 24 * std::chrono::milliseconds(3'600'000)};
  // The ids of what was removed. Above dead_letters, else an old dead letter applies twice.
  std::chrono::milliseconds tombstones{400 * 24 * std::chrono::milliseconds(3'600'000)};
};

// Of each service that handlers call.
struct Breaker {
  std::int64_t failures = 5;                   // in a row; 0: only their share counts
  std::chrono::milliseconds open_for{30'000};  // at first
};

// TMDB, as every handler that calls it does.
struct UpstreamTmdb {
  std::string base_url = "https://api.themoviedb.org/3";
  std::string base_url_v4 = "https://api.themoviedb.org/4";
  std::string api_key;                // secret: the application's, or its read access token
  std::string api_key_as = "bearer";  // bearer, query
  std::string session_key;            // secret: seals the sessions of users; 32 bytes
  std::string session_key_before;     // secret: the one before, for reading
  std::string ca;                     // file of the server's authority; empty: the system's
  // Of all workers of the deployment together, on any window as TMDB sees it. 0: no limit.
  std::int64_t rate = 40;
  std::chrono::milliseconds window{10'000};
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{15'000};  // of one request
  std::int64_t connections_max = 64;
};

struct Upstream {
  UpstreamTmdb tmdb;
};

// Which users' local lists `spool lists migrate start --all` takes.
struct ListMigration {
  std::int64_t percent = 0;  // of the users, always the same ones; whoever is named is taken anyway
};

struct Lists {
  // Of lists at TMDB: how old what was read of one may become before it is read again; 0: that is
  // done on demand only.
  std::chrono::milliseconds refresh_interval{24 * 3'600'000};
  std::chrono::milliseconds cache_ttl{60'000};  // of a copy of what is shown of a list; 0: none
  ListMigration migration;
};

struct Replay {
  std::int64_t rate = 0;    // events a second of one replay; 0: as fast as they go
  std::int64_t page = 500;  // dead letters of one step. Large: a longer transaction
  // Where dead letters of other systems may be published again.
  std::vector<std::string> allow_topics = {};
};

// What the configuration says of one class of errors; empty: nothing.
struct RetryClass {
  std::optional<std::vector<std::chrono::milliseconds>> delays = {};
  std::optional<std::chrono::milliseconds> ttl = {};
};

struct Retry {
  std::vector<std::chrono::milliseconds> delays{
      std::chrono::seconds(30), std::chrono::seconds(60), std::chrono::seconds(120),
      std::chrono::seconds(240), std::chrono::seconds(480)};
  std::chrono::milliseconds max_delay{3'600'000};
  double jitter = 0;                               // share of the delay, 0 to 1
  std::vector<std::string> permanent{"schema.*"};  // error types, or beginnings of them and '*'
  std::map<std::string, RetryClass> classes = {};  // by error type; load() has all of them here
};

// When deaths come too thick a lane waits. 0: that rule does not apply.
struct Valve {
  std::int64_t streak = 1'000;  // deaths in a row
  double ratio = 0.5;           // share of the last `window` events
  std::int64_t window = 2'000;
  std::chrono::milliseconds shut_for{30'000};  // at first
};

struct HandlerSettings {
  bool enabled = true;
  std::string topic;  // the handler's own default
  std::string
      group;  // spool.<handler>. Another group does not read again: PostgreSQL has the position
  std::string dlt_topic;  // <topic>.dlt
  // The handler's own keys: all that it declared (HandlerOption), each of the type of its shape.
  std::map<std::string, Value> options;
  // How long one attempt at an event may take.
  std::chrono::milliseconds timeout{30'000};
  Retry retry = {};
  // Of a handler that calls a service: calls at once of one worker, and of one Kafka key.
  std::int64_t concurrency = 64;
  std::int64_t key_concurrency = 4;
  std::string after_death = "release";  // "hold": the key waits until an operator decides
  Valve valve = {};
  // Events that a lane, and one key of it, may keep waiting; at the bound the topic is not read.
  std::int64_t open_events_max = 100'000;
  std::int64_t open_bytes_max = 256LL << 20;
  std::int64_t key_events_max = 20'000;
  // What one transaction takes of the events behind a key. Large: a longer hold of the row.
  std::int64_t drain_batch = 1'000;
  std::int64_t drain_bytes_max = 4LL << 20;
};

struct Settings {
  Kafka kafka;
  Consumer consumer;
  Producer producer;
  Database database;
  HttpAdmin http_admin;
  Log log;
  Retention retention;
  Breaker breaker;
  Upstream upstream;
  Lists lists;
  Replay replay;
  std::map<std::string, HandlerSettings> handlers;  // every known handler, also a disabled one
};

}  // namespace spool::config
