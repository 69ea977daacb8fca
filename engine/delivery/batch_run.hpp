// The events of one job through one transaction, as a list of steps: decide and stage, fence,
// apply, settle, advance, commit. Used by one executor. One bad event costs only itself: what
// cannot be decoded never reaches the handler; what the handler fails is left out in another round,
// with the later events of its key; what the database refuses is found by halving, under
// savepoints. Suspects (suspicion.hpp) run under a mark that is durable before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_book.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/route.hpp"
#include "engine/delivery/settlement.hpp"

namespace spool::delivery {

// What became of a batch besides the lane's new state, for metrics and logs.
struct RunStatistics {
  handler::ApplyCounts counts;
  std::vector<FailedEvent> failed;
  std::vector<std::string> dependencies_failed;  // one entry a failure
  std::vector<base::EpochMicros> lateness;       // of the heads that acted: start minus due
  std::vector<std::int32_t> attempts;            // of open events that reached their outcome
  std::int64_t duplicate_deaths = 0;             // events that were dead already
  std::int64_t lookups = 0;                      // in the inbox
  std::int64_t duplicates = 0;                   // of the inbox, and copies of dead letters
  std::int64_t held = 0;                         // events of the log that now wait
  std::int64_t records = 0;                      // attempts made or given up
  std::size_t asked = 0;                         // events that the handler was given to apply
  std::int64_t oldest_timestamp_ms = -1;
  int transactions = 0;  // 1, unless something had to be repeated or searched for
};

struct RunDone {
  base::Result<Committed> outcome;
  RunStatistics statistics;
};

class BatchRun {
 public:
  // Serves the lanes of one handler, one job at a time; all references outlive it.
  BatchRun(Store& store, Probe& probe, const Route& route);

  RunDone run(const LaneId& lane, const ApplyJob& job, base::EpochMicros now);
  RunDone run(const LaneId& lane, const DrainJob& job, base::EpochMicros now);
  // Of a handler that performs: what was scheduled is admitted again.
  RunDone run(const LaneId& lane, const AwakenJob& job, base::EpochMicros now);

 private:
  enum class Care { trusting, searching };

  void begin(const LaneId& lane, const DrainJob* drain, bool awaken);
  bool of_log() const { return drain_ == nullptr && !awaken_; }
  RunDone go(Footing footing, base::EpochMicros now);
  base::Status mark_trial(Footing& footing);
  base::Result<Committed> transact(const Footing& footing, Care care);
  base::Status load_page(LaneTransaction& transaction, const Footing& footing);
  base::Result<OpenPage> read_due(LaneTransaction& transaction);
  base::Status take_verdicts(LaneTransaction& transaction, const Footing& footing,
                             Settlement& settlement);
  base::Status answer_requests(LaneTransaction& transaction);
  base::Status ask_inbox(LaneTransaction& transaction);
  base::Status apply(LaneTransaction& transaction, const Footing& footing, Care care);
  base::Status take_in(const handler::ApplyCounts& applied);
  base::Status search(LaneTransaction& transaction, std::size_t first, std::size_t last);
  void blame(std::size_t staged, const base::Failure& failure);
  base::Status check_counts() const;
  base::Status finish(LaneTransaction& transaction, const Footing& footing, OpenBook& book,
                      Settlement& settlement, Committed& committed);
  base::Status tell(LaneTransaction& transaction, Settlement& settlement, Committed& committed);
  Advance advance_of(const Footing& footing, const Counters& delta) const;
  Committed unchanged(const Footing& footing) const;
  bool plain(Care care) const;
  void summarise(Settlement& settlement);
  static base::Failure another_round();

  Store& store_;
  Probe& probe_;
  const Route& route_;
  Attempts attempts_;

  // Of the job at hand.
  const LaneId* lane_ = nullptr;
  const DrainJob* drain_ = nullptr;
  bool awaken_ = false;
  std::optional<OpenPage> page_;
  std::optional<Trial> trial_;
  // By records that are copies of dead letters; in the order of the log, each letter once.
  std::vector<FoundLetter> asked_for_;
  std::vector<Telling> tellings_;  // of the transaction
  base::EpochMicros now_ = 0;
  bool again_ = false;  // what the round taught calls for another
  int rounds_ = 0;
  RunStatistics statistics_;
};

}  // namespace spool::delivery
