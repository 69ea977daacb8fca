// One member of a consumer group, for one topic: joins, says what is assigned and revoked, and
// hands out records partition by partition, each from a queue of its own, so that a partition
// nobody polls keeps its records while the others flow. PostgreSQL says where a partition starts;
// the group's committed offsets serve lag tools only. Owned and touched by one thread (wake_fd() is
// what other loops may wait on). Offsets are Kafka's. Expected failures are values; nothing throws.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::kafka {

struct ConsumerSettings {
  std::string bootstrap_servers;
  std::string group;
  std::string topic;
  std::string client_id;
  std::string group_instance_id;  // static membership; empty: none
  // range or roundrobin. Cooperative assignors are refused: they need incremental answers, and the
  // ones of this librdkafka end the process when a member closes before its first assignment.
  std::string assignor = "range";
  std::chrono::milliseconds session_timeout{10000};
  std::chrono::milliseconds heartbeat{500};
  // Below a second's worth of a partition's traffic the fetcher stalls up to a second at a time.
  std::size_t prefetch_bytes_per_partition = 16UL * 1024 * 1024;
  Properties properties;
};

// Where a partition starts, or how far it has come: the next offset.
struct Start {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string note = {};  // of a commit: kept by the group beside the offset
};

class Consumer {
 public:
  struct Assigned {
    std::vector<std::int32_t> partitions;
  };
  struct Revoked {
    std::vector<std::int32_t> partitions;
    bool lost = false;  // others may own them already
  };
  struct PartitionFailed {
    std::int32_t partition = 0;
    base::Failure failure;
  };
  struct HandleFailed {
    base::Failure failure;
    bool fatal = false;  // this consumer will never deliver again (e.g. fenced by its instance id)
  };
  struct OffsetsCommitted {
    base::Status status;
    std::vector<Start> starts;  // those of one request; what of a commit() is left out was replaced
  };
  using Event = std::variant<std::monostate, Assigned, Revoked, PartitionFailed, HandleFailed,
                             LogLine, OffsetsCommitted>;

  struct Polled {
    std::size_t records = 0;
    // The end of the partition is reached: everything below is delivered or will never be (control
    // and compacted records). Set only if no record came after it.
    std::optional<std::int64_t> end_offset;
    // `position`: the log does not have the offset that was asked for; compare with the watermarks
    // before believing it. The partition delivers nothing more until the next assign().
    // `not_found`: topic or partition is gone.
    std::optional<base::Failure> failure;
    bool emptied = false;  // nothing is left; the descriptor wakes when there is
  };

  // Subscribes; answers before anything is connected. Fails with `invalid` for bad settings.
  static base::Result<std::unique_ptr<Consumer>> open(const ConsumerSettings& settings);

  // Leaves the group as close() does, for at most a few seconds, and never hangs.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Readable once something arrived. After a wake: drain_wake(), then poll() and the partitions
  // that have room, each until it is empty. Waking is for empty queues only: a partition that was
  // left with records must be polled again without being asked.
  int wake_fd() const;
  void drain_wake();

  // What happened to the group and the client; monostate when there is nothing more.
  Event poll();

  // Appends up to `records_max` records, or a little more than `bytes_max` bytes of memory, to
  // `into`.
  Polled poll_partition(std::int32_t partition, message::RecordBatch& into, std::size_t records_max,
                        std::size_t bytes_max);

  // Answers Assigned, and may be called again until Revoked: from now on exactly these partitions,
  // each from its offset. Nothing that was fetched before is delivered afterwards. Fails with
  // `stopped` between Revoked and unassign() and after close(). An empty list is an answer too;
  // without any the group cannot rebalance again.
  base::Status assign(std::span<const Start> starts);

  // Answers Revoked.
  void unassign();

  // The partition's end (next offset to be written) as the last fetch reported it; asks nobody.
  // Empty: not known yet.
  std::optional<std::int64_t> cached_end(std::int32_t partition) const;

  // Tells the group how far we are. Asynchronous, one request at a time; what is said of a
  // partition meanwhile goes with the next one. The answers come as OffsetsCommitted, but for what
  // a revocation overtakes.
  void commit(std::span<const Start> next_offsets);

  // Leaves the group: go on with poll() (a Revoked may come) until closed().
  void close();
  bool closed() const;

 private:
  struct Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::kafka
