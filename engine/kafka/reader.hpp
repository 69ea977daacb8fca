// Reads the partitions that it is told to, of whatever topics, outside of any group: it subscribes
// to nothing and commits nothing. One for the retry topics of all handlers of a process. Owned and
// touched by one thread (wake_fd() is what other loops may wait on). Offsets are Kafka's. A record
// may come again; in doubt the reading begins too early, never too late. Expected failures are
// values; nothing throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "engine/base/result.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::kafka {

struct ReaderSettings {
  std::string bootstrap_servers;
  std::string client_id;
  // Never joined. librdkafka assigns nothing without one, and looks its coordinator up: a right to
  // describe it keeps the log quiet.
  std::string group = "spool.reader";
  // A fetch that is under way comes on top, as large again. A partition with more than this waiting
  // is read in steps, up to a second apart.
  std::size_t prefetch_bytes_per_partition = 256UL * 1024;
  Properties properties;
};

struct Position {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;  // of the first record to be read
};

class Reader {
 public:
  struct Batch {
    std::string topic;
    std::int32_t partition = 0;
    message::RecordBatch records;  // at least one, in the order of the log
    std::int64_t next_offset = 0;  // behind the last of them
  };

  struct PartitionFailed {
    std::string topic;
    std::int32_t partition = 0;
    // `not_found`: topic or partition does not exist; it is read from the moment it does.
    // `position`: it delivers nothing more until the next assign().
    base::Failure failure;
  };
  struct HandleFailed {
    base::Failure failure;
  };
  using Event = std::variant<std::monostate, PartitionFailed, HandleFailed, LogLine>;

  // Answers before anything is connected. Fails with `invalid` for bad settings.
  static base::Result<std::unique_ptr<Reader>> open(const ReaderSettings& settings);

  // For at most a few seconds; never hangs.
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Readable once something arrived. After a wake: drain_wake(), then poll() and poll_event(), each
  // until there is nothing more. Waking is for empty queues only: who stops before must poll again
  // without being asked.
  int wake_fd() const;
  void drain_wake();

  // From now on exactly these, each from its offset; nothing that was fetched before is delivered
  // afterwards. An offset that the log does not have, be it too low or too high, means the earliest
  // record that there is. What stays is fetched anew: give it the `next_offset` of its last batch.
  // Fails with `invalid` (a partition twice; nothing is read then), else `unavailable`.
  base::Status assign(std::span<const Position> positions);

  // Up to `records_max` records of one partition, or a little more than `bytes_max` bytes of
  // memory; the partitions take turns. Empty: there is nothing more. Both bounds above zero.
  std::optional<Batch> poll(std::size_t records_max, std::size_t bytes_max);

  // What else happened; monostate when there is nothing more. Of a topic, `not_found` is told once,
  // and again only after a record of it came; so is `unavailable`.
  Event poll_event();

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::kafka
