// What a worker's parts are made from: its settings, seen from the side of each. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "engine/delivery/dispatcher.hpp"
#include "engine/delivery/route.hpp"
#include "engine/runtime/cluster_log.hpp"
#include "engine/runtime/duty_rota.hpp"
#include "engine/runtime/worker.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::runtime {

std::map<std::string, delivery::HandlerLanes> lanes_of(const WorkerSettings& settings);
std::map<std::string, delivery::Route> routes_of(const WorkerSettings& settings);
std::map<std::string, std::vector<std::string>> retry_topics_of(const WorkerSettings& settings);
std::map<std::string, ClusterLog::Source> sources_of(const WorkerSettings& settings);
std::vector<store::LaneContext> contexts_of(const WorkerSettings& settings);
RotaSettings rota_of(const WorkerSettings& settings);
// An event that is run alone may take longer than a batch.
std::chrono::milliseconds longest_statement(const WorkerSettings& settings);
// Every topic that the worker publishes to.
std::vector<std::string> topics_published_to(const WorkerSettings& settings);

}  // namespace spool::runtime
