#include "engine/kafka/reader.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <set>
#include <utility>
#include <vector>

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

constexpr std::chrono::milliseconds kDestroyLimit{3000};

Properties fixed_properties(const ReaderSettings& settings) {
  return {{"bootstrap.servers", settings.bootstrap_servers},
          {"group.id", settings.group},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "false"},
          {"auto.offset.reset", "earliest"},
          {"isolation.level", "read_committed"},
          {"allow.auto.create.topics", "false"},
          {"log.queue", "true"}};
}

Properties tunables(const ReaderSettings& settings) {
  Properties properties = common_tunables();
  properties.emplace("check.crcs", "true");
  // A partition that was just assigned waits for the long poll that its broker is already holding
  // for the others.
  properties.emplace("fetch.wait.max.ms", "100");
  // How long a topic may be unknown before it is said to be missing.
  properties.emplace("topic.metadata.propagation.max.ms", "5000");
  if (!settings.client_id.empty()) properties.emplace("client.id", settings.client_id);
  const std::size_t kbytes =
      std::clamp<std::size_t>(settings.prefetch_bytes_per_partition / 1024, 1, 900'000);
  properties.emplace("queued.max.messages.kbytes", std::to_string(kbytes));
  properties.emplace("fetch.message.max.bytes", std::to_string(kbytes * 1024));
  return properties;
}

struct Source {
  std::string topic;
  std::int32_t partition = 0;
  std::unique_ptr<PartitionQueue> queue;
};

}  // namespace

struct Reader::Impl {
  std::shared_ptr<WakeFd> wake = std::make_shared<WakeFd>();
  // Everything below `client` goes first: it waits for ever for what is left of them.
  ClientHandle client;
  QueueHandle queue;
  std::vector<Source> sources;
  std::size_t turn = 0;  // the source that is asked first
  std::deque<Event> events;
  std::set<std::pair<std::string, FailureKind>> told;

  ~Impl();
  void listen(Source& source);
  void give_up();
  void fail(const std::string& topic, std::int32_t partition, Failure failure);
  std::size_t take(Source& source, message::RecordBatch& into, std::size_t records_max,
                   std::size_t bytes_max);
  Event translate(rd_kafka_event_t* event);
};

Reader::Impl::~Impl() {
  if (client == nullptr) return;
  sources.clear();
  wake_no_more(queue.get());
  queue.reset();
  destroy_within(std::move(client), std::move(wake), kDestroyLimit);
}

// From zero, whatever the position: where the log is shorter than that, the reading begins below
// it.
void Reader::Impl::listen(Source& source) {
  source.queue.reset();  // it ends the waking of the one queue that both stand for
  source.queue = std::make_unique<PartitionQueue>(client.get(), source.topic,
                                                  Start{source.partition, 0}, *wake);
}

// A step of its own before every assignment. Of a topic that it does not know yet librdkafka
// forgets a partition when it is given up: a queue asked for earlier would be of the forgotten one,
// and what is fetched would go elsewhere.
void Reader::Impl::give_up() {
  const bool reads = !sources.empty();
  sources.clear();
  turn = 0;
  const PartitionsHandle none(rd_kafka_topic_partition_list_new(0));
  if (reads) place_partitions(client.get(), none.get(), true);
}

void Reader::Impl::fail(const std::string& topic, std::int32_t partition, Failure failure) {
  const bool news = told.emplace(topic, failure.kind).second;
  if (!news && failure.kind != FailureKind::position) return;
  events.push_back(PartitionFailed{topic, partition, std::move(failure)});
  wake->signal();  // whoever asked for events before asking for records
}

std::size_t Reader::Impl::take(Source& source, message::RecordBatch& into, std::size_t records_max,
                               std::size_t bytes_max) {
  for (;;) {
    Consumer::Polled polled = source.queue->poll(into, records_max, bytes_max);
    if (polled.failure) {
      // A topic that is made anew counts from zero again.
      if (polled.failure->kind == FailureKind::not_found) listen(source);
      fail(source.topic, source.partition, std::move(*polled.failure));
    }
    if (polled.records > 0 || polled.emptied) return polled.records;
  }
}

Reader::Event Reader::Impl::translate(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LOG:
      if (auto line = log_line(event)) return std::move(*line);
      return std::monostate{};
    case RD_KAFKA_EVENT_ERROR: {
      Failure failure(consume_failure(rd_kafka_event_error(event)), event_text(event));
      const PartitionHandle where(rd_kafka_event_topic_partition(event));
      if (where == nullptr) return HandleFailed{std::move(failure)};
      fail(where->topic, where->partition, std::move(failure));
      return std::monostate{};
    }
    case RD_KAFKA_EVENT_FETCH: {
      // Only a partition whose queue librdkafka replaced behind our back (a topic that was
      // recreated) can come here.
      const rd_kafka_message_t* message = rd_kafka_event_message_next(event);
      if (message == nullptr) return std::monostate{};
      fail(rd_kafka_topic_name(message->rkt), message->partition,
           Failure(FailureKind::position, "the partition lost its queue"));
      return std::monostate{};
    }
    default:
      return std::monostate{};
  }
}

base::Result<std::unique_ptr<Reader>> Reader::open(const ReaderSettings& settings) {
  if (settings.group.empty()) {
    return Failure(FailureKind::invalid, "a kafka reader needs a group");
  }
  auto conf = make_conf(tunables(settings), settings.properties, fixed_properties(settings));
  if (!conf) return conf.failure();
  rd_kafka_conf_set_events(conf->get(),
                           RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  auto client = make_client(RD_KAFKA_CONSUMER, std::move(conf).value());
  if (!client) return client.failure();

  auto impl = std::make_unique<Impl>();
  impl->client = std::move(client).value();
  rd_kafka_poll_set_consumer(impl->client.get());
  rd_kafka_set_log_queue(impl->client.get(), nullptr);
  impl->queue.reset(rd_kafka_queue_get_consumer(impl->client.get()));
  wake_on_arrival(impl->queue.get(), *impl->wake);
  impl->wake->signal();  // what came before the line above woke nobody
  return std::unique_ptr<Reader>(new Reader(std::move(impl)));
}

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;

int Reader::wake_fd() const {
  return impl_->wake->fd();
}
void Reader::drain_wake() {
  impl_->wake->drain();
}

base::Status Reader::assign(std::span<const Position> positions) {
  Impl& impl = *impl_;
  const PartitionsHandle list(
      rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const Position& position : positions) {
    SPOOL_ASSERT(position.offset >= 0, "a partition starts at an absolute offset");
    rd_kafka_topic_partition_list_add(list.get(), position.topic.c_str(), position.partition)
        ->offset = position.offset;
  }
  impl.give_up();
  for (const Position& position : positions) {
    impl.listen(impl.sources.emplace_back(Source{position.topic, position.partition, nullptr}));
  }
  const rd_kafka_resp_err_t code = place_partitions(impl.client.get(), list.get(), false);
  // A queue that still holds dropped records is not empty and would not wake: poll each once.
  impl.wake->signal();
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  impl.give_up();
  return Failure(
      code == RD_KAFKA_RESP_ERR__INVALID_ARG ? FailureKind::invalid : FailureKind::unavailable,
      "assign: " + error_text(code));
}

std::optional<Reader::Batch> Reader::poll(std::size_t records_max, std::size_t bytes_max) {
  SPOOL_ASSERT(records_max > 0 && bytes_max > 0, "a poll without room would never end");
  Impl& impl = *impl_;
  Batch batch;
  for (std::size_t asked = 0; asked < impl.sources.size(); ++asked) {
    Source& source = impl.sources[impl.turn];
    impl.turn = (impl.turn + 1) % impl.sources.size();
    const std::size_t records = impl.take(source, batch.records, records_max, bytes_max);
    if (records == 0) continue;
    impl.told.erase({source.topic, FailureKind::not_found});
    impl.told.erase({source.topic, FailureKind::unavailable});
    batch.topic = source.topic;
    batch.partition = source.partition;
    batch.next_offset = batch.records.offset(records - 1) + 1;
    return batch;
  }
  return std::nullopt;
}

Reader::Event Reader::poll_event() {
  Impl& impl = *impl_;
  while (impl.events.empty()) {
    const EventHandle event(rd_kafka_queue_poll(impl.queue.get(), 0));
    if (event == nullptr) return std::monostate{};
    Event translated = impl.translate(event.get());
    if (!std::holds_alternative<std::monostate>(translated)) return translated;
  }
  Event first = std::move(impl.events.front());
  impl.events.pop_front();
  return first;
}

}  // namespace spool::kafka
