// Owners of librdkafka's C objects. Private to this folder: only its .cpp files and the private
// headers beside them include this. Every object that goes through a client must be gone before the
// client is: one that is left makes rd_kafka_destroy() wait for ever.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

namespace spool::kafka {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using ClientHandle = std::unique_ptr<rd_kafka_t, Deleter<rd_kafka_destroy>>;
using ConfHandle = std::unique_ptr<rd_kafka_conf_t, Deleter<rd_kafka_conf_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, Deleter<rd_kafka_error_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Deleter<rd_kafka_topic_destroy>>;
using HeadersHandle = std::unique_ptr<rd_kafka_headers_t, Deleter<rd_kafka_headers_destroy>>;
using PartitionHandle =
    std::unique_ptr<rd_kafka_topic_partition_t, Deleter<rd_kafka_topic_partition_destroy>>;
using PartitionsHandle = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                         Deleter<rd_kafka_topic_partition_list_destroy>>;

inline std::string error_text(rd_kafka_resp_err_t code) {
  return std::string(rd_kafka_err2name(code)) + ": " + rd_kafka_err2str(code);
}

inline std::string event_text(rd_kafka_event_t* event) {
  const char* text = rd_kafka_event_error_string(event);
  return std::string(rd_kafka_err2name(rd_kafka_event_error(event))) + ": " +
         (text != nullptr ? text : "");
}

}  // namespace spool::kafka
