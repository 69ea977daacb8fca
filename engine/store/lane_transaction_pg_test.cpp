#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "engine/store/lane_fixture.hpp"

namespace spool::store {
namespace {

using base::FailureKind;
using delivery::Advance;
using delivery::Claim;
using delivery::Durability;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using LaneTransactionPg = LaneFixture;

delivery::DeadLetter dead(const std::string& id) {
  delivery::DeadLetter letter;
  letter.source = "s";
  letter.id = id;
  letter.why = {message::ErrorType::handler_bug, "", "x"};
  return letter;
}

TEST_F(LaneTransactionPg, FenceWithAdvanceMovesThePositionAndLeavesATrace) {
  const auto state = take(store_);
  auto begun = store_.begin(lane_);
  ASSERT_TRUE(begun.ok());
  const Advance advance{100,
                        110,
                        109,
                        7777,
                        {.applied = 4, .duplicate = 1, .dead = 2, .open = 1, .gaps = 1, .lost = 1}};
  ASSERT_TRUE((*begun)->fence(state.claim, &advance).ok());
  ASSERT_TRUE((*begun)->commit(Durability::relaxed).ok());
  EXPECT_EQ(row("seq, start_offset, next_offset, last_timestamp_ms, applied, duplicate, dead, open,"
                " gaps, lost"),
            std::to_string(state.claim.seq + 1) + " 100 110 7777 4 1 2 1 1 1");
  EXPECT_EQ(database().value("select concat_ws(' ', epoch, seq, from_offset, to_offset, applied,"
                             " duplicate, dead, open, gaps, lost) from spool.lane_batches" +
                             where()),
            "1 " + std::to_string(state.claim.seq + 1) + " 100 110 4 1 2 1 1 1");
}

// A busy partition passes 2^31 records: every number of the statement must be a bigint.
TEST_F(LaneTransactionPg, OffsetsBeyondThirtyTwoBitsFit) {
  constexpr std::int64_t kFar = 3'000'000'000;
  const delivery::LaneId far{lane_.handler, lane_.partition + 1000};
  auto taken = store_.take(far, "topic", kFar, {});
  ASSERT_TRUE(taken.ok());
  auto begun = store_.begin(far);
  ASSERT_TRUE(begun.ok());
  const Advance advance{kFar, 2 * kFar, 2 * kFar - 1, kFar, {.applied = kFar}};
  const auto moved = (*begun)->fence(taken->claim, &advance);
  ASSERT_TRUE(moved.ok()) << moved.failure().text;
  ASSERT_TRUE((*begun)->commit(Durability::relaxed).ok());
}

TEST_F(LaneTransactionPg, FenceAloneBumpsOnlyTheSequence) {
  const auto state = take(store_);
  ASSERT_TRUE(run(store_, state.claim, [](auto&) { return base::Status{}; }).ok());
  EXPECT_EQ(row("seq, next_offset"), std::to_string(state.claim.seq + 1) + " 100");
  EXPECT_EQ(database().value("select count(*) from spool.lane_batches" + where()), "0");
}

TEST_F(LaneTransactionPg, AdvanceMayComeAfterTheFence) {
  const auto state = take(store_);
  const Advance advance = step(100, 105);
  ASSERT_TRUE(run(store_, state.claim, [&](auto& open) { return open.advance(advance); }).ok());
  EXPECT_EQ(row("seq, next_offset, applied, last_timestamp_ms"),
            std::to_string(state.claim.seq + 1) + " 105 5 1105");
  EXPECT_EQ(database().value("select seq from spool.lane_batches" + where()),
            std::to_string(state.claim.seq + 1));
}

TEST_F(LaneTransactionPg, AnotherTakerFencesTheFormerOwner) {
  const auto mine = take(store_);
  PgStore other = make_store("host-b");
  const auto theirs = take(other);
  const Advance advance = step(100, 105);
  for (const Advance* with : {static_cast<const Advance*>(nullptr), &advance}) {
    auto begun = store_.begin(lane_);
    ASSERT_TRUE(begun.ok());
    const auto status = (*begun)->fence(mine.claim, with);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.failure().kind, FailureKind::fenced);
  }
  EXPECT_TRUE(run(other, theirs.claim, [](auto&) { return base::Status{}; }).ok());
  EXPECT_EQ(row("next_offset, owner"), "100 host-b");
}

// Token and sequence number each fence alone, with the advance and without it.
TEST_F(LaneTransactionPg, ASequenceOfAnotherTimeFences) {
  const auto state = take(store_);
  const Advance advance = step(100, 105);
  for (const std::int64_t difference : {-1, 1}) {
    // Below: as a crash of the database leaves it that lost the newest transaction.
    database().execute(
        "update spool.lanes set seq = " + std::to_string(state.claim.seq + difference) + where());
    for (const Advance* with : {static_cast<const Advance*>(nullptr), &advance}) {
      auto begun = store_.begin(lane_);
      const auto status = (*begun)->fence(state.claim, with);
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.failure().kind, FailureKind::fenced);
    }
  }
}

TEST_F(LaneTransactionPg, ATokenOfAnotherTakingFences) {
  const auto state = take(store_);
  const Advance advance = step(100, 105);
  database().execute("update spool.lanes set token = gen_random_uuid()" + where());
  for (const Advance* with : {static_cast<const Advance*>(nullptr), &advance}) {
    auto begun = store_.begin(lane_);
    const auto status = (*begun)->fence(state.claim, with);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.failure().kind, FailureKind::fenced);
  }
}

TEST_F(LaneTransactionPg, ASumThatDoesNotAddUpIsRefusedAndBlamesNoEvent) {
  const auto state = take(store_);
  auto begun = store_.begin(lane_);
  ASSERT_TRUE(begun.ok());
  const Advance wrong{100, 110, 109, 1, {.applied = 9}};
  const auto status = (*begun)->fence(state.claim, &wrong);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::schema);
  EXPECT_EQ(status.failure().sqlstate, "23514");
  EXPECT_THAT(status.failure().text, HasSubstr("lanes_conservation"));
}

TEST_F(LaneTransactionPg, NothingStaysWithoutACommit) {
  const auto state = take(store_);
  {
    auto begun = store_.begin(lane_);
    const Advance advance = step(100, 105);
    ASSERT_TRUE((*begun)->fence(state.claim, &advance).ok());
  }
  EXPECT_EQ(row("seq, next_offset"), std::to_string(state.claim.seq) + " 100");
}

TEST_F(LaneTransactionPg, AHandlerThatThrowsIsToldFromADatabaseThatRefuses) {
  const auto state = take(store_);
  FunctionBatch throwing([](auto&) -> base::Result<handler::ApplyCounts> {
    throw std::runtime_error("no such thing");
  });
  FunctionBatch refused([](auto& open) -> base::Result<handler::ApplyCounts> {
    auto rows = open.execute({"divide", "select 1 / $1::int"}, postgres::Params::of(0));
    return rows.failure();
  });
  auto begun = store_.begin(lane_);
  ASSERT_TRUE((*begun)->fence(state.claim, nullptr).ok());
  const auto thrown = (*begun)->apply(throwing, 0, 1);
  ASSERT_FALSE(thrown.ok());
  EXPECT_EQ(thrown.failure().kind, FailureKind::bad_data);
  EXPECT_EQ(thrown.failure().sqlstate, delivery::kHandlerThrew);
  EXPECT_EQ(thrown.failure().text, "handler threw: no such thing");
  const auto bad = (*begun)->apply(refused, 0, 1);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.failure().sqlstate, "22012");
}

TEST_F(LaneTransactionPg, AHandlerThatOverlooksAFailureHasAppliedNothing) {
  const auto state = take(store_);
  FunctionBatch careless([](auto& open) -> base::Result<handler::ApplyCounts> {
    (void)open.execute({"divide", "select 1 / $1::int"}, postgres::Params::of(0)).ok();
    return handler::ApplyCounts{.written = 1};
  });
  auto begun = store_.begin(lane_);
  ASSERT_TRUE((*begun)->fence(state.claim, nullptr).ok());
  const auto applied = (*begun)->apply(careless, 0, 1);
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.failure().kind, FailureKind::bad_data);
}

TEST_F(LaneTransactionPg, SavepointsSaveTheFenceFromTheHandler) {
  const auto state = take(store_);
  FunctionBatch bad([](auto& open) -> base::Result<handler::ApplyCounts> {
    return open.execute({"divide", "select 1 / $1::int"}, postgres::Params::of(0)).failure();
  });
  const auto status = run(store_, state.claim, [&](delivery::LaneTransaction& open) {
    EXPECT_TRUE(open.savepoint().ok());
    EXPECT_FALSE(open.apply(bad, 0, 1).ok());
    EXPECT_TRUE(open.rollback_to_savepoint().ok());
    return open.advance({100, 101, 100, 5, {.dead = 1}});
  });
  ASSERT_TRUE(status.ok()) << status.failure().text;
  EXPECT_EQ(row("next_offset, dead"), "101 1");
}

TEST_F(LaneTransactionPg, AKilledConnectionIsUnavailableThenOpenedAnew) {
  const auto state = take(store_);
  {
    auto begun = store_.begin(lane_);
    ASSERT_TRUE(begun.ok());
    database().kill_sessions();
    const auto status = (*begun)->fence(state.claim, nullptr);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.failure().kind, FailureKind::unavailable);
  }
  EXPECT_TRUE(run(store_, state.claim, [](auto&) { return base::Status{}; }).ok());
}

TEST_F(LaneTransactionPg, AConnectionKilledBeforeTheCommitIsInDoubt) {
  const auto state = take(store_);
  const auto status = run(store_, state.claim, [](auto&) {
    database().kill_sessions();
    return base::Status{};
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, FailureKind::in_doubt);
}

TEST_F(LaneTransactionPg, ABurialMakesItsTransactionDurable) {
  const auto state = take(store_);
  std::string setting;
  FunctionBatch look([&setting](auto& open) -> base::Result<handler::ApplyCounts> {
    setting = open.execute({"look", "select current_setting('synchronous_commit')"})->text(0, 0);
    return handler::ApplyCounts{};
  });
  const delivery::DeadLetter letter = dead("durable");
  ASSERT_TRUE(run(store_, state.claim, [&](delivery::LaneTransaction& open) {
                EXPECT_TRUE(open.apply(look, 0, 1).ok());
                EXPECT_EQ(setting, "off");
                EXPECT_TRUE(open.bury({&letter, 1}).ok());
                EXPECT_TRUE(open.apply(look, 0, 1).ok());
                EXPECT_EQ(setting, "on");
                return base::Status{};
              }).ok());
}

// What the server itself logs of a session.
class StatementLog {
 public:
  explicit StatementLog(PgStoreSettings& settings) {
    settings.connection.url += "?options=-c%20client_min_messages%3Dlog";
    settings.connection.on_notice = [this](std::string_view text) {
      // "LOG:  execute lane_fence: update ..." and "LOG:  statement: BEGIN"
      for (const std::string_view kind : {"LOG:  execute ", "LOG:  statement: "}) {
        if (!text.starts_with(kind)) continue;
        text.remove_prefix(kind.size());
        names.emplace_back(text.substr(0, text.find_first_of(":\n")));
      }
    };
  }
  std::vector<std::string> names;
};

class CountedPg : public LaneFixture {
 protected:
  void SetUp() override { set_logging("all"); }
  void TearDown() override { set_logging("none"); }
  static void set_logging(const std::string& level) {
    database().execute("alter database \"" + database().name() + "\" set log_statement = '" +
                       level + "'");
  }
};

TEST_F(CountedPg, TheUsualTransactionIsFourStatements) {
  PgStoreSettings with = settings();
  StatementLog log(with);
  PgStore store = make_store("host-a", with);
  const auto state = take(store);
  FunctionBatch batch([](auto& open) -> base::Result<handler::ApplyCounts> {
    return open.execute({"handler_statement", "select 1"}).ok() ? handler::ApplyCounts{}
                                                                : handler::ApplyCounts{.stale = 1};
  });
  log.names.clear();
  auto begun = store.begin(lane_);
  const Advance advance = step(100, 105);
  ASSERT_TRUE((*begun)->fence(state.claim, &advance).ok());
  ASSERT_TRUE((*begun)->apply(batch, 0, 1).ok());
  ASSERT_TRUE((*begun)->commit(Durability::relaxed).ok());
  EXPECT_THAT(log.names, ElementsAre(StartsWith("BEGIN"), "lane_fence_advance", "handler_statement",
                                     StartsWith("COMMIT")));
}

TEST_F(CountedPg, DurabilityCostsAStatementOnlyWithoutABurial) {
  PgStoreSettings with = settings();
  StatementLog log(with);
  PgStore store = make_store("host-a", with);
  auto state = take(store);
  log.names.clear();
  ASSERT_TRUE(run(
                  store, state.claim, [](auto&) { return base::Status{}; }, Durability::durable)
                  .ok());
  EXPECT_THAT(log.names,
              ElementsAre(StartsWith("BEGIN"), "lane_fence", "durable", StartsWith("COMMIT")));
  ++state.claim.seq;
  const delivery::DeadLetter letter = dead("once");
  log.names.clear();
  ASSERT_TRUE(run(
                  store, state.claim,
                  [&](auto& open) {
                    auto buried = open.bury({&letter, 1});
                    return buried ? base::Status{} : base::Status{buried.failure()};
                  },
                  Durability::durable)
                  .ok());
  EXPECT_THAT(log.names,
              ElementsAre(StartsWith("BEGIN"), "lane_fence", "lane_bury", StartsWith("COMMIT")));
}

}  // namespace
}  // namespace spool::store
