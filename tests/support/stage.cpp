#include "tests/support/stage.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "engine/admin/http_get.hpp"
#include "engine/base/uuid.hpp"
#include "engine/kafka/producer.hpp"
#include "engine/kafka/reader.hpp"

namespace spool::test {
namespace {

constexpr std::chrono::milliseconds kClusterLimit{30'000};

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

TopicRecord copy_of(std::int32_t partition, const message::Record& record) {
  TopicRecord copy;
  copy.partition = partition;
  copy.offset = record.offset;
  copy.timestamp_ms = record.timestamp_ms;
  if (record.key) copy.key = std::string(*record.key);
  if (record.value) copy.value = std::string(*record.value);
  for (const message::Header& header : record.headers) {
    copy.headers.emplace_back(
        header.name, header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
  return copy;
}

}  // namespace

void Stage::save_database() {
  connection_.reset();
  database_.save();
}

void Stage::restore_database() {
  connection_.reset();
  database_.restore();
}

void stack(const std::string& command) {
  const std::string line =
      std::string("\"") + SPOOL_OPS_DIR + "/stack\" " + command + " >/dev/null";
  ASSERT_EQ(std::system(line.c_str()), 0) << line;
}

std::string TopicRecord::header(const std::string& name) const {
  const auto found = std::find_if(headers.rbegin(), headers.rend(),
                                  [&](const auto& header) { return header.first == name; });
  return found == headers.rend() ? "" : found->second.value_or("");
}

Stage::Stage()
    : bootstrap_(environment("SPOOL__KAFKA__BOOTSTRAP_SERVERS")),
      name_("t." + base::to_string(base::random_uuid()).substr(0, 13)) {
  kafka::ClusterSettings cluster;
  cluster.bootstrap_servers = bootstrap_;
  cluster_ = need(kafka::Cluster::open(cluster), "cluster");
}

Stage::~Stage() {
  workers_.clear();
  connection_.reset();
  for (const std::string& topic : topics_)
    static_cast<void>(cluster_->delete_topic(topic, kClusterLimit));
}

void Stage::create_topics(const std::vector<std::string>& topics, std::int32_t partitions) {
  std::vector<kafka::TopicSpec> specs;
  for (const std::string& topic : topics) specs.push_back({topic, partitions, 1, {}});
  topics_.insert(topics_.end(), topics.begin(), topics.end());
  need(cluster_->create_topics(specs, kClusterLimit), "create topics");
  // The broker has said yes; now it begins to lead the partitions.
  const auto led = [&](const std::string& topic) {
    for (std::int32_t p = 0; p < partitions; ++p) {
      if (!cluster_->watermarks(topic, p, kClusterLimit)) return false;
    }
    return true;
  };
  if (!wait_until([&] { return std::all_of(topics.begin(), topics.end(), led); }))
    throw std::runtime_error("topics that nobody leads");
}

void Stage::recreate_topic(const std::string& topic, std::int32_t partitions) {
  need(cluster_->delete_topic(topic, kClusterLimit), "delete topic");
  const std::vector<kafka::TopicSpec> topics = {{topic, partitions, 1, {}}};
  // Deleting goes on in the background; creating is refused until it is done.
  const bool created = board_.wait_until([&] {
    static_cast<void>(cluster_->create_topics(topics, kClusterLimit));
    const auto described = cluster_->describe_topic(topic, kClusterLimit);
    const auto marks = cluster_->watermarks(topic, 0, kClusterLimit);
    return described && described->has_value() && marks && marks->high == 0;
  });
  if (!created) throw std::runtime_error("the topic was not created again");
}

void Stage::publish_to(const std::string& topic, const std::vector<GeneratedRecord>& records,
                       std::size_t first, std::size_t last) {
  kafka::ProducerSettings settings;
  settings.bootstrap_servers = bootstrap_;
  auto producer = need(kafka::Producer::open(settings), "producer");
  producer->prepare(topic);
  std::size_t outstanding = 0;
  for (std::size_t i = first; i < last; ++i) {
    const GeneratedRecord& record = records[i];
    const auto headers = views(record);
    kafka::OutboundRecord out{topic, std::string_view(record.key), {}, headers, record.partition,
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

std::int64_t Stage::end_offset(const std::string& topic, std::int32_t partition) {
  return need(cluster_->watermarks(topic, partition, kClusterLimit), "watermarks").high;
}

std::int64_t Stage::end_offsets(const std::string& topic, std::int32_t partitions) {
  std::int64_t sum = 0;
  for (std::int32_t p = 0; p < partitions; ++p) sum += end_offset(topic, p);
  return sum;
}

std::vector<TopicRecord> Stage::read_topic(const std::string& topic, std::int32_t partitions) {
  std::map<std::int32_t, std::vector<TopicRecord>> found;
  std::map<std::int32_t, std::int64_t> missing;  // the offset at which each is read
  std::vector<kafka::Position> positions;
  for (std::int32_t p = 0; p < partitions; ++p) {
    const auto marks = need(cluster_->watermarks(topic, p, kClusterLimit), "watermarks");
    if (marks.high == marks.low) continue;
    missing.emplace(p, marks.high);
    positions.push_back({topic, p, marks.low});
  }
  kafka::ReaderSettings settings;
  settings.bootstrap_servers = bootstrap_;
  auto reader = need(kafka::Reader::open(settings), "reader");
  need(reader->assign(positions), "assign");
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!missing.empty()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("cannot read " + topic);
    wait_readable(reader->wake_fd());
    reader->drain_wake();
    for (auto batch = reader->poll(10'000, 1U << 24U); batch;
         batch = reader->poll(10'000, 1U << 24U)) {
      for (std::size_t i = 0; i < batch->records.size(); ++i)
        found[batch->partition].push_back(copy_of(batch->partition, batch->records.record(i)));
      const auto end = missing.find(batch->partition);
      if (end != missing.end() && batch->next_offset >= end->second) missing.erase(end);
    }
  }
  std::vector<TopicRecord> all;
  for (auto& [partition, records] : found)
    std::move(records.begin(), records.end(), std::back_inserter(all));
  return all;
}

WorkerProcess& Stage::start(const std::string& program, const Environment& extra) {
  Environment environment{{"SPOOL__KAFKA__BOOTSTRAP_SERVERS", bootstrap_},
                          {"SPOOL__DATABASE__URL", database_.url()},
                          {"SPOOL__HTTP__ADMIN__LISTEN", "127.0.0.1:0"},
                          {"SPOOL__LOG__LEVEL", "debug"},
                          {"SPOOL__LOG__FORMAT", "json"}};
  for (const auto& [name, value] : extra) environment[name] = value;
  workers_.push_back(std::make_unique<WorkerProcess>(std::vector<std::string>{program, "run"},
                                                     environment, board_));
  return *workers_.back();
}

base::Result<std::string> Stage::ask(const std::string& sql) {
  if (!connection_ || !connection_->usable()) {
    postgres::ConnectionSettings settings = database_.settings();
    settings.url = database_.admin_url();
    auto opened = postgres::Connection::open(settings);
    if (!opened) return opened.failure();
    connection_ = std::move(*opened);
  }
  const auto named = statements_.emplace(sql, "stage_" + std::to_string(statements_.size())).first;
  auto rows =
      connection_->execute(postgres::Statement{named->second.c_str(), named->first.c_str()});
  if (!rows) return rows.failure();
  return rows->empty() ? std::string() : rows->text(0, 0);
}

// The server may have been restarted since the last question.
std::string Stage::text(const std::string& sql) {
  auto answer = ask(sql);
  if (!answer && !connection_->usable()) answer = ask(sql);
  return need(std::move(answer), sql);
}

std::int64_t Stage::number(const std::string& sql) {
  return std::atoll(text(sql).c_str());
}

bool Stage::wait_true(const std::string& sql, std::chrono::seconds limit) {
  return board_.wait_until([&] { return text(sql) == "t"; }, limit);
}

bool Stage::wait_metric(WorkerProcess& worker, const std::string& pattern) {
  const std::regex regex(pattern);
  const std::string url = "http://127.0.0.1:" + std::to_string(worker.admin_port()) + "/metrics";
  return wait_until([&] {
    const auto answer = admin::http_get(url, kPatience);
    if (!answer) return false;
    std::istringstream lines(answer->body);
    for (std::string line; std::getline(lines, line);) {
      if (std::regex_search(line, regex)) return true;
    }
    return false;
  });
}

void Stage::expect_conserved() {
  EXPECT_EQ(text("select coalesce(string_agg(l::text, '; '), 'none') from spool.lanes l"
                 " where next_offset - start_offset <>"
                 " applied + duplicate + dead + open + gaps + lost"),
            "none");
  EXPECT_EQ(text("select coalesce(string_agg(handler || '/' || partition || ': ' || open || ' <> '"
                 " || found, '; '), 'none') from (select l.*, (select count(*) from"
                 " spool.open_events o where o.handler = l.handler and o.partition = l.partition"
                 " and o.state <> 'dead') found from spool.lanes l) c where open <> found"),
            "none")
      << "open: what the lanes count, and the rows";
  EXPECT_EQ(text("select coalesce(string_agg(handler || '/' || partition || ': ' || dead || ' <> '"
                 " || found, '; '), 'none') from (select l.*, (select count(*) from"
                 " spool.dead_letters d where d.handler = l.handler and d.partition = l.partition"
                 " and d.state in ('open', 'discarded')) found from spool.lanes l) c"
                 " where dead <> found"),
            "none")
      << "dead: what the lanes count, and the rows";
  EXPECT_EQ(text("select coalesce(string_agg(l.handler || '/' || l.partition, '; '), 'none')"
                 " from spool.lanes l join (select handler, partition, sum(applied) applied,"
                 " sum(duplicate) duplicate, sum(dead) dead, sum(open) open, sum(gaps) gaps"
                 " from spool.lane_batches group by 1, 2) b using (handler, partition)"
                 " where (l.applied, l.duplicate, l.dead, l.open, l.gaps) is distinct from"
                 " (b.applied, b.duplicate, b.dead, b.open, b.gaps)"),
            "none")
      << "what the transactions wrote down adds up to what the lanes say";
}

std::string Stage::logs() const {
  std::string all;
  for (const auto& worker : workers_)
    all += "--- worker " + std::to_string(worker->pid()) + "\n" + worker->tail();
  return all;
}

}  // namespace spool::test
