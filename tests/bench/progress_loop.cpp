// The single-purpose program that the worker is measured against: consume, parse, coalesce, one
// upsert with the offsets in the same transaction, and nothing else. No groups, no fence, no
// counters, no dead letters (what is bad is skipped and counted), one failure ends it. Knows
// nothing of the engine, so that it owes it nothing.
//
// N threads, each with a consumer that is assigned every N-th partition and one connection with
// synchronous_commit off. Ends at the end offsets of the start (--until-offsets) or on SIGTERM;
// prints one line of JSON.
#include <librdkafka/rdkafka.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/loop_database.hpp"
#include "tests/bench/loop_events.hpp"

namespace {

using namespace spool::bench;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string brokers, database, topic;
  int threads = 2;
  std::size_t batch = 10'000;
  std::int64_t prefetch_bytes = 20LL << 20;
  bool deep = false;
  bool until_offsets = false;
};

// --- the loop
// -------------------------------------------------------------------------------------
struct Totals {
  std::size_t events = 0, bad = 0, batches = 0;
  Clock::time_point begun{}, ended{};
};

void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  std::array<char, 512> why{};
  if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
    give_up(why.data());
}

rd_kafka_t* make_consumer(const Options& options, std::size_t partitions) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", options.brokers);
  set(conf, "group.id", "progress-loop");  // never joined
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  set(conf, "auto.offset.reset", "error");
  set(conf, "check.crcs", "true");
  set(conf, "socket.nagle.disable", "true");
  set(conf, "fetch.wait.max.ms", "100");
  // A consumer's partitions share one queue here, and both bounds are the queue's: as many bytes
  // and messages in all as a consumer with a queue per partition has with the same budget and
  // librdkafka's default of 100,000 messages. (A queue at a bound is not filled again for up to a
  // second.)
  const std::int64_t share = options.prefetch_bytes / 1024 / options.threads;
  set(conf, "queued.max.messages.kbytes", std::to_string(options.deep ? 1'000'000 : share));
  const std::size_t messages = options.deep ? 1'000'000 : 100'000 * partitions;
  set(conf, "queued.min.messages", std::to_string(messages));
  std::array<char, 512> why{};
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
  if (client == nullptr) give_up(why.data());
  rd_kafka_poll_set_consumer(client);
  return client;
}

class Loop {
 public:
  Loop(const Options& options, std::vector<int> partitions, const std::atomic<bool>& stop)
      : options_(options),
        partitions_(std::move(partitions)),
        stop_(stop),
        client_(make_consumer(options, partitions_.size())),
        database_(options.database),
        rows_(options.batch),
        messages_(options.batch) {
    database_.prepare();
  }
  ~Loop() {
    rd_kafka_consumer_close(client_);
    rd_kafka_destroy(client_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Totals run() {
    rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client_);
    totals_.begun = Clock::now();
    assign();
    while (!stop_ && !(options_.until_offsets && ends_.empty())) {
      if (receive(queue) == 0) continue;
      database_.write(rows_.sorted(), next_);
      totals_.ended = Clock::now();
      ++totals_.batches;
      for (const auto& [partition, next] : next_) {
        const auto end = ends_.find(partition);
        if (end != ends_.end() && next >= end->second) ends_.erase(end);
      }
    }
    rd_kafka_queue_destroy(queue);
    return totals_;
  }

 private:
  void assign() {
    auto* list = rd_kafka_topic_partition_list_new(static_cast<int>(partitions_.size()));
    for (const int partition : partitions_) {
      std::int64_t low = 0, high = 0;
      if (rd_kafka_query_watermark_offsets(client_, options_.topic.c_str(), partition, &low, &high,
                                           10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        give_up("no answer about the end of partition " + std::to_string(partition));
      if (high > low) ends_[partition] = high;
      rd_kafka_topic_partition_list_add(list, options_.topic.c_str(), partition)->offset = low;
    }
    for (int i = 0; i < list->cnt; ++i) {
      auto& at = list->elems[i];
      at.offset = std::max(at.offset, database_.take(at.partition));
    }
    if (rd_kafka_assign(client_, list) != RD_KAFKA_RESP_ERR_NO_ERROR) give_up("assign");
    rd_kafka_topic_partition_list_destroy(list);
  }

  // Up to a batch of what has arrived; waits only when nothing has. (The batch call would wait its
  // whole time for a full batch, so it is never given any.)
  std::size_t receive(rd_kafka_queue_t* queue) {
    rows_.clear();
    next_.clear();
    std::size_t count = 0;
    while (count < options_.batch) {
      const ssize_t got =
          rd_kafka_consume_batch_queue(queue, 0, messages_.data(), options_.batch - count);
      if (got <= 0) {
        if (count > 0) break;
        rd_kafka_message_t* first = rd_kafka_consumer_poll(client_, 100);
        if (first == nullptr) break;
        take(first);
        ++count;
        continue;
      }
      for (ssize_t i = 0; i < got; ++i) take(messages_[static_cast<std::size_t>(i)]);
      count += static_cast<std::size_t>(got);
    }
    return next_.size();
  }

  void take(rd_kafka_message_t* message) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(rd_kafka_message_errstr(message));
    next_[message->partition] = message->offset + 1;
    ++totals_.events;
    Event event;
    if (id_of(message, event) && message->payload != nullptr &&
        parser_.parse(static_cast<const char*>(message->payload), message->len, event)) {
      rows_.add(event);
    } else {
      ++totals_.bad;
    }
    rd_kafka_message_destroy(message);
  }

  static bool id_of(rd_kafka_message_t* message, Event& event) {
    rd_kafka_headers_t* headers = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "ce_id", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
      return false;
    event.id = {static_cast<const char*>(value), size};
    return size > 0;
  }

  const Options& options_;
  std::vector<int> partitions_;
  const std::atomic<bool>& stop_;
  rd_kafka_t* client_;
  Database database_;
  Parser parser_;
  Coalescer rows_;
  std::vector<rd_kafka_message_t*> messages_;
  std::map<int, std::int64_t> next_, ends_;
  Totals totals_;
};

int partition_count(const Options& options) {
  rd_kafka_t* client = make_consumer(options, 1);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, options.topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client, 0, topic, &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    give_up("no metadata of " + options.topic);
  const int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
  if (count < options.threads) give_up("fewer partitions than threads");
  return count;
}

// Not ru_maxrss: that one starts at what the parent had when it started us.
std::int64_t peak_rss_kb() {
  std::int64_t kb = 0;
  if (FILE* file = std::fopen("/proc/self/status", "r")) {
    std::array<char, 256> line{};
    while (std::fgets(line.data(), line.size(), file) != nullptr)
      if (std::sscanf(line.data(), "VmHWM: %ld", &kb) == 1) break;
    std::fclose(file);
  }
  return kb;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) give_up(std::string(name) + " needs a value");
      return argv[++i];
    };
    if (name == "--brokers")
      options.brokers = value();
    else if (name == "--database")
      options.database = value();
    else if (name == "--topic")
      options.topic = value();
    else if (name == "--threads")
      options.threads = std::stoi(value());
    else if (name == "--batch")
      options.batch = std::stoul(value());
    else if (name == "--prefetch-bytes")
      options.prefetch_bytes = std::stoll(value());
    else if (name == "--deep")
      options.deep = true;
    else if (name == "--until-offsets")
      options.until_offsets = true;
    else
      give_up("unknown option " + std::string(name));
  }
  if (options.brokers.empty() || options.database.empty() || options.topic.empty() ||
      options.threads < 1 || options.batch < 1)
    give_up(
        "usage: progress_loop --brokers HOST:PORT --database URL --topic NAME [--threads 2]"
        " [--batch 10000] [--prefetch-bytes N | --deep] [--until-offsets]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  sigset_t termination;
  sigemptyset(&termination);
  sigaddset(&termination, SIGTERM);
  sigaddset(&termination, SIGINT);
  pthread_sigmask(SIG_BLOCK, &termination, nullptr);

  const int partitions = partition_count(options);
  Database(options.database).run(kTable);
  std::atomic<bool> stop{false};
  std::vector<Totals> totals(static_cast<std::size_t>(options.threads));
  std::vector<std::thread> threads;
  for (int t = 0; t < options.threads; ++t) {
    std::vector<int> own;
    for (int p = t; p < partitions; p += options.threads) own.push_back(p);
    threads.emplace_back([&options, &stop, &total = totals[static_cast<std::size_t>(t)], own] {
      total = Loop(options, own, stop).run();
    });
  }
  if (!options.until_offsets) {
    int signal = 0;
    sigwait(&termination, &signal);
    stop = true;
  }
  for (std::thread& thread : threads) thread.join();

  Totals sum = totals.front();
  for (std::size_t t = 1; t < totals.size(); ++t) {
    sum.events += totals[t].events;
    sum.bad += totals[t].bad;
    sum.batches += totals[t].batches;
    sum.begun = std::min(sum.begun, totals[t].begun);
    sum.ended = std::max(sum.ended, totals[t].ended);
  }
  std::printf(
      "{\"events\":%zu,\"bad\":%zu,\"batches\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,"
      "\"max_rss_kb\":%ld}\n",
      sum.events, sum.bad, sum.batches,
      std::chrono::duration<double>(sum.ended - sum.begun).count(), cpu_seconds(),
      static_cast<long>(peak_rss_kb()));
  return 0;
}
