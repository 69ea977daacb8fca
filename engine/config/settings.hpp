// Every setting of the program, as plain aggregates. A default-constructed Settings is what a
// program without any configuration runs with. Made by load() (load.hpp), read-only afterwards, any
// thread. Units are in the types (std::chrono) or in the names (_bytes, _max). What a key means to
// an operator, and its bounds, stand once, in key_list.cpp; here stands what the code must know.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

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
};

struct HandlerSettings {
  bool enabled = true;
  std::string topic;  // the handler's own default
  std::string
      group;  // spool.<handler>. Another group does not read again: PostgreSQL has the position
  std::string dlt_topic;  // <topic>.dlt
  // The handler's own keys: all that it declared (HandlerOption), each of the type of its shape.
  std::map<std::string, Value> options;
};

struct Settings {
  Kafka kafka;
  Consumer consumer;
  Producer producer;
  Database database;
  HttpAdmin http_admin;
  Log log;
  Retention retention;
  std::map<std::string, HandlerSettings> handlers;  // every known handler, also a disabled one
};

}  // namespace spool::config
