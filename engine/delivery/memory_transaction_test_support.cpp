#include "engine/delivery/memory_transaction_test_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/delivery/attempts.hpp"
#include "engine/delivery/perform_test_support.hpp"

namespace spool::delivery::test {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

Status MemoryTransaction::fence(const Claim& claim, const Advance* step) {
  if (auto failure = store_.strike("fence")) return *failure;
  if (claim != mine_.claim) return Failure(FailureKind::fenced, "another owner");
  ++mine_.claim.seq;
  if (step != nullptr) move(*step);
  return {};
}

Status MemoryTransaction::advance(const Advance& step) {
  if (auto failure = store_.strike("advance")) return *failure;
  move(step);
  return {};
}

Status MemoryTransaction::restart(std::int64_t from, std::int64_t to) {
  if (auto failure = store_.strike("restart")) return *failure;
  EXPECT_EQ(from, mine_.next);
  mine_.start += to - from;
  mine_.next = to;
  mine_.last_offset = mine_.last_timestamp_ms = -1;
  return {};
}

Result<handler::ApplyCounts> MemoryTransaction::apply(handler::Batch& batch, std::size_t first,
                                                      std::size_t last) {
  if (auto failure = store_.strike("apply")) return *failure;
  EXPECT_LT(first, last);
  EXPECT_LE(last, batch.size());
  if (auto* admissions = dynamic_cast<AdmissionBatch*>(&batch)) {
    auto& script = dynamic_cast<ScriptAdmissions&>(admissions->admissions());
    return admissions->take_in(script.admit_in(mine_.performing, first, last), first, last);
  }
  return play(dynamic_cast<ScriptBatch&>(batch).events(), first, last, mine_.applied);
}

Status MemoryTransaction::savepoint() {
  if (auto failure = store_.strike("savepoint")) return *failure;
  saved_.push_back(mine_);
  return {};
}

Status MemoryTransaction::rollback_to_savepoint() {
  if (auto failure = store_.strike("rollback_to_savepoint")) return *failure;
  mine_ = saved_.back();
  saved_.pop_back();
  return {};
}

Status MemoryTransaction::release_savepoint() {
  if (auto failure = store_.strike("release_savepoint")) return *failure;
  saved_.pop_back();
  return {};
}

Result<std::vector<bool>> MemoryTransaction::bury(std::span<const DeadLetter> letters) {
  if (auto failure = store_.strike("bury")) return *failure;
  std::vector<bool> fresh;
  for (const DeadLetter& letter : letters) fresh.push_back(bury(letter));
  return fresh;
}

Status MemoryTransaction::tell(std::span<const Telling> tellings) {
  if (auto failure = store_.strike("tell")) return *failure;
  mine_.told.insert(mine_.told.end(), tellings.begin(), tellings.end());
  return {};
}

Status MemoryTransaction::open(std::span<const OpenEvent> events) {
  if (auto failure = store_.strike("open")) return *failure;
  for (const OpenEvent& event : events) {
    const KeptRow kept{event.row, event.source, event.id, event.type, KeptRecord(event.record)};
    EXPECT_TRUE(mine_.rows.emplace(event.row.number, kept).second) << "a number given twice";
    if (event.row.state == OpenState::dead) letter(kept).held_by = event.row.number;
    if (event.failed) leave({event.id, event.failed->rung, event.row.attempts, event.row.due});
  }
  return {};
}

Status MemoryTransaction::reschedule(std::span<const Reschedule> heads) {
  if (auto failure = store_.strike("reschedule")) return *failure;
  for (const Reschedule& head : heads) {
    EXPECT_EQ(mine_.rows.at(head.row.number).id, head.id);
    mine_.rows.at(head.row.number).row = head.row;
    leave({head.id, head.failed.rung, head.row.attempts, head.row.due});
  }
  return {};
}

Status MemoryTransaction::close(std::span<const std::int64_t> numbers) {
  if (auto failure = store_.strike("close")) return *failure;
  for (const std::int64_t number : numbers) {
    const auto node = mine_.rows.extract(number);
    EXPECT_FALSE(node.empty());
    if (!node.empty() && node.mapped().row.life > 0) resolve(node.mapped());
  }
  return {};
}

void MemoryTransaction::resolve(const KeptRow& ended) {
  const auto found = mine_.letters.find({ended.source, ended.id});
  if (found == mine_.letters.end()) return;
  KeptLetter& dead = found->second;
  if (dead.state == LetterState::replaying && dead.life == ended.row.life - 1)
    dead.state = LetterState::resolved;
}

Status MemoryTransaction::block(std::span<const std::int64_t> numbers) {
  if (auto failure = store_.strike("block")) return *failure;
  for (const std::int64_t number : numbers) {
    KeptRow& kept = mine_.rows.at(number);
    kept.row.state = OpenState::dead;
    kept.row.due = 0;
    letter(kept).held_by = number;
  }
  return {};
}

Result<std::vector<Promoted>> MemoryTransaction::promote(std::span<const KeyHash> keys,
                                                         base::EpochMicros due) {
  if (auto failure = store_.strike("promote")) return *failure;
  std::vector<Promoted> heads;
  for (const KeyHash& key : keys) {
    for (auto& [number, kept] : mine_.rows) {
      if (kept.row.key != key || kept.row.state != OpenState::parked) continue;
      kept.row.state = OpenState::head;
      kept.row.due = due;
      heads.push_back({number, kept.row.priority});
      break;
    }
  }
  return heads;
}

Result<OpenPage> MemoryTransaction::read_open(std::span<const HeadRef> heads,
                                              std::size_t events_max, std::size_t bytes_max) {
  if (auto failure = store_.strike("read_open")) return *failure;
  OpenPage page;
  const std::size_t share = std::max<std::size_t>(1, events_max / heads.size());
  for (const HeadRef& head : heads) {
    const OpenRow& acting = mine_.rows.at(head.number).row;
    EXPECT_TRUE(acting.key == head.key && acting.state == OpenState::head);
    EXPECT_EQ(acting.due, head.due);
    std::size_t of_key = 0;
    for (const auto& [number, kept] : mine_.rows) {
      if (kept.row.key != head.key || kept.row.state == OpenState::scheduled) continue;
      const bool full = page.rows.size() >= events_max || page.records.bytes() > bytes_max;
      if (of_key++ >= share || full) break;
      kept.record.append_to(page.records);
      page.rows.push_back(kept.row);
    }
  }
  return page;
}

Result<std::vector<OpenRow>> MemoryTransaction::read_scheduled(base::EpochMicros due,
                                                               std::size_t rows_max) {
  if (auto failure = store_.strike("read_scheduled")) return *failure;
  std::vector<OpenRow> rows;
  for (const auto& [number, kept] : mine_.rows) {
    if (kept.row.state == OpenState::scheduled && kept.row.due <= due) rows.push_back(kept.row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const OpenRow& a, const OpenRow& b) { return a.due < b.due; });
  rows.resize(std::min(rows.size(), rows_max));
  return rows;
}

Status MemoryTransaction::awaken(std::span<const Awakening> rows) {
  if (auto failure = store_.strike("awaken")) return *failure;
  for (const Awakening& awakening : rows) {
    auto node = mine_.rows.extract(awakening.number);
    EXPECT_EQ(node.mapped().row.state, OpenState::scheduled);
    node.key() = node.mapped().row.number = awakening.new_number;
    node.mapped().row.state = awakening.state;
    node.mapped().row.key = awakening.key;
    node.mapped().row.priority = awakening.priority;
    node.mapped().row.called = true;
    EXPECT_TRUE(mine_.rows.insert(std::move(node)).inserted);
  }
  return {};
}

Status MemoryTransaction::postpone(std::span<const Postponement> rows) {
  if (auto failure = store_.strike("postpone")) return *failure;
  for (const Postponement& row : rows) {
    auto node = mine_.rows.extract(row.number);
    node.key() = node.mapped().row.number = row.new_number;
    node.mapped().row.state = OpenState::scheduled;
    node.mapped().row.due = row.due;
    node.mapped().row.key = row.key;
    node.mapped().row.called = false;
    EXPECT_TRUE(mine_.rows.insert(std::move(node)).inserted);
  }
  return {};
}

Result<std::optional<base::EpochMicros>> MemoryTransaction::next_scheduled() {
  if (auto failure = store_.strike("next_scheduled")) return *failure;
  std::optional<base::EpochMicros> next;
  for (const auto& [number, kept] : mine_.rows) {
    const bool earlier = !next || kept.row.due < *next;
    if (kept.row.state == OpenState::scheduled && earlier) next = kept.row.due;
  }
  return next;
}

Result<std::vector<bool>> MemoryTransaction::seen(std::span<const message::Identity> events) {
  if (auto failure = store_.strike("seen")) return *failure;
  std::vector<bool> seen;
  for (const auto& event : events) seen.push_back(mine_.inbox.contains(event));
  return seen;
}

Status MemoryTransaction::remember(std::span<const message::Identity> events) {
  if (auto failure = store_.strike("remember")) return *failure;
  mine_.inbox.insert(events.begin(), events.end());
  return {};
}

Result<std::vector<FoundLetter>> MemoryTransaction::find_letters(
    std::span<const ReplayRequest> requests) {
  if (auto failure = store_.strike("find_letters")) return *failure;
  std::vector<FoundLetter> found;
  for (const auto& kept : mine_.letters) {
    const auto& identity = kept.first;
    const auto& letter = kept.second;
    const bool asked = std::any_of(requests.begin(), requests.end(), [&](const auto& request) {
      return request.source == identity.source && request.id == identity.id;
    });
    if (!asked) continue;
    message::RecordBatch batch;
    letter.record.append_to(batch);
    found.push_back({letter.uuid, identity.source, identity.id, letter.key, letter.life,
                     letter.state == LetterState::open, held_bytes(batch.record(0)),
                     letter.held_by});
  }
  return found;
}

Result<CommandTargets> MemoryTransaction::targets(const Command&, std::size_t) {
  if (auto failure = store_.strike("targets")) return *failure;
  return store_.targets;
}

Status MemoryTransaction::settle_letters(const Command& command,
                                         std::span<const base::Uuid> letters) {
  if (auto failure = store_.strike("settle_letters")) return *failure;
  for (auto& [identity, letter] : mine_.letters) {
    if (std::find(letters.begin(), letters.end(), letter.uuid) == letters.end()) continue;
    if (command.kind == CommandKind::discard) letter.state = LetterState::discarded;
    if (command.kind == CommandKind::restore) letter.state = LetterState::open;
    if (command.kind != CommandKind::restore) letter.held_by = -1;
  }
  return {};
}

Status MemoryTransaction::hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) {
  if (auto failure = store_.strike("hasten")) return *failure;
  for (const std::int64_t number : numbers) mine_.rows.at(number).row.due = due;
  return {};
}

Status MemoryTransaction::finish_page(const Command&, const CommandCount& count, bool last) {
  if (auto failure = store_.strike("finish_page")) return *failure;
  mine_.command_count.done += count.done;
  mine_.command_count.skipped += count.skipped;
  ++mine_.pages;
  mine_.command_over = last;
  return {};
}

Status MemoryTransaction::suspect(const Suspicion& suspicion) {
  if (auto failure = store_.strike("suspect")) return *failure;
  mine_.suspicion = suspicion;
  marked_ = true;
  return {};
}

Status MemoryTransaction::move_companions(const std::map<std::string, std::int64_t>& next) {
  if (auto failure = store_.strike("move_companions")) return *failure;
  for (const auto& [topic, offset] : next) mine_.companions[topic] = offset;
  return {};
}

Status MemoryTransaction::allow(std::chrono::milliseconds) {
  if (auto failure = store_.strike("allow")) return *failure;
  return {};
}

Status MemoryTransaction::let_go() {
  if (auto failure = store_.strike("let_go")) return *failure;
  mine_.let_go = true;
  return {};
}

Status MemoryTransaction::settle_outbox(std::span<const std::int64_t> published,
                                        std::span<const RefusedRow>) {
  if (auto failure = store_.strike("settle_outbox")) return *failure;
  for (const std::int64_t number : published) mine_.outbox.erase(number);
  return {};
}

Status MemoryTransaction::commit(Durability durability) {
  const auto failure = store_.strike("commit");
  if (!failure || store_.really_commits) {
    EXPECT_TRUE(saved_.empty()) << "a savepoint that nobody ended";
    const bool announces = mine_.outbox_next != store_.tables.outbox_next;
    EXPECT_TRUE(!announces || durability == Durability::durable)
        << "what leaves must have been kept first";
    expect_sound(mine_);
    if (marked_) store_.marks.push_back(mine_.suspicion);
    store_.tables = mine_;
    store_.commits.push_back(durability);
  }
  return failure ? Status(*failure) : Status();
}

void MemoryTransaction::move(const Advance& step) {
  EXPECT_EQ(step.from, mine_.next);
  EXPECT_GE(step.to, step.from);
  EXPECT_EQ(step.delta.sum(), step.to - step.from);
  mine_.next = step.to;
  if (step.last_offset >= 0) {
    mine_.last_offset = step.last_offset;
    mine_.last_timestamp_ms = step.last_timestamp_ms;
  }
  mine_.counters.applied += step.delta.applied;
  mine_.counters.duplicate += step.delta.duplicate;
  mine_.counters.dead += step.delta.dead;
  mine_.counters.open += step.delta.open;
  mine_.counters.gaps += step.delta.gaps;
  mine_.counters.lost += step.delta.lost;
}

bool MemoryTransaction::bury(const DeadLetter& letter) {
  const message::Identity identity{letter.source, letter.id};
  const auto known = mine_.letters.find(identity);
  if (known != mine_.letters.end() && known->second.life >= letter.life) return false;
  mine_.letters.insert_or_assign(
      identity,
      KeptLetter{base::name_uuid(identity.source, identity.id), letter.type, letter.key,
                 letter.life, letter.attempts, LetterState::open, letter.why.type,
                 letter.why.message(), letter.first_failed_at, -1, KeptRecord(letter.record)});
  leave({letter.id, std::nullopt, letter.attempts, 0});
  return true;
}

Status MemoryTransaction::revive(std::span<const Revival> revivals) {
  if (auto failure = store_.strike("revive")) return *failure;
  for (const Revival& revival : revivals) {
    for (auto& [identity, letter] : mine_.letters) {
      if (letter.uuid != revival.letter) continue;
      EXPECT_EQ(letter.state, LetterState::open);
      letter.state = LetterState::replaying;
      KeptRow kept{{}, identity.source, identity.id, letter.type, letter.record};
      if (revival.in_place) kept = mine_.rows.at(revival.number);
      const std::int16_t priority = kept.row.priority;
      message::RecordBatch batch;
      letter.record.append_to(batch);
      kept.row = {revival.number,
                  letter.key,
                  revival.state,
                  revival.due,
                  false,
                  letter.life + 1,
                  0,
                  0,
                  held_bytes(batch.record(0))};
      if (letter.record.offset < mine_.doubt_below) kept.row.doubt_until = mine_.doubt_until;
      kept.row.priority = priority;
      letter.held_by = -1;
      EXPECT_EQ(mine_.rows.contains(revival.number), revival.in_place);
      mine_.rows.insert_or_assign(revival.number, kept);
    }
  }
  return {};
}

}  // namespace spool::delivery::test
