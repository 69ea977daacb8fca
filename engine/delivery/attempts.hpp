// The events of one job and what is to become of each: which are staged for the handler, and which
// wait, fail or die without it. Fates are decided in the order of the events, round by round: what
// a round teaches (this one failed, that one is a duplicate) is known to the next, in which later
// events of the same key wait. Pure; owned by one BatchRun.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "engine/delivery/admission_batch.hpp"
#include "engine/delivery/domain_event.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_events.hpp"
#include "engine/delivery/route.hpp"
#include "engine/message/envelope.hpp"
#include "engine/message/identity.hpp"

namespace spool::delivery {

enum class Fate : std::uint8_t {
  apply,      // staged
  duplicate,  // settled before
  request,    // a copy of a dead letter: asks for its replay
  park,       // of the log: waits behind its key's head
  schedule,   // not due yet
  wait,       // of the open ones: stays as it is
  retry,      // failed, and will be tried again
  die,        // failed for good
  hold,       // admitted: waits for its turn in its key's order
};
inline constexpr std::size_t kFates = static_cast<std::size_t>(Fate::hold) + 1;

// Why an event is not simply applied.
struct Trouble {
  message::Rejection why;
  base::EpochMicros due = 0;  // of retry and schedule
  std::size_t rung = 0;       // of retry
  bool charged = true;        // of retry: the attempt counts
  bool in_doubt = false;      // of retry: it may have had its effect all the same
  std::string dependency = {};
};

class Attempts {
 public:
  explicit Attempts(const Route& route);

  // The events of a job, which outlives the rounds.
  void begin_log(const LaneId& lane, const ApplyJob& job, base::EpochMicros now);
  void begin_open(const LaneId& lane, const OpenPage& page, const Footing& footing,
                  base::EpochMicros now);
  // The same rows, which the caller learns the fates of from elsewhere; the others wait.
  void begin_given(const LaneId& lane, const OpenPage& page, const Footing& footing,
                   base::EpochMicros now);
  // This one must not run: it has ended the process too often.
  void condemn(std::size_t item);
  // Of the log: how many events there are, and the offset behind them.
  std::size_t events() const { return items_.size(); }
  std::int64_t events_end() const;

  // A round: decides and stages.
  void prepare();

  // What became known of an event; it holds from the next round on. A failure also at once: the
  // answer is whether an event that should have waited for its key comes after it, so that another
  // round is needed.
  void learn_duplicate(std::size_t item);
  void learn_ordinary(std::size_t item);  // no request after all
  bool learn_failure(std::size_t item, handler::EventFailure failure);
  // Of given rows: it has ended well; it must be admitted (again) first; its call has failed.
  void learn_done(std::size_t item) { known_.insert_or_assign(item, Known{Fate::apply, {}}); }
  void learn_unadmitted(std::size_t item);
  struct CallEnding {
    bool charged = true;  // false: this failure does not use up an attempt
    bool in_doubt = false;
    std::int32_t attempt = 0;  // the one that it is about
  };
  void learn_call_failure(std::size_t item, handler::EventFailure failure,
                          const CallEnding& ending);
  // What admission has made of the staged events; once they are in.
  void take_verdicts();
  // Later rounds are about the first `items_max` events only.
  void cut(std::size_t items_max);

  std::size_t size() const { return fates_.size(); }
  Fate fate(std::size_t item) const { return fates_[item]; }
  const Trouble& trouble(std::size_t item) const { return troubles_.at(item); }
  message::Record record(std::size_t item) const;
  const OpenRow* row(std::size_t item) const;  // null: from the log
  KeyHash key(std::size_t item);
  // Whose calls its own are counted with: all of one Kafka key; without one, nobody's.
  KeyHash group(std::size_t item);
  // As admission says, or its row.
  std::int16_t priority(std::size_t item) const;
  // Whether the fate of this event holds its key.
  bool holds_key(std::size_t item) const;
  std::int32_t life(std::size_t item) const;
  // Until when somebody may still be performing it, whom nobody remembers; 0: nobody is.
  base::EpochMicros doubt_until(std::size_t item) const;
  std::int32_t attempt(std::size_t item) const;
  // Reads it once more: identity and type, stand-ins where it has none.
  struct Named {
    std::string source;
    std::string id;
    std::string type;
  };
  Named name(std::size_t item);
  Cause cause(std::size_t item);

  handler::Batch& batch() { return *batch_; }
  // Null: the handler applies at once.
  AdmissionBatch* admissions() const { return admissions_; }
  const std::vector<std::uint32_t>& staged() const { return staged_; }
  // Staged events in their first life and who they are, for handlers with an inbox.
  const std::vector<std::uint32_t>& inbox_items() const { return inbox_items_; }
  const std::vector<message::Identity>& inbox_identities() const { return inbox_identities_; }
  bool has(Fate fate) const { return fate_counts_[static_cast<std::size_t>(fate)] > 0; }
  std::int64_t count(Fate fate) const { return fate_counts_[static_cast<std::size_t>(fate)]; }
  // All are to be applied, as far as is known.
  bool plain() const { return count(Fate::apply) == static_cast<std::int64_t>(fates_.size()); }
  bool no_room() const { return no_room_; }

  // Of the log: where the round ends, and what it passes.
  std::int64_t to() const { return to_; }
  std::int64_t gaps() const { return gaps_; }
  std::int64_t last_offset() const { return last_offset_; }
  std::int64_t last_timestamp_ms() const { return last_timestamp_ms_; }

 private:
  struct Item {
    std::uint32_t slice;
    std::uint32_t index;
  };
  struct Known {
    Fate fate;
    Trouble trouble;
  };

  Fate decide(std::size_t item);
  Named named(const std::variant<message::Event, message::NotAnEvent>& read,
              const message::Record& at) const;
  bool names_life(std::size_t item) const {  // of the log
    return log_->slices[items_[item].slice].records.names_life(items_[item].index);
  }
  Fate read_and_stage(std::size_t item);
  Fate reject(std::size_t item, message::Rejection why);
  Fate dispose(std::size_t item, handler::EventFailure failure, Trouble& trouble);
  Fate follow(const Disposition& disposition, Trouble& trouble) const;
  FailedAttempt failed_attempt(std::size_t item, const handler::EventFailure& failure) const;
  handler::Staging stage(const message::Event& event, std::size_t item);
  bool waits_for_key(std::size_t item);
  KeyHash make_key(std::size_t item);
  bool fits(std::size_t item, Fate fate);
  void set_fate(std::size_t item, Fate fate);
  void find_end();

  const Route& route_;
  message::EnvelopeReader reader_;
  std::unique_ptr<handler::Batch> batch_;
  AdmissionBatch* admissions_ = nullptr;  // what batch_ is, where the handler performs

  const LaneId* lane_ = nullptr;
  const ApplyJob* log_ = nullptr;
  const OpenPage* page_ = nullptr;
  const Footing* footing_ = nullptr;
  bool given_ = false;
  base::EpochMicros now_ = 0;
  std::vector<Item> items_;
  bool complete_ = true;  // items_ are all that the job's slices hold
  std::unordered_map<std::size_t, Known> known_;
  std::vector<std::optional<KeyHash>> keys_;  // of the log, those that had to be computed
  // Of the round.
  std::unordered_map<std::size_t, KeyHash> admitted_keys_;
  std::unordered_map<std::size_t, std::int16_t> admitted_priorities_;

  // Of the round.
  std::vector<Fate> fates_;
  std::int64_t fate_counts_[kFates] = {};
  std::unordered_map<std::size_t, Trouble> troubles_;
  std::unordered_set<KeyHash, KeyHashOf> blocked_;
  std::unordered_map<KeyHash, std::int64_t, KeyHashOf> joined_;  // events that wait, by key
  std::vector<std::uint32_t> staged_;
  std::vector<std::uint32_t> inbox_items_;
  std::vector<message::Identity> inbox_identities_;
  std::int64_t opened_ = 0;
  std::int64_t opened_bytes_ = 0;
  bool no_room_ = false;
  std::int64_t to_ = 0;
  std::int64_t gaps_ = 0;
  std::int64_t last_offset_ = -1;
  std::int64_t last_timestamp_ms_ = -1;
};

// A record that is a dead letter's copy, published by hand: which life it asks to replay. Both the
// life and the marks of a dead-letter copy are needed: a retry record carries the life too, and may
// arrive after its event has died in it.
std::optional<std::int32_t> asked_life(const message::Record& record);

// Any number will do that differs from event to event and is the same when the job runs again.
std::uint64_t dice_of(const message::Record& record, std::int32_t attempt);

// What a held event costs of the lane's bound.
std::int64_t held_bytes(const message::Record& record);

}  // namespace spool::delivery
