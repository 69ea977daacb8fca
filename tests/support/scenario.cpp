#include "tests/support/scenario.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <stdexcept>

#include "engine/base/uuid.hpp"
#include "engine/kafka/consumer.hpp"
#include "engine/kafka/producer.hpp"

namespace spool::test {
namespace {

constexpr std::chrono::seconds kClusterLimit{30};

std::chrono::milliseconds cluster_limit() {
  return kClusterLimit;
}

template <typename T>
T need(base::Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.failure().text);
  return std::move(result).value();
}

void need(base::Status status, const std::string& what) {
  if (!status) throw std::runtime_error(what + ": " + status.failure().text);
}

std::vector<message::Header> views(const GeneratedRecord& record) {
  std::vector<message::Header> headers;
  for (const auto& [name, value] : record.headers)
    headers.push_back({name, std::string_view(value)});
  return headers;
}

void wait_readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  ::poll(&waiting, 1, 1000);
}

void collect(kafka::Producer& producer, std::size_t& outstanding) {
  producer.drain_wake();
  for (auto reports = producer.poll(); !reports.empty(); reports = producer.poll()) {
    for (const kafka::Delivery& report : reports) {
      need(report.status, "publish");
      --outstanding;
    }
  }
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) +
                             " is not set; start a stack: ops/stack up; eval \"$(ops/stack env)\"");
  }
  return value;
}

void stack(const std::string& command) {
  const std::string line =
      std::string("\"") + SPOOL_OPS_DIR + "/stack\" " + command + " >/dev/null";
  ASSERT_EQ(std::system(line.c_str()), 0) << line;
}

Scenario::Scenario(ScenarioSettings settings)
    : settings_(std::move(settings)), bootstrap_(environment("SPOOL__KAFKA__BOOTSTRAP_SERVERS")) {
  const std::string name = "t." + base::to_string(base::random_uuid()).substr(0, 13);
  topic_ = name + ".progress-events";
  dead_letter_topic_ = topic_ + ".dlt";
  group_ = name;
  kafka::ClusterSettings cluster;
  cluster.bootstrap_servers = bootstrap_;
  cluster_ = need(kafka::Cluster::open(cluster), "cluster");
  const std::vector<kafka::TopicSpec> topics = {{topic_, settings_.partitions, 1, {}},
                                                {dead_letter_topic_, settings_.partitions, 1, {}}};
  need(cluster_->create_topics(topics, cluster_limit()), "create topics");
  // So that PostgreSQL, too, has something to refuse.
  database_.execute(
      "alter table media.watch_progress add constraint refused_by_the_test check (tmdb_id < " +
      std::to_string(kRefusedByDatabase) + ")");
}

Scenario::~Scenario() {
  workers_.clear();
  static_cast<void>(cluster_->delete_topic(topic_, cluster_limit()));
  static_cast<void>(cluster_->delete_topic(dead_letter_topic_, cluster_limit()));
}

Environment Scenario::worker_environment() const {
  const std::string handler = "SPOOL__HANDLERS__PROGRESS_EVENTS__";
  return {{"SPOOL__KAFKA__BOOTSTRAP_SERVERS", bootstrap_},
          {"SPOOL__DATABASE__URL", database_.url()},
          {handler + "TOPIC", topic_},
          {handler + "GROUP", group_},
          {"SPOOL__HTTP__ADMIN__LISTEN", "127.0.0.1:0"},
          {"SPOOL__LOG__LEVEL", "debug"},
          {"SPOOL__LOG__FORMAT", "json"}};
}

WorkerProcess& Scenario::start(const std::string& program, const Environment& extra) {
  Environment environment = worker_environment();
  for (const auto& [name, value] : settings_.worker) environment[name] = value;
  for (const auto& [name, value] : extra) environment[name] = value;
  workers_.push_back(std::make_unique<WorkerProcess>(std::vector<std::string>{program, "run"},
                                                     environment, board_));
  return *workers_.back();
}

WorkerProcess& Scenario::start_worker(const Environment& extra) {
  return start(SPOOL_PROGRAM, extra);
}

WorkerProcess& Scenario::start_worker_with_points(const Environment& extra) {
  return start(SPOOL_TESTPOINT_PROGRAM, extra);
}

void Scenario::publish(const std::vector<GeneratedRecord>& records) {
  publish(records, 0, records.size());
}

void Scenario::publish(const std::vector<GeneratedRecord>& records, std::size_t first,
                       std::size_t last) {
  kafka::ProducerSettings settings;
  settings.bootstrap_servers = bootstrap_;
  auto producer = need(kafka::Producer::open(settings), "producer");
  producer->prepare(topic_);
  std::size_t outstanding = 0;
  for (std::size_t i = first; i < last; ++i) {
    const GeneratedRecord& record = records[i];
    const auto headers = views(record);
    kafka::OutboundRecord out{topic_, std::string_view(record.key), {}, headers, record.partition,
                              0};
    if (record.value) out.value = std::string_view(*record.value);
    for (auto accepted = producer->publish(out); !accepted; accepted = producer->publish(out)) {
      if (accepted.failure().kind != base::FailureKind::unavailable) need(accepted, "publish");
      wait_readable(producer->wake_fd());  // the queue is full until reports come
      collect(*producer, outstanding);
    }
    ++outstanding;
  }
  while (outstanding > 0) {
    wait_readable(producer->wake_fd());
    collect(*producer, outstanding);
  }
}

void Scenario::recreate_topic() {
  need(cluster_->delete_topic(topic_, cluster_limit()), "delete topic");
  const std::vector<kafka::TopicSpec> topics = {{topic_, settings_.partitions, 1, {}}};
  // Deleting goes on in the background; creating is refused until it is done.
  const bool created = board_.wait_until([&] {
    board_.line_written();
    static_cast<void>(cluster_->create_topics(topics, cluster_limit()));
    const auto described = cluster_->describe_topic(topic_, cluster_limit());
    const auto marks = cluster_->watermarks(topic_, 0, cluster_limit());
    return described && described->has_value() && marks && marks->high == 0;
  });
  if (!created) throw std::runtime_error("the topic was not created again");
}

std::int64_t Scenario::end_offset(std::int32_t partition) {
  return need(cluster_->watermarks(topic_, partition, cluster_limit()), "watermarks").high;
}

bool Scenario::wait_caught_up(std::chrono::seconds limit) {
  std::int64_t end = 0;
  for (std::int32_t p = 0; p < settings_.partitions; ++p) end += end_offset(p);
  const std::string at_end =
      "select coalesce(sum(next_offset), 0) = " + std::to_string(end) +
      " and not exists (select from spool.outbox where error is null) from spool.lanes";
  return board_.wait_until([&] { return text(at_end) == "t"; }, limit);
}

std::string Scenario::text(const std::string& sql) {
  return database_.value(sql);
}

std::int64_t Scenario::number(const std::string& sql) {
  return std::atoll(text(sql).c_str());
}

void Scenario::expect_matches(const Generated& generated) {
  expect_rows(generated);
  expect_dead(generated);
  expect_counters(generated);
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s", logs().c_str());
}

void Scenario::expect_rows(const Generated& generated) {
  static constexpr postgres::Statement kAllRows{
      "scenario_all_rows",
      "select user_id, media_type::text, tmdb_id, season, episode, position_s, duration_s,"
      " (extract(epoch from updated_at) * 1000000)::bigint, event_id,"
      " (extract(epoch from completed_at) * 1000000)::bigint from media.watch_progress"};
  const auto connection = database_.connect();
  const auto rows = need(connection->execute(kAllRows), "rows");
  EXPECT_EQ(rows.size(), generated.rows.size());
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const ItemKey key{rows.int64(r, 0), rows.text(r, 1), rows.int64(r, 2), rows.int64(r, 3),
                      rows.int64(r, 4)};
    const ExpectedRow found{rows.int64(r, 5), rows.int64(r, 6), rows.int64(r, 7), rows.text(r, 8),
                            rows.optional_int64(r, 9)};
    const auto expected = generated.rows.find(key);
    if (expected == generated.rows.end() || !(expected->second == found)) ++wrong;
  }
  EXPECT_EQ(wrong, 0U) << "rows that differ from the reference";
}

DeadLetterTopic Scenario::read_dead_letter_topic() {
  kafka::ConsumerSettings settings;
  settings.bootstrap_servers = bootstrap_;
  settings.group = group_ + ".dlt-reader";
  settings.topic = dead_letter_topic_;
  auto consumer = need(kafka::Consumer::open(settings), "consumer");
  DeadLetterTopic found;
  std::set<std::int32_t> ended;
  std::set<std::string> nameless;
  while (ended.size() < static_cast<std::size_t>(settings_.partitions)) {
    wait_readable(consumer->wake_fd());
    consumer->drain_wake();
    for (auto event = consumer->poll(); !std::holds_alternative<std::monostate>(event);
         event = consumer->poll()) {
      if (const auto* assigned = std::get_if<kafka::Consumer::Assigned>(&event)) {
        std::vector<kafka::Start> starts;
        for (const std::int32_t partition : assigned->partitions) starts.push_back({partition, 0});
        need(consumer->assign(starts), "assign");
      }
    }
    for (std::int32_t p = 0; p < settings_.partitions; ++p) {
      message::RecordBatch batch;
      const auto polled = consumer->poll_partition(p, batch, 100'000, 1U << 30U);
      if (polled.end_offset) ended.insert(p);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const message::Record record = batch.record(i);
        ++found.records;
        if (const auto id = record.header("ce_id")) {
          found.identities.emplace(record.header("ce_source").value_or(""), *id);
        } else {
          nameless.insert(std::string(record.header("__dlq.errors.partition").value_or("")) + ":" +
                          std::string(record.header("__dlq.errors.offset").value_or("")));
        }
      }
    }
  }
  found.nameless = nameless.size();
  return found;
}

void Scenario::expect_dead(const Generated& generated) {
  const DeadLetterTopic topic = read_dead_letter_topic();
  EXPECT_EQ(topic.identities, generated.dead);
  EXPECT_EQ(topic.nameless, generated.nameless);
  const std::size_t dead = generated.dead.size() + generated.nameless;
  EXPECT_EQ(number("select count(*) from spool.dead_letters"), static_cast<std::int64_t>(dead));
  std::printf("dead letters: %zu, published %zu times (%zu repetitions)\n", dead, topic.records,
              topic.records - dead);
}

void Scenario::expect_counters(const Generated& generated) {
  EXPECT_EQ(text("select bool_and(next_offset - start_offset = applied + duplicate + dead + open"
                 " + gaps + lost) from spool.lanes"),
            "t");
  EXPECT_EQ(number("select sum(applied + duplicate + dead) from spool.lanes"),
            static_cast<std::int64_t>(generated.records.size()));
  EXPECT_EQ(number("select sum(dead) from spool.lanes"),
            static_cast<std::int64_t>(generated.dead.size() + generated.nameless));
  EXPECT_EQ(number("select sum(lost) + sum(open) from spool.lanes"), 0);
  EXPECT_EQ(number("select count(*) from spool.outbox"), 0);
  // What the transactions wrote down adds up to what the lanes say.
  EXPECT_EQ(text("select bool_and(l.applied = b.applied and l.dead = b.dead and l.gaps = b.gaps)"
                 " from spool.lanes l join (select handler, partition, sum(applied) applied,"
                 " sum(dead) dead, sum(gaps) gaps from spool.lane_batches group by 1, 2) b"
                 " using (handler, partition)"),
            "t");
}

std::string Scenario::logs() const {
  std::string all;
  for (const auto& worker : workers_) {
    all += "--- worker " + std::to_string(worker->pid()) + "\n" + worker->tail();
  }
  return all;
}

}  // namespace spool::test
