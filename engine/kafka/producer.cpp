#include "engine/kafka/producer.hpp"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "engine/kafka/client.hpp"
#include "engine/kafka/error_map.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/log_event.hpp"
#include "engine/kafka/wake_fd.hpp"

namespace spool::kafka {
namespace {

using base::Failure;
using base::FailureKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDestroyLimit{3000};
constexpr std::size_t kDeliveriesPerPoll = 10'000;
constexpr std::size_t kLogLinesMax = 500;

Properties fixed_properties(const ProducerSettings& settings) {
  return {{"bootstrap.servers", settings.bootstrap_servers},
          {"enable.idempotence", "true"},
          {"log.queue", "true"}};
}

Properties tunables(const ProducerSettings& settings) {
  Properties properties = common_tunables();
  properties["linger.ms"] = std::to_string(settings.linger.count());
  properties["compression.codec"] = settings.compression;
  properties["message.timeout.ms"] = std::to_string(settings.delivery_timeout.count());
  properties["message.max.bytes"] = std::to_string(settings.message_bytes_max);
  properties["batch.size"] = std::to_string(settings.batch_bytes);
  if (!settings.client_id.empty()) properties["client.id"] = settings.client_id;
  return properties;
}

base::Result<ClientHandle> open_client(const ProducerSettings& settings) {
  auto conf = make_conf(tunables(settings), settings.properties, fixed_properties(settings));
  if (!conf) return conf.failure();
  rd_kafka_conf_set_events(conf->get(),
                           RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  return make_client(RD_KAFKA_PRODUCER, std::move(conf).value());
}

// Null to librdkafka is a null pointer, so an empty text needs one that is not.
const void* data(const std::optional<std::string_view>& text) {
  if (!text) return nullptr;
  return text->data() != nullptr ? text->data() : "";
}

std::size_t size(const std::optional<std::string_view>& text) {
  return text ? text->size() : 0;
}

HeadersHandle to_headers(std::span<const message::Header> headers) {
  HeadersHandle list(rd_kafka_headers_new(headers.size()));
  for (const message::Header& header : headers) {
    rd_kafka_header_add(list.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                        data(header.value), static_cast<ssize_t>(size(header.value)));
  }
  return list;
}

Delivery to_delivery(const rd_kafka_message_t& message) {
  Delivery delivery;
  delivery.tag = reinterpret_cast<std::uintptr_t>(message._private);
  delivery.partition = message.partition;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    delivery.status = Failure(publish_failure(message.err), error_text(message.err));
  } else if (message.offset < 0) {
    // librdkafka holds a record to be written because a later one was. A broker that knows nothing
    // of this producer begins with whatever number comes first: it may have refused this record (a
    // leader that was not ready) and taken the next.
    delivery.status = Failure(FailureKind::unavailable, "acknowledged by a later record only");
  } else {
    delivery.offset = message.offset;
  }
  return delivery;
}

}  // namespace

struct Producer::Impl {
  ProducerSettings settings;
  std::shared_ptr<WakeFd> wake = std::make_shared<WakeFd>();

  // Guards which client there is, its topics and `dying`; held while a record is handed over, never
  // while waiting.
  std::mutex mutex;
  ClientHandle client;
  QueueHandle queue;  // read by the owner's thread without the mutex: only that thread replaces it
  std::map<std::string, TopicHandle, std::less<>> topics;
  bool dying = false;  // a fatal error was seen; the client only reports what it has

  std::vector<LogLine> logs;
  std::uint64_t rebuilds = 0;

  ~Impl();
  void adopt(ClientHandle fresh);
  void retire();
  void rebuild();
  rd_kafka_topic_t* topic(std::string_view name);
  rd_kafka_resp_err_t hand_over(const OutboundRecord& record, rd_kafka_topic_t* topic);
  void take(rd_kafka_event_t* event, std::vector<Delivery>& into);
  std::vector<Delivery> poll();
};

Producer::Impl::~Impl() {
  retire();
}

void Producer::Impl::adopt(ClientHandle fresh) {
  client = std::move(fresh);
  queue.reset(rd_kafka_queue_get_main(client.get()));
  rd_kafka_set_log_queue(client.get(), nullptr);
  wake_on_arrival(queue.get(), *wake);
  wake->signal();
}

void Producer::Impl::retire() {
  if (client == nullptr) return;
  topics.clear();
  wake_no_more(queue.get());
  queue.reset();
  destroy_within(std::move(client), wake, kDestroyLimit);
}

rd_kafka_topic_t* Producer::Impl::topic(std::string_view name) {
  auto it = topics.find(name);
  if (it == topics.end()) {
    std::string own(name);
    TopicHandle handle(rd_kafka_topic_new(client.get(), own.c_str(), nullptr));
    if (handle == nullptr) return nullptr;
    it = topics.emplace(std::move(own), std::move(handle)).first;
  }
  return it->second.get();
}

rd_kafka_resp_err_t Producer::Impl::hand_over(const OutboundRecord& record,
                                              rd_kafka_topic_t* topic) {
  HeadersHandle headers = to_headers(record.headers);
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      client.get(), RD_KAFKA_V_RKT(topic),
      RD_KAFKA_V_PARTITION(record.partition.value_or(RD_KAFKA_PARTITION_UA)),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(data(record.key), size(record.key)),
      RD_KAFKA_V_VALUE(const_cast<void*>(data(record.value)), size(record.value)),
      RD_KAFKA_V_HEADERS(headers.get()),
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the tag itself travels in the opaque pointer
      RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<std::uintptr_t>(record.tag))),
      RD_KAFKA_V_END);
  // Only a record that was accepted owns its headers.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) static_cast<void>(headers.release());
  return code;
}

void Producer::Impl::take(rd_kafka_event_t* event, std::vector<Delivery>& into) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
      while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
        into.push_back(to_delivery(*message));
      }
      return;
    case RD_KAFKA_EVENT_LOG:
      if (auto line = log_line(event)) {
        if (logs.size() == kLogLinesMax) logs.erase(logs.begin());
        logs.push_back(std::move(*line));
      }
      return;
    case RD_KAFKA_EVENT_ERROR:
      if (logs.size() == kLogLinesMax) logs.erase(logs.begin());
      logs.push_back({3, event_text(event)});
      return;
    default:
      return;
  }
}

void Producer::Impl::rebuild() {
  auto fresh = open_client(settings);
  if (!fresh) return;  // out of memory or threads: the next poll tries again
  std::vector<std::string> names;
  const std::lock_guard lock(mutex);
  for (const auto& [name, handle] : topics) names.push_back(name);
  retire();
  adopt(std::move(fresh).value());
  for (const std::string& name : names) topic(name);
  dying = false;
  ++rebuilds;
}

std::vector<Delivery> Producer::Impl::poll() {
  std::vector<Delivery> deliveries;
  while (deliveries.size() < kDeliveriesPerPoll) {
    const EventHandle event(rd_kafka_queue_poll(queue.get(), 0));
    if (event == nullptr) break;
    take(event.get(), deliveries);
  }
  if (rd_kafka_fatal_error(client.get(), nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    return deliveries;
  }
  {
    const std::lock_guard lock(mutex);
    dying = true;
  }
  rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                   RD_KAFKA_PURGE_F_NON_BLOCKING);
  if (rd_kafka_outq_len(client.get()) == 0) rebuild();
  return deliveries;
}

base::Result<std::unique_ptr<Producer>> Producer::open(const ProducerSettings& settings) {
  auto client = open_client(settings);
  if (!client) return client.failure();
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  impl->adopt(std::move(client).value());
  return std::unique_ptr<Producer>(new Producer(std::move(impl)));
}

Producer::Producer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Producer::~Producer() = default;

void Producer::prepare(const std::string& topic) {
  const std::lock_guard lock(impl_->mutex);
  impl_->topic(topic);
}

base::Status Producer::publish(const OutboundRecord& record) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->dying) {
    return Failure(FailureKind::unavailable, "the producer is being replaced");
  }
  rd_kafka_topic_t* topic = impl_->topic(record.topic);
  const rd_kafka_resp_err_t code =
      topic != nullptr ? impl_->hand_over(record, topic) : rd_kafka_last_error();
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Failure(publish_failure(code), error_text(code));
}

int Producer::wake_fd() const {
  return impl_->wake->fd();
}
void Producer::drain_wake() {
  impl_->wake->drain();
}
std::vector<Delivery> Producer::poll() {
  return impl_->poll();
}
std::vector<LogLine> Producer::take_logs() {
  return std::exchange(impl_->logs, {});
}
std::uint64_t Producer::rebuilds() const {
  return impl_->rebuilds;
}

std::vector<Delivery> Producer::flush(milliseconds limit) {
  std::vector<Delivery> all;
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    std::vector<Delivery> some = poll();
    std::ranges::move(some, std::back_inserter(all));
    if (rd_kafka_outq_len(impl_->client.get()) == 0) return all;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return all;
    if (!some.empty()) continue;
    pollfd waiting{impl_->wake->fd(), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left));
    impl_->wake->drain();
  }
}

}  // namespace spool::kafka
