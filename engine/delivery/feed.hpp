// What was fetched for a lane and is not applied yet: slices of records in the order of the log,
// bounded in bytes. Part of a lane, under its rules. Offsets are Kafka's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/jobs.hpp"
#include "engine/delivery/position.hpp"

namespace spool::delivery {

class Feed {
 public:
  // A lane was taken that goes on at `next`.
  void begin(const FetchPlan& plan, bool compacted, std::int64_t next);
  void clear();

  // Records below what was fetched already are a repetition and are dropped; the first may be the
  // probe. Answers why the log cannot be the one that was read before, if so.
  std::optional<std::string> offer(message::RecordBatch records, Instant now);
  // The log ends here; false if it ends before `next`, though it went beyond when the lane was
  // taken.
  bool end_seen(std::int64_t log_end, std::int64_t next, Instant now);
  // The offset from which to fetch; what is buffered already stays. `moved`: the lane was placed
  // before. The first record fetched is the last one known, wherever there is one, to see that the
  // log is still the same.
  std::int64_t place(bool moved);

  // No record is awaited any more that tells whether the log is the same.
  bool proven() const { return !probe_timestamp_ms_; }
  bool empty() const { return slices_.empty(); }
  // The oldest slices, up to about so much, but one at least.
  std::vector<Slice> take(std::size_t events_max, std::size_t bytes_max);
  // What a job did not get to, or could not commit: everything from `next` on.
  void put_back(std::vector<Slice> slices, std::int64_t next);

  std::size_t bytes() const { return bytes_; }
  std::size_t records() const { return records_; }
  std::int64_t oldest_timestamp_ms() const;  // -1: none waits

 private:
  bool probe_fails(const message::RecordBatch& records);
  void push(message::RecordBatch records, std::int64_t end, Instant now);

  std::int64_t fetch_from_ = 0;
  std::optional<std::int64_t> probe_timestamp_ms_;
  bool compacted_ = false;
  std::int64_t newest_offset_ = -1;  // the last record fetched since the lane was taken
  std::int64_t newest_timestamp_ms_ = -1;
  std::int64_t fetched_to_ = 0;  // offset after the newest record or gap seen
  std::deque<Slice> slices_;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
};

}  // namespace spool::delivery
