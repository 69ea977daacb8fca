#include "engine/kafka/partition_queue.hpp"

#include <algorithm>
#include <utility>

#include "engine/kafka/client.hpp"
#include "engine/kafka/error_map.hpp"

namespace spool::kafka {
namespace {

std::optional<std::string_view> bytes(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

PartitionQueue::PartitionQueue(rd_kafka_t* client, const std::string& topic, Start start,
                               const WakeFd& wake)
    : queue_(rd_kafka_queue_get_partition(client, topic.c_str(), start.partition)),
      start_(std::move(start)),
      expected_(start_.offset) {
  SPOOL_ASSERT(queue_ != nullptr, "librdkafka gives a consumer's partition no queue");
  rd_kafka_queue_forward(queue_.get(), nullptr);
  wake_on_arrival(queue_.get(), wake);
}

PartitionQueue::~PartitionQueue() {
  wake_no_more(queue_.get());
}

Consumer::Polled PartitionQueue::poll(message::RecordBatch& into, std::size_t records_max,
                                      std::size_t bytes_max) {
  Consumer::Polled polled;
  const std::size_t bytes_before = into.bytes();
  while (polled.records < records_max && into.bytes() - bytes_before < bytes_max) {
    const EventHandle event(rd_kafka_queue_poll(queue_.get(), 0));
    if (event == nullptr) {
      polled.emptied = true;
      break;
    }
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_FETCH) {
      take(event.get(), into, polled);
    } else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
      take_error(event.get(), polled);
      if (polled.failure) break;
    }
  }
  return polled;
}

void PartitionQueue::take(rd_kafka_event_t* event, message::RecordBatch& into,
                          Consumer::Polled& polled) {
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
    // After a change of leader librdkafka 2.0 may fetch again what it delivered.
    if (message->offset < expected_) continue;
    append(*message, into);
    expected_ = message->offset + 1;
    ++polled.records;
    polled.end_offset.reset();
  }
}

void PartitionQueue::append(const rd_kafka_message_t& message, message::RecordBatch& into) {
  headers_.clear();
  rd_kafka_headers_t* raw = nullptr;  // belongs to the message
  if (rd_kafka_message_headers(&message, &raw) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(raw, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      headers_.push_back({name, bytes(value, size)});
    }
  }
  message::Record record;
  record.offset = message.offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
  record.timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp;
  record.key = bytes(message.key, message.key_len);
  record.value = bytes(message.payload, message.len);
  record.headers = headers_;
  into.append(record);
}

void PartitionQueue::take_error(rd_kafka_event_t* event, Consumer::Polled& polled) {
  const PartitionHandle where(rd_kafka_event_topic_partition(event));
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
  if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (where == nullptr || where->offset < expected_) return;
    expected_ = where->offset;
    polled.end_offset = where->offset;
    return;
  }
  const base::FailureKind kind = consume_failure(code);
  // Position errors pass librdkafka's version barrier: one may be of an earlier assignment.
  if (kind == base::FailureKind::position && where != nullptr && where->offset < start_.offset) {
    return;
  }
  polled.failure.emplace(kind, event_text(event));
}

}  // namespace spool::kafka
