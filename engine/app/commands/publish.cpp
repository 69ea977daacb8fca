// Publishes events as any producer would. Nothing is validated, so that invalid events can be tried
// out too; success means acknowledged by the broker.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/event_record.hpp"
#include "engine/app/read_file.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/kafka/producer.hpp"

namespace spool::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kInFlightMax = 10'000;
constexpr std::int64_t kRateMax = 1'000'000;
constexpr std::chrono::seconds kTopicLimit{5};
// The report of a record may come seconds after its deadline while the broker is away.
constexpr std::chrono::seconds kReportMargin{15};

base::EpochMicros wall_clock_now() {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// What all records of one command have in common.
struct Plan {
  std::string topic;
  EventAttributes attributes;  // id and time empty: fresh ones for each
  HeaderList extra;
  std::optional<std::string> key;
  std::int64_t rate = 0;  // records a second; 0: as fast as it goes
  std::chrono::milliseconds patience{};
};

// The sending side of one command: hands records to the producer and reports what became of each.
class Sender {
 public:
  Sender(CommandContext& context, kafka::Producer& producer, Plan plan)
      : context_(context), producer_(producer), plan_(std::move(plan)), begin_(Clock::now()) {}

  base::Status send(const std::string& data);
  // Waits for what is still under way.
  base::Status finish();
  // Of the records that were not accepted, the first one's failure.
  const std::optional<base::Failure>& failed() const { return failed_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  void wait(Clock::time_point until);
  void keep_rate();
  void report(const std::vector<kafka::Delivery>& deliveries);
  std::optional<std::string> key_of(const std::string& data) const;

  CommandContext& context_;
  kafka::Producer& producer_;
  Plan plan_;
  Clock::time_point begin_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::map<std::uint64_t, std::string> in_flight_;  // tag and id
  std::optional<base::Failure> failed_;
};

// Until something arrives, or the moment has come.
void Sender::wait(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd readable{producer_.wake_fd(), POLLIN, 0};
  ::poll(&readable, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 100)));
  producer_.drain_wake();
  report(producer_.poll());
}

void Sender::keep_rate() {
  if (plan_.rate == 0) return;
  const auto due = begin_ + std::chrono::nanoseconds(1'000'000'000 / plan_.rate) *
                                static_cast<std::int64_t>(sent_);
  while (Clock::now() < due) wait(due);
}

std::optional<std::string> Sender::key_of(const std::string& data) const {
  if (plan_.key) return plan_.key;
  const auto& derive = context_.program().publish_key;
  return derive ? derive(plan_.attributes.type, data) : std::nullopt;
}

base::Status Sender::send(const std::string& data) {
  keep_rate();
  EventAttributes attributes = plan_.attributes;
  if (attributes.id.empty()) attributes.id = base::to_string(base::random_uuid());
  if (attributes.time.empty()) attributes.time = base::format_rfc3339(wall_clock_now());
  const HeaderList headers = event_headers(attributes, plan_.extra);
  std::vector<message::Header> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  const std::optional<std::string> key = key_of(data);
  kafka::OutboundRecord record;
  record.topic = plan_.topic;
  if (key) record.key = *key;
  record.value = data;
  record.headers = views;
  record.tag = sent_;
  const auto deadline = Clock::now() + plan_.patience;
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

base::Status Sender::finish() {
  const auto deadline = Clock::now() + plan_.patience + kReportMargin;
  while (!in_flight_.empty() && Clock::now() < deadline) wait(deadline);
  if (in_flight_.empty()) return {};
  return base::Failure(base::FailureKind::unavailable,
                       std::to_string(in_flight_.size()) + " records were not acknowledged");
}

void Sender::report(const std::vector<kafka::Delivery>& deliveries) {
  for (const kafka::Delivery& one : deliveries) {
    auto found = in_flight_.extract(one.tag);
    if (found.empty()) continue;
    if (!one.status) {
      if (!failed_) failed_ = one.status.failure();
      continue;
    }
    ++acknowledged_;
    context_.output().line({{"id", found.mapped()},
                            {"topic", plan_.topic},
                            {"partition", std::int64_t{one.partition}},
                            {"offset", one.offset}});
  }
}

base::Result<Plan> make_plan(CommandContext& context, const config::Settings& settings) {
  const Arguments& arguments = context.arguments();
  Plan plan;
  plan.attributes.type = arguments.get_or("TYPE", "");
  plan.attributes.id = arguments.get_or("id", "");
  plan.attributes.source = arguments.get_or("source", plan.attributes.source);
  plan.attributes.time = arguments.get_or("time", "");
  plan.key = arguments.get("key");
  if (arguments.has("id") && arguments.has("jsonl")) {
    return base::Failure(base::FailureKind::invalid,
                         "--id with --jsonl would give all events one id: leave it out");
  }
  auto extra = parse_headers(arguments.all("header"));
  if (!extra) return extra.failure();
  plan.extra = std::move(*extra);
  const auto rate = arguments.number("rate", 1, kRateMax);
  if (!rate) return rate.failure();
  plan.rate = rate->value_or(0);
  plan.patience = settings.producer.delivery_timeout;
  if (auto topic = arguments.get("topic")) {
    plan.topic = *topic;
    return plan;
  }
  const auto registry = context.program().handlers(settings);
  if (!registry) return registry.failure();
  auto topic = topic_of_type(plan.attributes.type, *registry, settings);
  if (!topic) return topic.failure();
  plan.topic = std::move(*topic);
  return plan;
}

base::Status send_lines(std::istream& lines, Sender& sender) {
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (auto sent = sender.send(line); !sent) return sent;
  }
  return {};
}

base::Status send_all(CommandContext& context, Sender& sender) {
  const std::string file = context.arguments().get_or("file", "-");
  const bool from_stdin = file == "-";
  if (context.arguments().has("jsonl")) {
    if (from_stdin) return send_lines(context.in(), sender);
    std::ifstream lines(file);
    if (!lines) return base::Failure(base::FailureKind::not_found, file + ": cannot be opened");
    return send_lines(lines, sender);
  }
  if (from_stdin) {
    return sender.send(std::string{std::istreambuf_iterator<char>(context.in()),
                                   std::istreambuf_iterator<char>()});
  }
  const auto data = read_file(file);
  if (!data) return data.failure();
  return sender.send(*data);
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

int publish(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  if (!context.arguments().has("file") && context.in_is_terminal())
    return context.fail_usage("no data: give -f FILE, or pipe it in");
  auto plan = make_plan(context, loaded->settings);
  if (!plan) return context.fail(plan.failure());
  if (const auto there = topic_exists(plan->topic, loaded->settings); !there)
    return context.fail(there.failure());
  auto producer = kafka::Producer::open(producer_settings(loaded->settings));
  if (!producer) return context.fail(producer.failure());
  (*producer)->prepare(plan->topic);
  const std::string topic = plan->topic;
  Sender sender(context, **producer, std::move(*plan));
  const base::Status sent = send_all(context, sender);
  const base::Status finished = sender.finish();
  const auto refused = [&](const base::Failure& why) {
    const std::string before = sender.acknowledged() == 0
                                   ? ""
                                   : " (" + std::to_string(sender.acknowledged()) +
                                         " records before it were acknowledged)";
    return context.fail(base::Failure(why.kind, topic + ": " + why.text + before));
  };
  if (sender.failed()) return refused(*sender.failed());
  if (!sent) return refused(sent.failure());
  if (!finished) return refused(finished.failure());
  return kOk;
}

}  // namespace

std::vector<Command> publish_commands() {
  return {
      {.path = "publish",
       .help = "Publish events; they are not validated",
       .positionals = {{"TYPE", "Event type, such as progress.v1: decides the topic"}},
       .options = {{"-k,--key", "KEY", "Kafka key (default: what the type derives from the data)"},
                   {"-H,--header",
                    "NAME=VALUE",
                    "A header as it is, also in place of an attribute; repeatable",
                    {},
                    true},
                   {"-f,--file", "FILE", "The data (JSON); - is stdin (default)"},
                   {"--jsonl", "", "Every line is the data of an event of its own"},
                   {"--rate", "N", "At most N events a second"},
                   {"--id", "ID", "ce_id (default: a random uuid)"},
                   {"--source", "SOURCE", "ce_source (default spool-cli)"},
                   {"--time", "TIME", "ce_time (default: now)"},
                   {"--topic", "TOPIC", "Another topic than the type's"}},
       .footer =
           "Prints id, topic, partition and offset of each event once the broker has acknowledged\n"
           "it. Examples:\n"
           "  echo '{\"user_id\":7,\"media_type\":\"movie\",\"tmdb_id\":603,\"position_s\":600,\n"
           "  \"duration_s\":8160,\"updated_at\":\"2026-01-02T03:04:05Z\"}' | spool publish "
           "progress.v1\n"
           "  spool publish progress.v1 -f event.json -k 7:603 --id my-1 -o json\n"
           "  spool publish progress.v1 --jsonl -f events.jsonl --rate 1000 --quiet",
       .run = publish}};
}

}  // namespace spool::app
