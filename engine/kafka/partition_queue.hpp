// The queue of one assigned partition: the way of every record out of librdkafka into a batch of
// ours. Private to this folder; belongs to one Consumer or Reader and dies before it.
#pragma once

#include <vector>

#include "engine/kafka/consumer.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/wake_fd.hpp"

namespace spool::kafka {

class PartitionQueue {
 public:
  // To be made before the partition is assigned, or its first records go to the consumer's common
  // queue.
  PartitionQueue(rd_kafka_t* client, const std::string& topic, Start start, const WakeFd& wake);
  ~PartitionQueue();
  PartitionQueue(const PartitionQueue&) = delete;
  PartitionQueue& operator=(const PartitionQueue&) = delete;

  std::int32_t partition() const { return start_.partition; }
  Consumer::Polled poll(message::RecordBatch& into, std::size_t records_max, std::size_t bytes_max);

 private:
  void take(rd_kafka_event_t* event, message::RecordBatch& into, Consumer::Polled& polled);
  void append(const rd_kafka_message_t& message, message::RecordBatch& into);
  void take_error(rd_kafka_event_t* event, Consumer::Polled& polled);

  QueueHandle queue_;
  Start start_;
  std::int64_t expected_;                 // no offset below this is delivered
  std::vector<message::Header> headers_;  // of the record at hand; kept for its memory
};

}  // namespace spool::kafka
