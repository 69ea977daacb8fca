// A database in memory for tests of the core: one lane's row and everything that hangs on it, with
// transactions that work on a copy. Every commit checks what must hold of the tables whatever the
// core does. Calls are counted by name, and any of them can be made to fail.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/core_test_support.hpp"
#include "engine/delivery/perform_test_support.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery::test {

struct KeptRow {
  OpenRow row;
  std::string source;
  std::string id;
  std::string type;
  KeptRecord record;
};

enum class LetterState { open, replaying, resolved, discarded };

struct KeptLetter {
  base::Uuid uuid;
  std::string type;
  KeyHash key;
  std::int32_t life = 0;
  std::int32_t attempts = 0;
  LetterState state = LetterState::open;
  message::ErrorType why = message::ErrorType::other;
  std::string text;
  base::EpochMicros first_failed_at = 0;
  std::int64_t held_by = -1;
  KeptRecord record;
};

// What leaves the lane: a retry record on its rung, or a dead letter.
struct Leaving {
  std::string id;
  std::optional<std::size_t> rung;  // empty: a dead letter
  std::int32_t attempts = 0;
  base::EpochMicros due = 0;
};

struct Tables {
  Claim claim;
  std::int64_t start = 0;
  std::int64_t next = 0;
  std::int64_t last_offset = -1;
  std::int64_t last_timestamp_ms = -1;
  Counters counters;
  std::map<std::int64_t, KeptRow> rows;
  std::map<message::Identity, KeptLetter> letters;
  std::set<message::Identity> inbox;
  std::map<std::int64_t, Leaving> outbox;
  std::int64_t outbox_next = 1;
  std::vector<Telling> told;
  std::vector<StagedEvent> applied;
  std::map<message::Identity, PerformingRow> performing;  // the rows of a handler that performs
  Suspicion suspicion;
  std::map<std::string, std::int64_t> companions;
  std::int64_t doubt_below = 0;
  base::EpochMicros doubt_until = 0;
  bool let_go = false;
  std::string stopped;
  CommandCount command_count;
  int pages = 0;
  bool command_over = false;

  std::vector<std::string> applied_ids() const;
  std::size_t rows_in(OpenState state) const;
  const KeptRow* row_of(const std::string& id) const;
  const KeptLetter* letter_of(const std::string& id) const;
};

class MemoryStore : public Store, public Log, public Probe {
 public:
  Tables tables;
  LogBounds log{0, 0, 1};
  LogBounds log_later{0, 0, 1};  // from the second question on
  int questions = 0;
  LaneMark group_mark;  // what the consumer group has heard of; takings are not counted
  std::vector<Durability> commits;
  std::vector<Suspicion> marks;  // that were committed, one after the other
  CommandTargets targets;        // of any command

  std::vector<std::string> calls;                        // all, by name
  int fail_at = -1;                                      // the call that fails, counted from 0
  std::string fail_on = {};                              // ... or the next one of this name
  std::function<bool(const std::string&)> strikes = {};  // ... or those that it says
  base::FailureKind kind = base::FailureKind::unavailable;
  bool really_commits = false;  // when COMMIT is the call that fails

  std::optional<base::Failure> strike(const char* name);
  int called(const std::string& name) const;

  base::Result<LogBounds> bounds(const std::string& topic, std::int32_t partition) override;
  base::Result<LaneMark> witnessed(const LaneId&) override;
  void reach(const LaneId&, Point) override {}
  base::Status admit(const LaneId&, const std::string&, const LogBounds&) override;
  base::Result<LaneState> take(const LaneId&, const std::string&, std::int64_t,
                               const Witness& witness) override;
  base::Result<std::unique_ptr<LaneTransaction>> begin(const LaneId&) override;
  base::Result<std::vector<ClaimSeen>> claims(std::span<const LaneId>) override;
  base::Result<std::vector<OutboxRow>> outbox(const LaneId&, std::size_t rows_max) override;
  base::Result<std::vector<LaneCommand>> commands(std::span<const LaneId>) override;
  base::Status mark_stopped(const LaneId&, const Claim&, const std::string& reason,
                            const std::string&) override;
};

// The held keys as the tables have them.
std::map<KeyHash, Held> held_in(const Tables& tables);

// What must hold of the tables after every commit, as EXPECTs.
void expect_sound(const Tables& tables);

}  // namespace spool::delivery::test
