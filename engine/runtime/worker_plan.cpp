#include "engine/runtime/worker_plan.hpp"

#include <algorithm>
#include <utility>

#include "engine/delivery/retry_policy.hpp"

namespace spool::runtime {
namespace {

// Each event that finds its service away leaves a row behind: not too many are to find out
// together.
constexpr std::size_t kDependentBatchMax = 500;

}  // namespace

std::map<std::string, delivery::HandlerLanes> lanes_of(const WorkerSettings& settings) {
  std::map<std::string, delivery::HandlerLanes> lanes;
  for (const HandlerRoute& h : settings.handlers) {
    delivery::HandlerLanes own{h.lane, h.handler->spec.dependencies};
    std::size_t& batch = own.limits.batch_events_max;
    own.limits.performs = h.handler->performs() != nullptr;
    own.limits.calls_of_group_max = h.calls_of_key_max;
    own.calls_max = h.calls_max;
    own.call_timeout = h.timeout;
    // What is admitted calls nobody.
    if (!own.dependencies.empty() && !own.limits.performs)
      batch = std::min(batch, kDependentBatchMax);
    lanes.emplace(h.handler->spec.name, std::move(own));
  }
  return lanes;
}

std::map<std::string, delivery::Route> routes_of(const WorkerSettings& settings) {
  std::map<std::string, delivery::Route> routes;
  for (const HandlerRoute& h : settings.handlers) {
    routes.emplace(h.handler->spec.name,
                   delivery::Route{h.topic, h.handler, h.retry, h.hold_after_death, h.timeout});
  }
  return routes;
}

std::map<std::string, std::vector<std::string>> retry_topics_of(const WorkerSettings& settings) {
  std::map<std::string, std::vector<std::string>> topics;
  for (const HandlerRoute& h : settings.handlers)
    topics.emplace(h.handler->spec.name, delivery::retry_topics(h.topic, h.retry));
  return topics;
}

std::map<std::string, ClusterLog::Source> sources_of(const WorkerSettings& settings) {
  std::map<std::string, ClusterLog::Source> sources;
  for (const HandlerRoute& h : settings.handlers)
    sources.emplace(h.handler->spec.name, ClusterLog::Source{h.topic, h.group});
  return sources;
}

std::vector<store::LaneContext> contexts_of(const WorkerSettings& settings) {
  std::vector<store::LaneContext> contexts;
  for (const HandlerRoute& h : settings.handlers) {
    store::LaneContext context;
    context.handler = h.handler->spec.name;
    context.topic = h.topic;
    context.dead_letter_topic = h.dead_letter_topic;
    context.retry_topics = delivery::retry_topics(h.topic, h.retry);
    context.events_topic = settings.events_topic;
    context.group = h.group;
    context.release = settings.release;
    context.owner = settings.owner;
    contexts.push_back(std::move(context));
  }
  return contexts;
}

RotaSettings rota_of(const WorkerSettings& settings) {
  RotaSettings rota;
  for (const HandlerRoute& h : settings.handlers) {
    for (const auto& duty : h.handler->duties)
      rota.duties.push_back({h.handler->spec.name, h.topic, duty.get()});
  }
  rota.database = settings.database;
  rota.producer = settings.producer;
  rota.publish_limit = settings.producer.delivery_timeout;
  const auto idle_limit = settings.database.idle_in_transaction_timeout;
  if (idle_limit.count() > 0) rota.publish_limit = std::min(rota.publish_limit, idle_limit / 2);
  rota.owner = settings.owner;
  return rota;
}

std::chrono::milliseconds longest_statement(const WorkerSettings& settings) {
  std::chrono::milliseconds longest = settings.database.statement_timeout;
  for (const HandlerRoute& h : settings.handlers) longest = std::max(longest, h.timeout);
  return longest;
}

std::vector<std::string> topics_published_to(const WorkerSettings& settings) {
  std::vector<std::string> topics;
  for (const HandlerRoute& h : settings.handlers) {
    topics.push_back(h.dead_letter_topic);
    for (std::string& topic : delivery::retry_topics(h.topic, h.retry))
      topics.push_back(std::move(topic));
  }
  if (!settings.events_topic.empty()) topics.push_back(settings.events_topic);
  return topics;
}

}  // namespace spool::runtime
