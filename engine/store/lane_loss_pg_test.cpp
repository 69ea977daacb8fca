// A lost position in the tables: how an operator asks for its acceptance, and what its owner's
// transaction makes of the lane's row and its books.
#include <gmock/gmock.h>

#include "engine/store/lane_query.hpp"
#include "engine/store/ledger_audit.hpp"
#include "engine/store/open_fixture.hpp"
#include "engine/store/operator_commands.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::store {
namespace {

using delivery::Advance;
using delivery::CommandKind;
using delivery::Loss;
using testing::HasSubstr;
using testing::IsEmpty;

class LaneLossPg : public OpenFixture {
 protected:
  // 100..110 are applied; then the lane says that its position is gone.
  LaneLossPg() {
    work([](auto& open) { return open.advance(step(100, 110)); });
    stop();
  }
  void stop() {
    ASSERT_TRUE(store_.mark_stopped(lane_, claim_, "position_lost", "it is gone").ok());
    ++claim_.seq;
  }

  base::Result<GivenCommand> accept(const Loss& loss, const std::string& actor = "anna@host") {
    return give_acceptance(*connection_, lane_, loss, {actor, "because"});
  }
  base::Uuid accepted(const Loss& loss) {
    const auto given = accept(loss);
    EXPECT_TRUE(given.ok()) << given.failure().text;
    return given->id;
  }
  std::string refusal(const Loss& loss) {
    const auto given = accept(loss);
    EXPECT_FALSE(given.ok());
    return std::string(base::to_string(given.failure().kind)) + ": " + given.failure().text;
  }
  // What the lane's owner finds.
  std::vector<delivery::LaneCommand> commands() { return *store_.commands({&lane_, 1}); }
  // As the owner carries it out.
  void carry_out(const Body& move) {
    const auto asked = commands();
    ASSERT_EQ(asked.size(), 1U);
    work([&](auto& open) -> base::Status {
      auto targets = open.targets(asked[0].command, 10);
      if (!targets) return targets.failure();
      EXPECT_TRUE(targets->live);
      EXPECT_FALSE(targets->more);
      if (auto moved = move(open); !moved) return moved;
      return open.finish_page(asked[0].command, {1, 0}, true);
    });
  }
  std::vector<std::string> findings() {
    const auto report = audit_ledger(*connection_, std::chrono::hours(24));
    EXPECT_TRUE(report.ok()) << report.failure().text;
    std::vector<std::string> all;
    for (const LedgerFinding& finding : report->findings) {
      if (finding.lane == lane_) all.push_back(finding.what);
    }
    return all;
  }
  std::string audited(const base::Uuid& id) const {
    return database().value(
        "select string_agg(concat_ws(' ', action, actor, reason, detail -> 'filter', detail ->>"
        " 'lost', detail ->> 'done'), ', ' order by number) from spool.audit_log where subject = "
        "'" +
        base::to_string(id) + "'");
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
};

TEST_F(LaneLossPg, WhatIsAskedForReachesTheOwnerWithItsLoss) {
  const base::Uuid id = accepted({110, 130});
  const auto asked = commands();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].lane, lane_);
  EXPECT_EQ(asked[0].command, (delivery::Command{id, CommandKind::accept_loss, 0, Loss{110, 130}}));
  EXPECT_EQ(audited(id),
            "accept_loss.start anna@host because {\"to\": 130, \"from\": 110,"
            " \"partition\": " +
                std::to_string(lane_.partition) + "} 20");
}

TEST_F(LaneLossPg, AskedForTwiceItIsOneCommand) {
  const base::Uuid id = accepted({110, 130});
  EXPECT_EQ(accepted({110, 130}), id);
  EXPECT_EQ(commands().size(), 1U);
  EXPECT_EQ(show_command(*connection_, id)->lanes.at(0).state, "running") << "nothing hinders it";
  EXPECT_THAT(
      refusal({110, 120}),
      HasSubstr("another loss of this lane is being accepted: command " + base::to_string(id)));
  ASSERT_TRUE(change_command(*connection_, id, CommandChange::cancel, {"a", "b"}).ok());
  EXPECT_NE(accepted({110, 120}), id);
}

TEST_F(LaneLossPg, OnlyTheLossThatWasSeenIsAccepted) {
  EXPECT_EQ(refusal({109, 130}), "conflict: lane h/" + std::to_string(lane_.partition) +
                                     " has lost position 110, not 109");
  claim_ = take(store_).claim;
  EXPECT_THAT(refusal({110, 130}), HasSubstr("has not lost its position: it stands at 110"));
  lane_.partition = 1'000'000;
  EXPECT_THAT(refusal({110, 130}), HasSubstr("not_found: there is no lane h/1000000"));
  EXPECT_THAT(commands(), IsEmpty());
}

TEST_F(LaneLossPg, WhatIsGoneIsCountedAndTheBooksBalance) {
  const base::Uuid id = accepted({110, 130});
  carry_out([](auto& open) { return open.advance({110, 130, -1, -1, {.lost = 20}}); });
  EXPECT_EQ(row("start_offset, next_offset, applied, lost, last_offset"), "100 130 10 20 109");
  EXPECT_EQ(rows("lane_batches", "from_offset, to_offset, applied, lost", "seq"),
            "100 110 10 0, 110 130 0 20");
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_THAT(commands(), IsEmpty());
  EXPECT_THAT(audited(id), HasSubstr(", accept_loss.finished anna@host because 1"));
  claim_ = take(store_).claim;
  work([](auto& open) { return open.advance(step(130, 135)); });
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LaneLossPg, AnotherLogIsCountedFromItsBeginningAndTheBooksBalance) {
  database().execute(
      "update spool.lanes set log_together = 8, log_until = 120, open_together = 3,"
      " accused_origin = 'log', accused_at = 107, ends = 2" +
      where());
  accepted({110, 0});
  carry_out([](auto& open) { return open.restart(110, 0); });
  EXPECT_EQ(show_lane(*connection_, lane_)->losses, 1);
  EXPECT_EQ(row("start_offset, next_offset, applied, lost, last_offset, last_timestamp_ms"),
            "-10 0 10 0 -1 -1");
  EXPECT_EQ(row("log_together, log_until, open_together, accused_origin, ends"), "0 0 3 0");
  EXPECT_THAT(findings(), IsEmpty());
  claim_ = take(store_).claim;
  work([](auto& open) { return open.advance(step(0, 4)); });
  work([](auto& open) { return open.advance(step(4, 6)); });
  EXPECT_EQ(row("start_offset, next_offset, applied"), "-10 6 16");
  EXPECT_THAT(findings(), IsEmpty());
  database().execute("delete from spool.lane_batches" + where() + " and from_offset = 4");
  EXPECT_THAT(findings(), testing::Contains("position"));
}

TEST_F(LaneLossPg, ABatchThatGoesBackMayCountNothing) {
  work([](auto& open) { return open.restart(110, 0); });
  database().execute("update spool.lane_batches set lost = 3" + where() + " and to_offset = 0");
  EXPECT_THAT(findings(), testing::Contains("batch"));
}

TEST_F(LaneLossPg, OnlyThePositionThatTheLaneHasIsLeft) {
  const auto wrong = try_work([](auto& open) { return open.restart(111, 0); });
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.failure().kind, base::FailureKind::schema);
  EXPECT_EQ(row("next_offset"), "110");
}

TEST_F(LaneLossPg, LanesAreListedAsTheyStand) {
  open({event(1, 1, delivery::OpenState::head, 9'000'000), event(2, 1, delivery::OpenState::parked),
        event(3, 2, delivery::OpenState::scheduled, 9'000'000)});
  auto shown = show_lane(*connection_, lane_);
  ASSERT_TRUE(shown.ok()) << shown.failure().text;
  EXPECT_TRUE(shown->position_lost());
  EXPECT_EQ(shown->detail, "it is gone");
  EXPECT_EQ(shown->owner, "host-a");
  EXPECT_EQ(shown->topic, "topic");
  EXPECT_EQ(shown->next, 110);
  EXPECT_EQ(shown->counters.applied, 10);
  EXPECT_EQ(shown->held_keys, 1);
  EXPECT_EQ(shown->open_bytes, 1200);
  EXPECT_FALSE(shown->acceptance);
  EXPECT_EQ(shown->losses, 0);
  const base::Uuid id = accepted({110, 130});
  EXPECT_EQ(show_lane(*connection_, lane_)->acceptance, id);
  claim_ = take(store_).claim;
  EXPECT_EQ(show_lane(*connection_, lane_)->state, "running");
  work([](auto& open) { return open.let_go(); });
  EXPECT_EQ(show_lane(*connection_, lane_)->state, "free");
  EXPECT_EQ(list_lanes(*connection_, "nobody")->size(), 0U);
  EXPECT_GE(list_lanes(*connection_, "h")->size(), 1U);
  EXPECT_EQ(show_lane(*connection_, {"h", 1'000'000}).failure().kind, base::FailureKind::not_found);
}

}  // namespace
}  // namespace spool::store
