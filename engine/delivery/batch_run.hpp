// One batch of a lane through one transaction, as a list of steps: decode, fence, apply, bury,
// advance, commit. Used by one executor. One bad event costs only itself: what cannot be decoded
// never reaches the transaction; what the database refuses is found by halving, under savepoints,
// in a second run.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/delivery/executor.hpp"

namespace spool::delivery {

class BatchRun {
 public:
  BatchRun(Store& store, Probe& probe, const Route& route);

  ApplyDone run(const LaneId& lane, const ApplyJob& job, base::EpochMicros now);

 private:
  // Where a staged event came from: (slice, index within it).
  using Origin = std::pair<std::uint32_t, std::uint32_t>;
  enum class Care { trusting, searching };

  void decode(const LaneId& lane, const ApplyJob& job, base::EpochMicros now);
  void stage_record(const LaneId& lane, const message::Record& record, Origin origin,
                    base::EpochMicros now);
  std::optional<message::Rejection> stage_event(const message::Event& event, base::EpochMicros now);
  base::Result<Committed> transact(const LaneId& lane, const ApplyJob& job, Care care);
  base::Status apply_and_bury(LaneTransaction& transaction, const LaneId& lane, const ApplyJob& job,
                              Care care);
  base::Status search(LaneTransaction& transaction, const LaneId& lane, const ApplyJob& job,
                      std::size_t first, std::size_t last);
  base::Status bury(LaneTransaction& transaction);
  Advance advance_of(const ApplyJob& job) const;
  void blame(const LaneId& lane, const ApplyJob& job, std::size_t staged,
             const base::Failure& failure);
  DeadLetter letter(const LaneId& lane, const message::Record& record, message::Rejection why,
                    std::string_view source, std::string_view id, std::string_view type) const;

  Store& store_;
  Probe& probe_;
  const Route& route_;
  message::EnvelopeReader reader_;
  std::unique_ptr<handler::Batch> batch_;

  // Of the batch at hand; memory is kept from one to the next.
  std::vector<Origin> origins_;          // of the staged events, in their order
  std::vector<DeadLetter> undecodable_;  // found before the transaction
  std::vector<DeadLetter> letters_;      // all that this run of the transaction buries
  std::int64_t newly_dead_ = 0;
  std::int64_t gaps_ = 0;
  std::int64_t last_offset_ = -1;
  std::int64_t last_timestamp_ms_ = -1;
  ApplyStatistics statistics_;
};

}  // namespace spool::delivery
