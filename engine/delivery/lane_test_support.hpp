// For tests of one lane: records, what the database would have answered, and a lane that is driven
// job by job. The database's clock shows kDatabase when ours shows kStart.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "engine/delivery/lane.hpp"

namespace spool::delivery::test {

inline constexpr Instant kStart{};
inline constexpr base::EpochMicros kDatabase = 1'800'000'000'000'000;

inline Moment moment(Instant now) {
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - kStart);
  return {now, kDatabase + passed.count()};
}

inline std::optional<Instant> wake(const Lane& lane, Instant now = kStart) {
  return lane.wake_at(moment(now));
}

inline LaneLimits small_limits() {
  LaneLimits limits;
  limits.outbox_rows_max = 2;
  // Time stands still in most tests.
  limits.outbox_every = limits.gather = std::chrono::milliseconds(0);
  return limits;
}

inline message::RecordBatch records(std::int64_t first, std::int64_t last,
                                    std::int64_t timestamp_ms = 5) {
  message::RecordBatch batch;
  for (std::int64_t offset = first; offset <= last; ++offset) {
    message::Record record;
    record.offset = offset;
    record.timestamp_ms = timestamp_ms;
    record.value = "value";
    batch.append(record);
  }
  return batch;
}

inline Taken taken(std::int64_t next, LogBounds bounds, std::int64_t last_timestamp_ms = -1) {
  Taken taken;
  taken.state.epoch = 1;
  taken.state.claim = {base::random_uuid(), 1};
  taken.state.next = next;
  taken.state.counters.applied = next;
  taken.state.last_offset = next - 1;
  taken.state.last_timestamp_ms = last_timestamp_ms;
  taken.bounds = bounds;
  return taken;
}

inline Lane running(const LaneLimits& limits) {
  Lane lane{LaneId{"handler", 0}, limits};
  EXPECT_TRUE(lane.next_job(moment(kStart), {}));
  lane.finish_take(taken(0, {0, 100}), kStart);
  lane.place();
  return lane;
}

// A commit that changes nothing but the claim.
inline Committed committed(const Footing& footing) {
  Committed done;
  done.claim = {footing.claim.token, footing.claim.seq + 1};
  done.advance.from = done.advance.to = footing.next;
  done.open.next_number = footing.next_number;
  done.suspicion = footing.suspicion;
  return done;
}

// Everything of the job is applied.
inline Committed committed(const ApplyJob& job, bool outbox = false) {
  Committed done = committed(job.footing);
  done.advance.to = job.to();
  done.advance.last_offset = job.to() - 1;
  done.advance.last_timestamp_ms = 5;
  done.advance.delta.applied = job.to() - job.footing.next;
  done.survived = done.advance.delta.applied;
  done.outbox_written = outbox;
  return done;
}

class LaneTest : public testing::Test {
 protected:
  template <typename Kind>
  Kind begin(Instant now = kStart, const Gate& gate = {}) {
    auto job = lane.next_job(moment(now), gate);
    const bool right = job && std::holds_alternative<Kind>(*job);
    EXPECT_TRUE(right) << "job " << (job ? static_cast<int>(job->index()) : -1);
    if (!right) std::abort();
    return std::get<Kind>(std::move(*job));
  }

  void take(Taken state) {
    begin<TakeJob>();
    lane.finish_take(std::move(state), kStart);
  }

  void run(std::int64_t next = 0, LogBounds bounds = {0, 100}) {
    take(taken(next, bounds));
    lane.place();
    ASSERT_EQ(lane.phase(), LanePhase::running);
  }

  void apply(bool outbox = false, Instant now = kStart) {
    auto job = begin<ApplyJob>(now);
    auto done = committed(job, outbox);
    lane.finish_apply(std::move(job), std::move(done), now);
  }

  // Rows `1..rows` are handed out.
  void hand_out(std::size_t rows) {
    begin<ReadOutboxJob>();
    lane.finish_read_outbox(rows, kStart);
  }

  Lane lane{LaneId{"handler", 0}, small_limits()};
};

}  // namespace spool::delivery::test
