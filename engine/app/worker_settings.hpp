// From the configuration to what the parts of the engine are started with. The one place where a
// key of the configuration meets the field that it is for. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/config/settings.hpp"
#include "engine/delivery/retry_policy.hpp"
#include "engine/handler/registry.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/kafka/producer.hpp"
#include "engine/observe/log.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/runtime/worker.hpp"

namespace spool::app {

// Who this worker is, to operators and readers of its dead letters.
struct WorkerIdentity {
  std::string owner;         // host and process
  std::string release;       // version
  std::string version_json;  // what /version answers
};

// The enabled handlers, or of these `only` (names; empty: all). Fails with `invalid` when a name is
// unknown or disabled, or when nothing is left to run. The registry outlives the settings.
base::Result<runtime::WorkerSettings> worker_settings(const config::Settings& settings,
                                                      const handler::HandlerRegistry& registry,
                                                      const std::vector<std::string>& only,
                                                      const WorkerIdentity& identity);

// The ladder and its exceptions. Fails with `invalid` for a class of errors that is none.
base::Result<delivery::RetryPolicy> retry_policy(const config::Retry& settings);

// Security and the free properties, under librdkafka's names.
kafka::Properties kafka_properties(const config::Kafka& settings);
kafka::ClusterSettings cluster_settings(const config::Settings& settings);
kafka::ProducerSettings producer_settings(const config::Settings& settings);
postgres::ConnectionSettings database_settings(const config::Database& settings);
base::Result<observe::LogSettings> log_settings(const config::Log& settings);

}  // namespace spool::app
