#include "engine/app/event_sender.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/app/command_context.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/kafka/cluster.hpp"

namespace spool::app {
namespace {

constexpr std::size_t kInFlightMax = 10'000;
constexpr std::chrono::seconds kTopicLimit{5};
// The report of a record may come seconds after its deadline while the broker is away.
constexpr std::chrono::seconds kReportMargin{15};

base::EpochMicros wall_clock_now() {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// A producer would try for a topic that is not there until its patience ends.
base::Status topic_exists(const std::string& topic, const config::Settings& settings) {
  const auto cluster = kafka::Cluster::open(cluster_settings(settings));
  if (!cluster) return cluster.failure();
  const auto count = (*cluster)->partition_count(topic, kTopicLimit);
  if (count) return {};
  const base::Failure& why = count.failure();
  if (why.kind != base::FailureKind::not_found) return about_kafka(settings, why);
  return base::Failure(why.kind,
                       "topic " + topic + " does not exist (create it: spool topics apply)");
}

}  // namespace

EventSender::EventSender(kafka::Producer& producer, SendPlan plan,
                         std::chrono::milliseconds patience, OnAcknowledged told)
    : producer_(producer),
      plan_(std::move(plan)),
      patience_(patience),
      told_(std::move(told)),
      begin_(Clock::now()) {}

// Until something arrives, or the moment has come.
void EventSender::wait(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd readable{producer_.wake_fd(), POLLIN, 0};
  ::poll(&readable, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 100)));
  producer_.drain_wake();
  report(producer_.poll());
}

void EventSender::keep_rate() {
  if (plan_.rate == 0) return;
  const auto due = begin_ + std::chrono::nanoseconds(1'000'000'000 / plan_.rate) *
                                static_cast<std::int64_t>(sent_);
  while (Clock::now() < due) wait(due);
}

base::Status EventSender::send(const std::string& data, const std::string& id) {
  keep_rate();
  message::EventAttributes attributes = plan_.attributes;
  attributes.id = id.empty() ? base::to_string(base::random_uuid()) : id;
  if (attributes.time.empty()) attributes.time = base::format_rfc3339(wall_clock_now());
  const message::HeaderList headers = message::event_headers(attributes, plan_.extra);
  std::vector<message::Header> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  const std::optional<std::string> key = plan_.key_of ? plan_.key_of(data) : std::nullopt;
  kafka::OutboundRecord record;
  record.topic = plan_.topic;
  if (key) record.key = *key;
  record.value = data;
  record.headers = views;
  record.tag = sent_;
  const auto deadline = Clock::now() + patience_;
  while (in_flight_.size() >= kInFlightMax && Clock::now() < deadline) wait(deadline);
  base::Status taken = producer_.publish(record);
  while (!taken && taken.failure().kind == base::FailureKind::unavailable &&
         Clock::now() < deadline) {
    wait(deadline);
    taken = producer_.publish(record);
  }
  if (!taken) return taken;
  in_flight_[sent_++] = attributes.id;
  report(producer_.poll());
  return {};
}

base::Status EventSender::finish() {
  const auto deadline = Clock::now() + patience_ + kReportMargin;
  while (!in_flight_.empty() && Clock::now() < deadline) wait(deadline);
  if (in_flight_.empty()) return {};
  return base::Failure(base::FailureKind::unavailable,
                       std::to_string(in_flight_.size()) + " records were not acknowledged");
}

void EventSender::report(const std::vector<kafka::Delivery>& deliveries) {
  for (const kafka::Delivery& one : deliveries) {
    auto found = in_flight_.extract(one.tag);
    if (found.empty()) continue;
    if (!one.status) {
      if (!failed_) failed_ = one.status.failure();
      continue;
    }
    ++acknowledged_;
    told_({found.mapped(), one.partition, one.offset});
  }
}

base::Status send_events(const config::Settings& settings, SendPlan plan,
                         const std::function<base::Status(EventSender&)>& sends,
                         OnAcknowledged told) {
  const std::string topic = plan.topic;
  if (auto there = topic_exists(topic, settings); !there) return there;
  auto producer = kafka::Producer::open(producer_settings(settings));
  if (!producer) return producer.failure();
  (*producer)->prepare(topic);
  EventSender sender(**producer, std::move(plan), settings.producer.delivery_timeout,
                     std::move(told));
  const base::Status sent = sends(sender);
  const base::Status finished = sender.finish();
  const auto refused = [&](const base::Failure& why) {
    const std::string before = sender.acknowledged() == 0
                                   ? ""
                                   : " (" + std::to_string(sender.acknowledged()) +
                                         " records before it were acknowledged)";
    return base::Failure(why.kind, topic + ": " + why.text + before);
  };
  if (sender.failed()) return refused(*sender.failed());
  if (!sent) return refused(sent.failure());
  if (!finished) return refused(finished.failure());
  return {};
}

}  // namespace spool::app
