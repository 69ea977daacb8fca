// The process's one producer: idempotent, acknowledged by all replicas. publish() and prepare() may
// be called by any thread; poll(), flush() and the rest by one thread, the owner's. A record's fate
// comes back under its tag, exactly once. `unavailable` means nobody knows or nobody tried: publish
// again (readers recognise the second copy); `refused` means this record never will be accepted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::kafka {

struct ProducerSettings {
  std::string bootstrap_servers;
  std::string client_id;
  std::chrono::milliseconds linger{1};  // more: larger batches, later acknowledgements
  std::string compression = "lz4";      // none, gzip, snappy, lz4, zstd
  // How long an unacknowledged record is tried; while the broker is away the report may come
  // seconds later.
  std::chrono::milliseconds delivery_timeout{30000};
  // The largest record that is sent at all; above every topic's own max.message.bytes, so that the
  // broker decides.
  std::size_t message_bytes_max = 8UL * 1024 * 1024;
  // Several records travel as one batch, and a broker compares the batch with the topic's
  // max.message.bytes: this must stay below the smallest of those, or small records are refused for
  // their company.
  std::size_t batch_bytes = 64UL * 1024;
  Properties properties;
};

// Everything is copied by publish().
struct OutboundRecord {
  std::string_view topic;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const message::Header> headers;
  std::optional<std::int32_t> partition;  // none: by the key, as every Kafka client does
  std::uint64_t tag = 0;
};

struct Delivery {
  std::uint64_t tag = 0;
  base::Status status;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
};

class Producer {
 public:
  // Answers before anything is connected. Fails with `invalid` for bad settings.
  static base::Result<std::unique_ptr<Producer>> open(const ProducerSettings& settings);

  // Bounded in time; what is not acknowledged is given up without a report.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // To be called at start for each output topic: the first record to a topic unheard of waits up to
  // a second.
  void prepare(const std::string& topic);

  // Never blocks. On failure there will be no Delivery: `unavailable` when the queue is full or the
  // client is being replaced, `refused` when librdkafka itself would never send this record.
  base::Status publish(const OutboundRecord& record);

  // Readable once something arrived. After a wake: drain_wake(), then poll() until it returns
  // nothing.
  int wake_fd() const;
  void drain_wake();

  // Delivery reports. A client that died of a fatal error (idempotence) is replaced in here, after
  // everything that it had not acknowledged was reported as `unavailable`.
  std::vector<Delivery> poll();
  std::vector<LogLine> take_logs();  // the newest few hundred since the last call
  std::uint64_t rebuilds() const;    // how often the client was replaced

  // For command lines: polls until every record has its report, or `limit` has passed.
  std::vector<Delivery> flush(std::chrono::milliseconds limit);

 private:
  struct Impl;
  explicit Producer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::kafka
