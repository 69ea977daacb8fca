// Calls that have ended and heads whose turn has come, in one transaction of a lane whose handler
// performs: the ends are settled, the heads marked as begun, durably, before anybody calls. Used by
// one executor.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/batch_run.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_book.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/route.hpp"
#include "engine/delivery/settlement.hpp"

namespace spool::delivery {

class CallsRun {
 public:
  // Serves the lanes of one handler that performs, one job at a time; all references outlive it.
  CallsRun(Store& store, Probe& probe, const Route& route);

  RunDone run(const LaneId& lane, const CallsJob& job, base::EpochMicros now);

 private:
  base::Result<Committed> transact(const CallsJob& job);
  base::Status load(LaneTransaction& transaction, const CallsJob& job);
  void judge_ends(const CallsJob& job);
  void judge(std::size_t item, const CallEnd& end);
  std::optional<base::EpochMicros> later(
      const std::optional<std::chrono::milliseconds>& wait) const;
  base::Status open_heads(LaneTransaction& transaction, const CallsJob& job, Committed& committed);
  void choose(const CallsJob& job);
  void take_opening(std::size_t item, handler::Opening& opening, Committed& committed);
  // Tells the handler what became of these items, as their fates are.
  base::Status tell_handler(LaneTransaction& transaction, const std::vector<std::size_t>& items);
  handler::Settling settling(std::size_t item) const;
  void take_told(const std::vector<handler::DomainEvent>& told,
                 const std::vector<std::size_t>& items);
  base::Status mark(LaneTransaction& transaction, OpenBook& book, const Committed& committed);
  void summarise(Settlement& settlement, const Committed& committed);

  Store& store_;
  Probe& probe_;
  const Route& route_;
  Attempts attempts_;

  // Of the job at hand.
  const LaneId* lane_ = nullptr;
  OpenPage page_;
  base::EpochMicros now_ = 0;
  std::map<std::int64_t, std::size_t> items_;  // of rows, by number
  std::vector<std::size_t> ended_;             // items whose calls have ended
  std::vector<std::size_t> turns_;             // items that are to be opened
  std::vector<std::size_t> opened_ended_;      // of these, what ended or failed at once
  std::map<std::size_t, handler::AnswerPtr> answers_;
  std::map<std::size_t, HeadMark> marks_;            // items that stay, and how
  std::vector<std::pair<KeyHash, KeyHash>> groups_;  // of keys that had no room
  std::vector<Telling> tellings_;
  std::map<std::pair<std::size_t, std::string>, std::int32_t> told_numbers_;
  RunStatistics statistics_;
};

}  // namespace spool::delivery
