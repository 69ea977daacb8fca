// What the delivery core needs from outside: a store that keeps lanes in transactions, and the
// words that pass between them. The shells (engine/store over PostgreSQL) and the simulator
// implement it; the core knows neither.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/delivery/commands.hpp"
#include "engine/delivery/domain_event.hpp"
#include "engine/delivery/open_events.hpp"
#include "engine/delivery/suspicion.hpp"
#include "engine/handler/handler.hpp"
#include "engine/message/identity.hpp"

namespace spool::delivery {

// One partition number of one handler.
struct LaneId {
  std::string handler;
  std::int32_t partition = 0;
  friend bool operator==(const LaneId&, const LaneId&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): false, it sees the 0 of the synthesised comparison
  friend auto operator<=>(const LaneId&, const LaneId&) = default;
};

// What an owner must show at the start of every transaction: the token of its own taking and the
// sequence number that its last commit left. Anything else is another owner, or a database that
// lost what it had confirmed.
struct Claim {
  base::Uuid token;
  std::int64_t seq = 0;
  friend bool operator==(const Claim&, const Claim&) = default;
};

// Conservation (rule 12): next - start = applied + duplicate + dead + open + gaps + lost.
struct Counters {
  std::int64_t applied = 0;  // stale and coalesced ones included
  std::int64_t duplicate = 0;
  std::int64_t dead = 0;
  std::int64_t open = 0;
  std::int64_t gaps = 0;  // control and compacted records
  std::int64_t lost = 0;
  std::int64_t sum() const { return applied + duplicate + dead + open + gaps + lost; }
  friend bool operator==(const Counters&, const Counters&) = default;
};

// A lane as the database remembers it when it is taken.
struct LaneState {
  std::int64_t epoch = 0;
  Claim claim;
  std::int64_t start = 0;  // first offset ever counted
  std::int64_t next = 0;   // next offset to apply
  // The last record below `next`, by which a recreated topic is recognised; -1: there was none yet,
  // or it carried no timestamp.
  std::int64_t last_offset = -1;
  std::int64_t last_timestamp_ms = -1;
  Counters counters;
  bool outbox_pending = false;  // rows wait to be published
  OpenSummary open;
  Suspicion suspicion;
  // Events before this offset may have been performed by somebody whom the database has forgotten:
  // they are asked about first, not before `doubt_until`.
  std::int64_t doubt_below = 0;
  base::EpochMicros doubt_until = 0;
  bool set_back = false;  // it was found with this taking
  // Where each of its retry topics' partitions goes on, by topic; the others begin at their
  // earliest record.
  std::map<std::string, std::int64_t> companions;
};

// The step of a position within one transaction: offsets [from, to) and what became of them.
struct Advance {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t last_offset =
      -1;  // of the last record among them; -1: they are gaps, the lane's mark stays
  std::int64_t last_timestamp_ms = -1;
  Counters delta;
};

// An event that cannot be applied, on its way into dead_letters and, through the outbox, to the
// dead-letter topic. The views point into the records of the batch.
struct DeadLetter {
  std::string source;
  std::string id;
  std::string type;  // of the event, empty if unknown
  message::Record record;
  message::Rejection why;
  KeyHash key;
  std::int32_t life = 0;
  std::int32_t attempts = 1;              // made in this life
  base::EpochMicros first_failed_at = 0;  // 0: with this attempt
  std::int64_t open_number = -1;          // its row among the open events, if it has one
};

// A row of the outbox, ready to be published.
struct OutboxRow {
  std::int64_t number = 0;  // ascending in the order of writing, per lane
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

// A row that Kafka refused for good, with its reason.
struct RefusedRow {
  std::int64_t number = 0;
  std::string error;
};

enum class Durability {
  relaxed,  // a database crash may lose it, together with the position it moved
  durable,  // survives a crash once commit() has answered
};

// The `sqlstate` of a bad_data Failure that stands for an exception which the handler threw.
inline constexpr const char* kHandlerThrew = "HBUG1";

// One transaction of one lane. Destroying it without commit() rolls back. Used by one thread.
class LaneTransaction {
 public:
  virtual ~LaneTransaction() = default;

  // The first statement of every transaction: compares and bumps. With `advance`, moves the
  // position in the same round trip. Fails with `fenced` when the claim is no longer the lane's.
  virtual base::Status fence(const Claim& claim, const Advance* advance) = 0;
  virtual base::Status advance(const Advance& advance) = 0;
  // The position leaves a log that is not there any more for `to` in the one that is. What was
  // counted stays counted; nobody is suspect in the new one.
  virtual base::Status restart(std::int64_t from, std::int64_t to) = 0;

  virtual base::Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                                   std::size_t last) = 0;
  // Savepoints nest; the last two end the innermost one, undoing or keeping what was done since.
  virtual base::Status savepoint() = 0;
  virtual base::Status rollback_to_savepoint() = 0;
  virtual base::Status release_savepoint() = 0;

  // Buries each in dead_letters and writes the outbox row of each that is newly dead: which those
  // were, letter by letter. A life ends dead once; the others are copies of what is dead already.
  virtual base::Result<std::vector<bool>> bury(std::span<const DeadLetter> letters) = 0;

  // Writes the outbox rows of what other systems are told; of none, where nobody is to be told.
  virtual base::Status tell(std::span<const Telling> tellings) = 0;

  // Open events. Rows that failed leave a retry record in the outbox.
  virtual base::Status open(std::span<const OpenEvent> events) = 0;
  virtual base::Status reschedule(std::span<const Reschedule> heads) = 0;
  // Ends the rows. Of one that a replay began and that did not die again, the dead letter is
  // resolved.
  virtual base::Status close(std::span<const std::int64_t> numbers) = 0;
  // The row stays and holds its key, dead.
  virtual base::Status block(std::span<const std::int64_t> numbers) = 0;
  // The first parked row of each key becomes its head, due at `due`: in the order of `keys`.
  virtual base::Result<std::vector<Promoted>> promote(std::span<const KeyHash> keys,
                                                      base::EpochMicros due) = 0;
  // These heads and what is parked behind them, key by key, in order: at most `events_max` rows in
  // all, shared out evenly, and about `bytes_max`, but one of each key of the first few at least.
  virtual base::Result<OpenPage> read_open(std::span<const HeadRef> heads, std::size_t events_max,
                                           std::size_t bytes_max) = 0;
  // Scheduled rows that are due, the earliest first, without their records.
  virtual base::Result<std::vector<OpenRow>> read_scheduled(base::EpochMicros due,
                                                            std::size_t rows_max) = 0;
  virtual base::Status awaken(std::span<const Awakening> rows) = 0;
  // Heads and parked rows that turn out not to be due become scheduled.
  virtual base::Status postpone(std::span<const Postponement> rows) = 0;
  // These rows with their records and names; those that there are, by number.
  virtual base::Result<OpenPage> read_rows(std::span<const std::int64_t> numbers) = 0;
  // The rows of these events; those that there are.
  virtual base::Result<std::vector<OpenRow>> find_open(
      std::span<const message::Identity> events) = 0;
  // Heads that are begun, or are not after all.
  virtual base::Status mark(std::span<const HeadMark> heads) = 0;
  // The handler's own part, where it performs.
  virtual base::Result<handler::Opened> open_calls(const handler::PerformThenSettle& way,
                                                   std::span<const handler::Turn> turns) = 0;
  virtual base::Result<handler::SettledRows> settle_calls(
      const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) = 0;
  virtual base::Result<std::optional<base::EpochMicros>> next_scheduled() = 0;

  // The inbox: which of these were settled before, and those that now are.
  virtual base::Result<std::vector<bool>> seen(std::span<const message::Identity> events) = 0;
  virtual base::Status remember(std::span<const message::Identity> events) = 0;

  // Dead letters by identity, whatever their state; those that there are.
  virtual base::Result<std::vector<FoundLetter>> find_letters(
      std::span<const ReplayRequest> requests) = 0;
  virtual base::Status revive(std::span<const Revival> revivals) = 0;

  // Commands.
  virtual base::Result<CommandTargets> targets(const Command& command, std::size_t page_max) = 0;
  // Discards, restores or erases, as the command says.
  virtual base::Status settle_letters(const Command& command,
                                      std::span<const base::Uuid> letters) = 0;
  virtual base::Status hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) = 0;
  virtual base::Status prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) = 0;
  virtual base::Status finish_page(const Command& command, const CommandCount& count,
                                   bool last) = 0;

  // What follows may take so long, whatever limit the session has.
  virtual base::Status allow(std::chrono::milliseconds limit) = 0;

  virtual base::Status suspect(const Suspicion& suspicion) = 0;
  virtual base::Status move_companions(const std::map<std::string, std::int64_t>& next) = 0;
  // The owner lets go of the lane: whoever takes it next need suspect nothing.
  virtual base::Status let_go() = 0;

  // Forgets published outbox rows, keeps refused ones with their error.
  virtual base::Status settle_outbox(std::span<const std::int64_t> published,
                                     std::span<const RefusedRow> refused) = 0;

  // `in_doubt` when the connection was lost before the answer came.
  virtual base::Status commit(Durability durability) = 0;
};

// A lane's claim as the database has it now.
struct ClaimSeen {
  LaneId lane;
  Claim claim;
};

struct LaneCommand {
  LaneId lane;
  Command command;
};

// [low, high): what a partition holds; `high` is the next offset to be written.
struct LogBounds {
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::int32_t partitions = 0;  // of the whole topic
  bool compacted = false;       // records may vanish before retention takes them
  std::string cluster = {};     // the cluster's own id
};

// A transaction of a lane: the taking that it belongs to, and its number. A process that has lost
// the lane, and whom a database that was set back takes for its owner again, counts on from the old
// number, but in the old epoch.
struct LaneMark {
  std::int64_t epoch = 0;  // 0: there was none
  std::int64_t seq = 0;
  friend auto operator<=>(const LaneMark&, const LaneMark&) = default;  // NOLINT: see LaneId
};

// What others than the database remember of a lane, to be compared with what it says: a database
// that is behind them has been set back (a restore, a failover), and what was called since nobody
// remembers but the services themselves.
struct Witness {
  LaneMark mark;             // of a transaction that was confirmed
  std::int64_t log_end = 0;  // the next offset to be written
  // How long a call that somebody has begun may still go on; 0: the handler calls nobody.
  base::EpochMicros call_length = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // Whether the lane may exist, by what was written down when the handler's first lane was taken.
  // Fails with `position` if the log is another cluster's: its offsets are not ours. Fails with
  // `schema` if the topic has grown and this partition is new: a key's events would be in two
  // lanes.
  virtual base::Status admit(const LaneId& lane, const std::string& topic,
                             const LogBounds& bounds) = 0;

  // Makes the caller the owner: new epoch, fresh token, committed durably, with the suspicion that
  // the end of the last owner leaves. `earliest` is where a lane without a row starts. Fails with
  // `slow` while a frozen owner holds the row.
  virtual base::Result<LaneState> take(const LaneId& lane, const std::string& topic,
                                       std::int64_t earliest, const Witness& witness) = 0;

  virtual base::Result<std::unique_ptr<LaneTransaction>> begin(const LaneId& lane) = 0;

  // The claims of these lanes, for owners that would otherwise not notice that they lost them.
  virtual base::Result<std::vector<ClaimSeen>> claims(std::span<const LaneId> lanes) = 0;

  // The oldest rows that wait to be published (refused ones do not), at most `rows_max`.
  virtual base::Result<std::vector<OutboxRow>> outbox(const LaneId& lane, std::size_t rows_max) = 0;

  // What operators have asked of these lanes and is not finished.
  virtual base::Result<std::vector<LaneCommand>> commands(std::span<const LaneId> lanes) = 0;

  // Writes down why the lane stands still, for operators; fenced like everything else.
  virtual base::Status mark_stopped(const LaneId& lane, const Claim& claim,
                                    const std::string& reason, const std::string& detail) = 0;
};

// The log, as far as a database worker asks it. Blocks with a deadline; any thread.
class Log {
 public:
  virtual ~Log() = default;
  virtual base::Result<LogBounds> bounds(const std::string& topic, std::int32_t partition) = 0;
  // The last transaction of the lane that its consumer group has heard of.
  virtual base::Result<LaneMark> witnessed(const LaneId& lane) = 0;
};

// Labelled points of a transaction. In production nothing happens there; tests stop or kill the
// process at them.
enum class Point { before_begin, in_transaction, before_commit, after_commit };

class Probe {
 public:
  virtual ~Probe() = default;
  virtual void reach(const LaneId& lane, Point point) = 0;
};

}  // namespace spool::delivery
