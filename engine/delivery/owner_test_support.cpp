#include "engine/delivery/owner_test_support.hpp"

#include <gtest/gtest.h>

#include "engine/delivery/attempts.hpp"

namespace spool::delivery::test {

using base::Result;

Owner::Owner(handler::Idempotence idempotence, handler::Order order)
    : Owner(script_handler(seen, idempotence, order)) {}

Owner::Owner(handler::Handler own)
    : handler(std::move(own)),
      route{kTopic, &handler},
      batch_run_(store, store, route),
      open_run_(store) {
  if (handler.performs() != nullptr) calls_run_ = std::make_unique<CallsRun>(store, store, route);
  limits.events_max = 10'000;
  store.tables.claim = {base::name_uuid("test", "owner"), 1};
  claim_ = store.tables.claim;
}

Footing Owner::footing() const {
  Footing footing = limits;
  footing.claim = claim_;
  footing.next = next_;
  footing.held = held_;
  footing.next_number = next_number_;
  footing.suspicion = suspicion_;
  if (limits.suspicion.any()) footing.suspicion = limits.suspicion;
  return footing;
}

RunDone Owner::apply(const std::vector<Sent>& events) {
  std::vector<Slice> slices(1);
  slices[0].records = log_of(next_, events);
  slices[0].end = next_ + static_cast<std::int64_t>(events.size());
  return apply(std::move(slices));
}

RunDone Owner::apply(std::vector<Slice> slices) {
  const ApplyJob job{footing(), std::move(slices)};
  RunDone done = batch_run_.run(kLane, job, now);
  take_in(done.outcome);
  return done;
}

RunDone Owner::drain() {
  return drain(held_->due(now, 1'000));
}

RunDone Owner::drain(const std::vector<HeadRef>& heads) {
  const DrainJob job{footing(), heads, 4UL * 1024 * 1024};
  RunDone done = batch_run_.run(kLane, job, now);
  take_in(done.outcome);
  return done;
}

Result<Committed> Owner::awaken() {
  const AwakenJob job{footing()};
  auto done = calls_run_ ? batch_run_.run(kLane, job, now).outcome : open_run_.run(kLane, job, now);
  take_in(done);
  return done;
}

RunDone Owner::calls(std::vector<CallEnd> ends, std::size_t heads_max) {
  CallsJob job;
  job.footing = footing();
  job.ends = std::move(ends);
  if (heads_max > 0) job.heads = held_->due(now, heads_max);
  job.under_way = under_way;
  job.of_group_max = calls_of_group_max;
  RunDone done = calls_run_->run(kLane, job, now);
  take_in(done.outcome);
  return done;
}

Result<Committed> Owner::companions(std::map<std::string, std::int64_t> next,
                                    std::vector<ReplayRequest> requests) {
  const CompanionsJob job{footing(), std::move(next), std::move(requests)};
  auto done = open_run_.run(kLane, job, route, now);
  take_in(done);
  return done;
}

Result<Committed> Owner::carry_out(CommandKind kind, std::int16_t priority) {
  CommandJob job{footing(), {base::name_uuid("test", "command"), kind}, 500};
  job.command.priority = priority;
  auto done = open_run_.run(kLane, job, route, now);
  take_in(done);
  return done;
}

void Owner::inherit() {
  const Witness witness{store.group_mark, store.log.high, call_length(route)};
  LaneState state = *store.take(kLane, kTopic, 0, witness);
  limits.doubt_below = state.doubt_below;
  limits.doubt_until = state.doubt_until;
  claim_ = state.claim;
  next_ = state.next;
  counters_ = state.counters;
  bytes_ = state.open.bytes;
  next_number_ = state.open.next_number;
  next_scheduled = state.open.next_scheduled;
  for (const KeyChange& key : state.open.keys) held_->set(key.key, key.held);
}

FoundLetter Owner::letter(const std::string& id) const {
  const KeptLetter& kept = *store.tables.letter_of(id);
  message::RecordBatch batch;
  kept.record.append_to(batch);
  return {kept.uuid,
          "/test",
          id,
          kept.key,
          kept.life,
          kept.state == LetterState::open,
          held_bytes(batch.record(0)),
          kept.held_by};
}

void Owner::take_in(const Result<Committed>& outcome) {
  if (!outcome) return;
  const Committed& committed = *outcome;
  const Tables& tables = store.tables;
  EXPECT_EQ(committed.advance.from, next_);
  const Counters& delta = committed.advance.delta;
  EXPECT_EQ(delta.sum(), committed.advance.to - next_);
  claim_ = committed.claim;
  next_ = committed.advance.to;
  counters_.applied += delta.applied;
  counters_.duplicate += delta.duplicate;
  counters_.dead += delta.dead;
  counters_.open += delta.open;
  counters_.gaps += delta.gaps;
  bytes_ += committed.open.bytes;
  next_number_ = committed.open.next_number;
  suspicion_ = committed.suspicion;
  if (limits.suspicion.any()) limits.suspicion = suspicion_;
  for (const KeyChange& key : committed.open.keys) held_->set(key.key, key.held);
  const auto& scheduled = committed.open.next_scheduled;
  const bool sooner = scheduled && (!next_scheduled || *scheduled < *next_scheduled);
  if (committed.open.scheduled_known || sooner) next_scheduled = scheduled;

  EXPECT_EQ(claim_, tables.claim);
  EXPECT_EQ(next_, tables.next);
  EXPECT_EQ(counters_, tables.counters);
  EXPECT_EQ(suspicion_, tables.suspicion);
  std::int64_t bytes = 0;
  for (const auto& [number, kept] : tables.rows) {
    bytes += kept.row.bytes;
    EXPECT_LT(number, next_number_);
    if (kept.row.state != OpenState::scheduled) continue;
    EXPECT_TRUE(next_scheduled && *next_scheduled <= kept.row.due) << kept.id << " sleeps on";
  }
  EXPECT_EQ(bytes_, bytes);
  const auto true_keys = held_in(tables);
  EXPECT_EQ(held_->size(), true_keys.size());
  for (const auto& [key, held] : true_keys) {
    const Held* believed = held_->find(key);
    if (believed == nullptr) {
      ADD_FAILURE() << "a held key that the owner does not know";
    } else {
      Held stored = *believed;  // what is not stored, nobody can compare
      stored.running = false;
      stored.group = {};
      EXPECT_EQ(stored, held);
    }
  }
}

}  // namespace spool::delivery::test
