#include <string>

#include <gmock/gmock.h>

#include "engine/store/lane_fixture.hpp"

namespace spool::store {
namespace {

using base::FailureKind;
using delivery::LaneId;

using PgStorePg = LaneFixture;

TEST_F(PgStorePg, AFreshLaneStartsAtTheEarliestOffset) {
  const auto state = take(store_);
  EXPECT_EQ(state.epoch, 1);
  EXPECT_EQ(state.start, 100);
  EXPECT_EQ(state.next, 100);
  EXPECT_EQ(state.last_timestamp_ms, -1);
  EXPECT_EQ(state.counters, delivery::Counters{});
  EXPECT_FALSE(state.outbox_pending);
  EXPECT_EQ(row("topic, owner, state"), "topic host-a running");
}

// A client that froze while it sent a statement is neither idle nor executing: no timeout of the
// server ends it, only the heir of its lane does.
TEST_F(PgStorePg, AnOwnerThatHoldsTheRowTooLongLosesItsSession) {
  const auto state = take(store_);
  PgStoreSettings patient = settings();
  patient.connection.idle_in_transaction_timeout = std::chrono::milliseconds(0);  // never ended
  PgStore frozen = make_store("frozen", patient);
  auto held = frozen.begin(lane_);
  ASSERT_TRUE(held.ok());
  ASSERT_TRUE((*held)->fence(state.claim, nullptr).ok());

  PgStoreSettings heir_settings = settings();
  heir_settings.take_lock_timeout = std::chrono::milliseconds(50);
  heir_settings.connection.idle_in_transaction_timeout = std::chrono::milliseconds(60'000);
  PgStore careful = make_store("careful", heir_settings);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto refused = careful.take(lane_, "topic", 0, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.failure().kind, FailureKind::slow)
        << "an owner of a moment ago is left alone";
  }

  heir_settings.connection.idle_in_transaction_timeout = std::chrono::milliseconds(40);
  PgStore heir = make_store("heir", heir_settings);
  auto taken = heir.take(lane_, "topic", 0, {});
  while (!taken.ok() && taken.failure().kind == FailureKind::slow) {
    taken = heir.take(lane_, "topic", 0, {});
  }
  ASSERT_TRUE(taken.ok()) << taken.failure().text;
  EXPECT_FALSE((*held)->commit(delivery::Durability::relaxed).ok());
}

TEST_F(PgStorePg, PartitionsThatCameLaterAreNotAdmitted) {
  const std::string handler = lane_.handler + "_growing";
  const delivery::LogBounds before{0, 0, 4, false, "cluster"};
  const delivery::LogBounds after{0, 0, 8, false, "cluster"};
  ASSERT_TRUE(store_.admit({handler, 3}, "topic", before).ok());
  ASSERT_TRUE(store_.admit({handler, 0}, "topic", before).ok());
  const auto grown = store_.admit({handler, 4}, "topic", after);
  ASSERT_FALSE(grown.ok());
  EXPECT_EQ(grown.failure().kind, FailureKind::schema);
  EXPECT_NE(grown.failure().text.find("from 4 partitions to 8"), std::string::npos);
  EXPECT_TRUE(store_.admit({handler, 1}, "topic", after).ok()) << "the old ones go on";
}

TEST_F(PgStorePg, OffsetsOfAnotherClusterAreNotOurs) {
  const std::string handler = lane_.handler + "_moved";
  ASSERT_TRUE(store_.admit({handler, 0}, "topic", {0, 0, 4, false, "one"}).ok());
  const auto moved = store_.admit({handler, 0}, "topic", {0, 0, 4, false, "two"});
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.failure().kind, FailureKind::position);
  EXPECT_NE(moved.failure().text.find("one, this is two"), std::string::npos);
}

TEST_F(PgStorePg, TakingAgainGivesTheRememberedPositionUnderAFreshClaim) {
  const auto first = take(store_);
  const delivery::Advance advance{100, 110, 109, 4242, {.applied = 7, .duplicate = 3}};
  ASSERT_TRUE(run(store_, first.claim, [&](auto& open) { return open.advance(advance); }).ok());
  PgStore other = make_store("host-b");
  auto second = other.take(lane_, "topic", 0, {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->epoch, 2);
  EXPECT_NE(second->claim.token, first.claim.token);
  EXPECT_GT(second->claim.seq, first.claim.seq + 1);
  EXPECT_EQ(second->start, 100);
  EXPECT_EQ(second->next, 110);
  EXPECT_EQ(second->last_timestamp_ms, 4242);
  EXPECT_EQ(second->counters, advance.delta);
  EXPECT_EQ(row("owner"), "host-b");
}

TEST_F(PgStorePg, AFrozenOwnerMakesTakingSlow) {
  const auto state = take(store_);
  auto frozen = store_.begin(lane_);
  ASSERT_TRUE((*frozen)->fence(state.claim, nullptr).ok());
  PgStoreSettings impatient = settings();
  impatient.take_lock_timeout = std::chrono::milliseconds(20);
  PgStore other = make_store("host-b", impatient);
  const auto taken = other.take(lane_, "topic", 0, {});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.failure().kind, FailureKind::slow);
  ASSERT_TRUE((*frozen)->commit(delivery::Durability::relaxed).ok());
  EXPECT_TRUE(other.take(lane_, "topic", 0, {}).ok());
}

TEST_F(PgStorePg, ALaneOfAnotherTopicIsNotTaken) {
  const auto state = take(store_);
  const auto taken = store_.take(lane_, "elsewhere", 0, {});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.failure().kind, FailureKind::position);
  EXPECT_EQ(row("topic, epoch"), "topic 1");
  EXPECT_TRUE(run(store_, state.claim, [](auto&) { return base::Status{}; }).ok());
}

TEST_F(PgStorePg, ClaimsAreThoseOfTheRowsThatExist) {
  const auto mine = take(store_);
  const LaneId first = lane_;
  lane_ = fresh_lane();
  const auto second = take(store_);
  const LaneId lanes[] = {first, lane_, {"h", 1'000'000}, {"other", first.partition}};
  const auto seen = store_.claims(lanes);
  ASSERT_TRUE(seen.ok()) << seen.failure().text;
  ASSERT_EQ(seen->size(), 2U);
  for (const delivery::ClaimSeen& one : *seen) {
    EXPECT_EQ(one.claim, one.lane == first ? mine.claim : second.claim);
  }
  EXPECT_TRUE(store_.claims({})->empty());
}

TEST_F(PgStorePg, StoppingIsWrittenDownByTheOwnerOnly) {
  const auto state = take(store_);
  ASSERT_TRUE(store_.mark_stopped(lane_, state.claim, "schema", "no table x").ok());
  EXPECT_EQ(row("state, reason, detail"), "stopped schema no table x");
  // It counts as one of the owner's transactions.
  const delivery::Claim next{state.claim.token, state.claim.seq + 1};
  EXPECT_TRUE(run(store_, next, [](auto&) { return base::Status{}; }).ok());
  const auto late = store_.mark_stopped(lane_, state.claim, "schema", "late");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.failure().kind, FailureKind::fenced);
  take(store_);
  EXPECT_EQ(row("state, coalesce(reason, 'none')"), "running none");
}

TEST_F(PgStorePg, TheClockIsTheDatabases) {
  const auto before = std::stoll(
      database().value("select (extract(epoch from clock_timestamp()) * 1000000)::bigint"));
  const auto time = store_.database_time();
  ASSERT_TRUE(time.ok());
  const auto after = std::stoll(
      database().value("select (extract(epoch from clock_timestamp()) * 1000000)::bigint"));
  EXPECT_LE(before, *time);
  EXPECT_GE(after, *time);
}

TEST_F(PgStorePg, PruningTakesOldTracesInPortions) {
  database().execute(
      "delete from spool.lane_batches; insert into spool.lane_batches"
      " select 'h', 0, 1, n, n, n + 1, 1, 0, 0, 0, 0, 0,"
      " now() - case when n <= 5 then interval '25 hours' else interval '23 hours' end"
      " from generate_series(1, 8) n");
  EXPECT_EQ(*store_.prune(3), 3);
  EXPECT_EQ(*store_.prune(3), 2);
  EXPECT_EQ(*store_.prune(3), 0);
  EXPECT_EQ(database().value("select min(seq) || ' ' || count(*) from spool.lane_batches"), "6 3");
}

TEST_F(PgStorePg, ALostConnectionIsToldOnceThenReplaced) {
  ASSERT_TRUE(store_.database_time().ok());
  database().kill_sessions();
  const auto lost = store_.database_time();
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure().kind, FailureKind::unavailable);
  EXPECT_TRUE(store_.database_time().ok());
}

TEST_F(PgStorePg, ATableThatWasEmptyIsNotReadAsAWholeLater) {
  const auto state = take(store_);
  std::string plan;
  FunctionBatch look([&plan](auto& open) -> base::Result<handler::ApplyCounts> {
    plan = open.execute({"explain",
                         "explain select 1 from spool.open_events where handler = 'h'"
                         " and partition = 1 and number = 2"})
               ->text(0, 0);
    return handler::ApplyCounts{};
  });
  database().execute("vacuum analyze spool.open_events");
  ASSERT_TRUE(run(store_, state.claim, [&](auto& open) {
                auto applied = open.apply(look, 0, 1);
                return applied ? base::Status() : base::Status(applied.failure());
              }).ok());
  EXPECT_THAT(plan, testing::StartsWith("Index"));
}

TEST_F(PgStorePg, NoDatabaseIsUnavailableEachTime) {
  PgStoreSettings away = settings();
  away.connection.url = "postgresql://nobody@127.0.0.1:1/nowhere";
  PgStore store = make_store("host-a", away);
  for (int time = 0; time < 2; ++time) {
    const auto taken = store.take(lane_, "topic", 0, {});
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.failure().kind, FailureKind::unavailable);
  }
}

}  // namespace
}  // namespace spool::store
