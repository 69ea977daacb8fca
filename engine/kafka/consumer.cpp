#include "engine/kafka/consumer.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>

#include "engine/kafka/assignment.hpp"
#include "engine/kafka/client.hpp"
#include "engine/kafka/error_map.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/log_event.hpp"
#include "engine/kafka/partition_queue.hpp"
#include "engine/kafka/wake_fd.hpp"

namespace spool::kafka {
namespace {

using base::Failure;
using base::FailureKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kCloseLimit{3000};
constexpr milliseconds kDestroyLimit{3000};

Properties fixed_properties(const ConsumerSettings& settings) {
  Properties fixed = {{"bootstrap.servers", settings.bootstrap_servers},
                      {"group.id", settings.group},
                      {"partition.assignment.strategy", settings.assignor},
                      {"session.timeout.ms", std::to_string(settings.session_timeout.count())},
                      {"heartbeat.interval.ms", std::to_string(settings.heartbeat.count())},
                      {"enable.auto.commit", "false"},
                      {"enable.auto.offset.store", "false"},
                      {"enable.partition.eof", "true"},
                      {"auto.offset.reset", "error"},
                      {"isolation.level", "read_committed"},
                      {"allow.auto.create.topics", "false"},
                      {"log.queue", "true"}};
  if (!settings.group_instance_id.empty()) {
    fixed.emplace("group.instance.id", settings.group_instance_id);
  }
  return fixed;
}

Properties tunables(const ConsumerSettings& settings) {
  Properties properties = common_tunables();
  properties.emplace("check.crcs", "true");
  // A partition that was just assigned waits for the long poll that its broker is already holding
  // for the others.
  properties.emplace("fetch.wait.max.ms", "100");
  if (!settings.client_id.empty()) properties.emplace("client.id", settings.client_id);
  const std::size_t kbytes =
      std::clamp<std::size_t>(settings.prefetch_bytes_per_partition / 1024, 1, 2'097'151);
  properties.emplace("queued.max.messages.kbytes", std::to_string(kbytes));
  return properties;
}

std::vector<std::int32_t> numbers(const rd_kafka_topic_partition_list_t* list) {
  std::vector<std::int32_t> partitions;
  if (list == nullptr) return partitions;
  for (int i = 0; i < list->cnt; ++i) partitions.push_back(list->elems[i].partition);
  std::ranges::sort(partitions);
  return partitions;
}

PartitionsHandle to_list(const std::string& topic, std::span<const Start> starts) {
  PartitionsHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(starts.size())));
  for (const Start& start : starts) {
    rd_kafka_topic_partition_t* entry =
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), start.partition);
    entry->offset = start.offset;
    if (start.note.empty()) continue;
    entry->metadata = strdup(start.note.c_str());  // the list frees it
    entry->metadata_size = start.note.size();
  }
  return list;
}

// Of the request, or of the first partition that was refused.
rd_kafka_resp_err_t commit_error(rd_kafka_event_t* event) {
  const rd_kafka_resp_err_t whole = rd_kafka_event_error(event);
  if (whole != RD_KAFKA_RESP_ERR_NO_ERROR) return whole;
  const auto* list = rd_kafka_event_topic_partition_list(event);
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[i].err;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

struct Consumer::Impl {
  std::string topic;
  std::shared_ptr<WakeFd> wake = std::make_shared<WakeFd>();
  // Everything below `client` goes first: it waits for ever for what is left of them.
  ClientHandle client;
  QueueHandle queue;
  std::vector<std::unique_ptr<PartitionQueue>> partitions;
  bool assigning = false;  // Assigned is not answered yet
  bool revoking = false;   // Revoked likewise
  bool closing = false;
  bool dead = false;  // of a fatal error: there is nothing left to close
  // One request at a time; one that librdkafka did not even take is answered by the next poll().
  std::vector<Start> commit_sent;
  std::optional<Failure> commit_refused;
  std::vector<Start> commit_next;

  ~Impl();

  // Empty when the event says nothing to the caller.
  Event translate(rd_kafka_event_t* event);
  Event rebalance(rd_kafka_event_t* event);
  Event error(rd_kafka_event_t* event);
  Event poll();
  void unassign();
  void close();
  bool closed() const;
  void send_commit();
};

Consumer::Impl::~Impl() {
  if (client == nullptr) return;
  close();
  const auto deadline = steady_clock::now() + kCloseLimit;
  while (!closed()) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) break;
    pollfd waiting{wake->fd(), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left));
    wake->drain();
    for (Event event = poll(); !std::holds_alternative<std::monostate>(event); event = poll()) {
      if (std::holds_alternative<Revoked>(event)) unassign();
    }
  }
  partitions.clear();
  wake_no_more(queue.get());
  queue.reset();
  destroy_within(std::move(client), std::move(wake), kDestroyLimit);
}

Consumer::Event Consumer::Impl::poll() {
  if (commit_refused) {
    OffsetsCommitted answer{*std::exchange(commit_refused, std::nullopt),
                            std::exchange(commit_sent, {})};
    send_commit();
    return answer;
  }
  while (const EventHandle event{rd_kafka_queue_poll(queue.get(), 0)}) {
    Event translated = translate(event.get());
    if (!std::holds_alternative<std::monostate>(translated)) return translated;
  }
  return std::monostate{};
}

Consumer::Event Consumer::Impl::translate(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
      return rebalance(event);
    case RD_KAFKA_EVENT_ERROR:
      return error(event);
    case RD_KAFKA_EVENT_LOG:
      if (auto line = log_line(event)) return std::move(*line);
      return std::monostate{};
    case RD_KAFKA_EVENT_OFFSET_COMMIT: {
      OffsetsCommitted answer{{}, std::exchange(commit_sent, {})};
      const rd_kafka_resp_err_t code = commit_error(event);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        answer.status = Failure(FailureKind::unavailable, error_text(code));
      send_commit();
      return answer;
    }
    case RD_KAFKA_EVENT_FETCH: {
      // Only a partition whose queue librdkafka replaced behind our back (a topic that was
      // recreated) can come here.
      const rd_kafka_message_t* message = rd_kafka_event_message_next(event);
      if (message == nullptr) return std::monostate{};
      return PartitionFailed{message->partition,
                             Failure(FailureKind::position, "the partition lost its queue")};
    }
    default:
      return std::monostate{};
  }
}

Consumer::Event Consumer::Impl::rebalance(rd_kafka_event_t* event) {
  std::vector<std::int32_t> list = numbers(rd_kafka_event_topic_partition_list(event));
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    if (closing) {
      rd_kafka_assign(client.get(), nullptr);  // the group waits for an answer before it lets us go
      return std::monostate{};
    }
    assigning = true;
    return Assigned{std::move(list)};
  }
  revoking = true;
  commit_next.clear();
  return Revoked{std::move(list), rd_kafka_assignment_lost(client.get()) != 0};
}

Consumer::Event Consumer::Impl::error(rd_kafka_event_t* event) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) return std::monostate{};
  Failure failure(consume_failure(code), event_text(event));
  if (const PartitionHandle where{rd_kafka_event_topic_partition(event)}) {
    return PartitionFailed{where->partition, std::move(failure)};
  }
  return HandleFailed{std::move(failure), rd_kafka_event_error_is_fatal(event) != 0};
}

void Consumer::Impl::unassign() {
  partitions.clear();
  commit_next.clear();
  rd_kafka_assign(client.get(), nullptr);
  assigning = false;
  revoking = false;
}

void Consumer::Impl::close() {
  if (closing) return;
  closing = true;
  commit_next.clear();
  if (assigning) unassign();
  const ErrorHandle refused(rd_kafka_consumer_close_queue(client.get(), queue.get()));
  dead = refused != nullptr;
}

bool Consumer::Impl::closed() const {
  return closing && (dead || rd_kafka_consumer_closed(client.get()) != 0);
}

void Consumer::Impl::send_commit() {
  if (!commit_sent.empty() || commit_next.empty()) return;
  commit_sent = std::exchange(commit_next, {});
  const PartitionsHandle list = to_list(topic, commit_sent);
  const auto code = rd_kafka_commit_queue(client.get(), list.get(), queue.get(), nullptr, nullptr);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  commit_refused = Failure(FailureKind::unavailable, error_text(code));
  wake->signal();
}

base::Result<std::unique_ptr<Consumer>> Consumer::open(const ConsumerSettings& settings) {
  if (settings.assignor != "range" && settings.assignor != "roundrobin") {
    return Failure(FailureKind::invalid, "kafka assignor is neither range nor roundrobin");
  }
  if (settings.group.empty() || settings.topic.empty()) {
    return Failure(FailureKind::invalid, "a kafka consumer needs a group and a topic");
  }
  auto conf = make_conf(tunables(settings), settings.properties, fixed_properties(settings));
  if (!conf) return conf.failure();
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_FETCH |
                                            RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG |
                                            RD_KAFKA_EVENT_OFFSET_COMMIT);
  auto client = make_client(RD_KAFKA_CONSUMER, std::move(conf).value());
  if (!client) return client.failure();

  auto impl = std::make_unique<Impl>();
  impl->topic = settings.topic;
  impl->client = std::move(client).value();
  rd_kafka_poll_set_consumer(impl->client.get());
  rd_kafka_set_log_queue(impl->client.get(), nullptr);
  impl->queue.reset(rd_kafka_queue_get_consumer(impl->client.get()));
  wake_on_arrival(impl->queue.get(), *impl->wake);
  impl->wake->signal();  // what came before the line above woke nobody

  PartitionsHandle topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), settings.topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(impl->client.get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Failure(FailureKind::invalid, "kafka topic: " + error_text(code));
  }
  return std::unique_ptr<Consumer>(new Consumer(std::move(impl)));
}

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::~Consumer() = default;

int Consumer::wake_fd() const {
  return impl_->wake->fd();
}
void Consumer::drain_wake() {
  impl_->wake->drain();
}
Consumer::Event Consumer::poll() {
  return impl_->poll();
}
void Consumer::unassign() {
  impl_->unassign();
}
void Consumer::close() {
  impl_->close();
}
bool Consumer::closed() const {
  return impl_->closed();
}

Consumer::Polled Consumer::poll_partition(std::int32_t partition, message::RecordBatch& into,
                                          std::size_t records_max, std::size_t bytes_max) {
  const auto it = std::ranges::find(impl_->partitions, partition,
                                    [](const auto& queue) { return queue->partition(); });
  if (it == impl_->partitions.end()) {
    Polled nothing;
    nothing.emptied = true;
    return nothing;
  }
  return (*it)->poll(into, records_max, bytes_max);
}

base::Status Consumer::assign(std::span<const Start> starts) {
  Impl& impl = *impl_;
  if (impl.revoking || impl.closing) {
    return Failure(FailureKind::stopped, "the partitions are being revoked");
  }
  for (const Start& start : starts) {
    SPOOL_ASSERT(start.offset >= 0, "a partition starts at an absolute offset");
  }
  // librdkafka raises a partition's version before rd_kafka_assign() answers, and a queue drops
  // what is of an older version when it is polled: what was fetched, or is on its way, for the
  // previous assignment ends there.
  const bool replaces = !impl.partitions.empty();
  impl.partitions.clear();
  for (const Start& start : starts) {
    impl.partitions.push_back(
        std::make_unique<PartitionQueue>(impl.client.get(), impl.topic, start, *impl.wake));
  }
  impl.assigning = false;
  const PartitionsHandle list = to_list(impl.topic, starts);
  const rd_kafka_resp_err_t code = place_partitions(impl.client.get(), list.get(), replaces);
  // A queue that still holds dropped records is not empty and would not wake: poll each once.
  impl.wake->signal();
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  impl.partitions.clear();
  return Failure(FailureKind::unavailable, "assign: " + error_text(code));
}

std::optional<std::int64_t> Consumer::cached_end(std::int32_t partition) const {
  std::int64_t low = RD_KAFKA_OFFSET_INVALID;
  std::int64_t high = RD_KAFKA_OFFSET_INVALID;
  const rd_kafka_resp_err_t code = rd_kafka_get_watermark_offsets(
      impl_->client.get(), impl_->topic.c_str(), partition, &low, &high);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) return std::nullopt;
  return high;
}

void Consumer::commit(std::span<const Start> next_offsets) {
  if (impl_->closing || impl_->revoking) return;
  // By partition: the one that waits may name others than this one.
  for (const Start& start : next_offsets) {
    const auto waiting = std::ranges::find(impl_->commit_next, start.partition, &Start::partition);
    if (waiting == impl_->commit_next.end()) {
      impl_->commit_next.push_back(start);
    } else {
      *waiting = start;
    }
  }
  impl_->send_commit();
}

}  // namespace spool::kafka
