// A whole worker: consumers, lanes, database workers, relay, housekeeper and the admin server,
// started in the order in which they need each other and stopped in the reverse. The process that
// calls run() is the worker.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/delivery/breaker.hpp"
#include "engine/delivery/lane.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/rate_slots.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "engine/handler/handler.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/kafka/consumer.hpp"
#include "engine/kafka/producer.hpp"
#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/retention.hpp"

namespace spool::runtime {

struct HandlerRoute {
  const handler::Handler* handler = nullptr;  // outlives the worker
  std::string topic;
  std::string group;
  std::string dead_letter_topic;
  delivery::RetryPolicy retry = {};
  bool hold_after_death = false;
  std::chrono::milliseconds timeout{30'000};  // of an event that is run alone, and of a call
  delivery::LaneLimits lane = {};
  // Where it performs: calls at once, all together and of one Kafka key.
  std::size_t calls_max = 64;
  std::size_t calls_of_key_max = 4;
};

struct WorkerSettings {
  std::vector<HandlerRoute> handlers;
  kafka::ConsumerSettings consumer;  // group and topic are set per handler
  kafka::ProducerSettings producer;
  kafka::ClusterSettings cluster;
  postgres::ConnectionSettings database;
  std::size_t database_workers = 2;
  std::size_t prefetch_bytes = 64UL * 1024 * 1024;  // of all consumers together
  delivery::BreakerSettings breakers;
  // Limits of rate that hold over the whole deployment, by the name of the service.
  std::map<std::string, delivery::RatePolicy> rates;
  std::string events_topic;  // for domain events
  std::chrono::milliseconds take_lock_timeout{500};
  std::chrono::milliseconds drain_timeout{10'000};
  std::chrono::milliseconds commit_interval{1'000};
  std::chrono::milliseconds check_interval{5'000};
  store::Retention retention;
  std::string admin_listen = "127.0.0.1:9464";
  std::string owner;    // shown to operators in spool.lanes: host and process
  std::string release;  // written into dead letters
  std::string version_json;
};

// How a worker ended.
enum class WorkerEnd {
  drained,    // everything that was begun is finished
  left_work,  // the deadline came first; what was left is redelivered
  failed,     // it could not start, or a client died for good
};

class Worker {
 public:
  // References outlive the worker. `probe` sees the labelled points of every transaction.
  Worker(WorkerSettings settings, delivery::Probe& probe, observe::Metrics& metrics,
         observe::Logger& log);
  ~Worker();

  // Runs until SIGTERM or SIGINT; a second signal ends the process at once.
  WorkerEnd run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::runtime
