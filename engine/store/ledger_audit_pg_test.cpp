#include "engine/store/ledger_audit.hpp"

#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Advance;
using delivery::OpenState;
using testing::ElementsAre;
using testing::IsEmpty;

class LedgerAuditPg : public OpenFixture {
 protected:
  // Of this test's lane, in short.
  std::vector<std::string> findings() {
    const auto report = audit_ledger(*connection_, std::chrono::hours(24));
    EXPECT_TRUE(report.ok()) << report.failure().text;
    std::vector<std::string> all;
    for (const LedgerFinding& finding : report->findings) {
      if (finding.lane != lane_) continue;
      all.push_back(finding.what + " " + std::to_string(finding.from_offset) + "-" +
                    std::to_string(finding.to_offset) + " " + std::to_string(finding.expected) +
                    "/" + std::to_string(finding.found));
    }
    uncovered_ = report->uncovered.at(lane_);
    return all;
  }
  // What no owner would do.
  void meddle(const std::string& sql) const {
    database().execute("alter table spool.lanes drop constraint if exists lanes_conservation");
    database().execute(sql);
  }
  void advance(const Advance& step, const Body& also = nullptr) {
    work([&](auto& open) {
      if (also) {
        if (auto done = also(open); !done) return done;
      }
      return open.advance(step);
    });
  }
  // 100..110 with everything in it: 4 applied, 1 duplicate, 2 dead, 2 open, 1 gap.
  void live() {
    advance({100, 105, 104, 1, {.applied = 3, .duplicate = 1, .dead = 1}}, [&](auto& open) {
      const auto letters = {letter("a", 100)};
      return to_status(open.bury(letters));
    });
    advance({105, 110, 109, 1, {.applied = 1, .dead = 1, .open = 2, .gaps = 1}}, [&](auto& open) {
      const auto letters = {letter("b", 105)};
      const auto events = {event(1, 1, OpenState::head, 1), event(2, 1, OpenState::parked),
                           event(3, 2, OpenState::dead)};
      if (auto done = to_status(open.bury(letters)); !done) return done;
      return open.open(events);
    });
  }
  static base::Status to_status(const base::Result<std::vector<bool>>& result) {
    return result ? base::Status() : base::Status(result.failure());
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
  std::int64_t uncovered_ = -1;
};

TEST_F(LedgerAuditPg, BooksThatBalanceFindNothing) {
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(uncovered_, 0);
  live();
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(uncovered_, 0);
}

TEST_F(LedgerAuditPg, AWholeLifeLeavesTheBooksBalanced) {
  live();
  advance({110, 110, -1, -1, {.dead = -1, .open = 1}}, [&](auto& open) {
    const delivery::ReplayRequest request[] = {{source(), "a", 0}};
    auto found = open.find_letters(request);
    if (!found) return base::Status(found.failure());
    const delivery::Revival revival[] = {{found->at(0).id, 7, OpenState::head, 1, false}};
    return open.revive(revival);
  });
  EXPECT_THAT(findings(), IsEmpty());
  advance({110, 110, -1, -1, {.applied = 1, .open = -1}}, [&](auto& open) {
    const std::int64_t number[] = {7};
    return open.close(number);
  });
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(letters(), "a resolved 0, b open 0");
}

TEST_F(LedgerAuditPg, AnOpenEventThatIsMissingIsFound) {
  live();
  meddle("delete from spool.open_events" + where() + " and number = 2");
  EXPECT_THAT(findings(), ElementsAre("open -1--1 1/2"));
  EXPECT_EQ(uncovered_, 1);
}

TEST_F(LedgerAuditPg, ADeadHeadIsNoOpenEvent) {
  live();
  meddle("delete from spool.open_events" + where() + " and number = 3");
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LedgerAuditPg, ADeadLetterThatIsMissingIsFoundUnlessItsTombstoneIsThere) {
  live();
  meddle("delete from spool.dead_letters" + where() + " and event_id = 'a'");
  EXPECT_THAT(findings(), ElementsAre("dead -1--1 1/2"));
  const auto tombstone = [&](const char* state) {
    database().execute("insert into spool.dead_letter_tombstones values ('h', '" + source() +
                       "', 'a', 0, " + std::to_string(lane_.partition) + ", '" + state +
                       "', now()) on conflict (handler, source, event_id) do update"
                       " set state = excluded.state");
  };
  tombstone("resolved");
  EXPECT_THAT(findings(), ElementsAre("dead -1--1 1/2"));
  tombstone("discarded");
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LedgerAuditPg, ADiscardedLetterStaysDead) {
  live();
  meddle("update spool.dead_letters set state = 'discarded'" + where() + " and event_id = 'a'");
  EXPECT_THAT(findings(), IsEmpty());
  meddle("update spool.dead_letters set state = 'resolved'" + where() + " and event_id = 'a'");
  EXPECT_THAT(findings(), ElementsAre("dead -1--1 1/2"));
}

TEST_F(LedgerAuditPg, APositionThatNoBatchMovedToIsFound) {
  live();
  meddle("update spool.lanes set next_offset = 113, applied = applied + 3" + where());
  EXPECT_THAT(findings(), ElementsAre("position 110-113 110/113", "applied 100-110 4/7"));
  EXPECT_EQ(uncovered_, 6);
}

TEST_F(LedgerAuditPg, HolesAndOverlapsOfTheChainAreFound) {
  live();
  advance({110, 120, 119, 1, {.applied = 10}});
  advance({120, 121, 120, 1, {.applied = 1}});
  meddle("update spool.lane_batches set from_offset = 108, applied = 12" + where() +
         " and to_offset = 120");
  EXPECT_THAT(findings(), ElementsAre("chain 108-110 110/108", "applied 100-121 17/15"));
  meddle("delete from spool.lane_batches" + where() + " and to_offset = 120");
  EXPECT_THAT(findings(), ElementsAre("chain 110-120 110/120", "applied 100-121 5/15"));
}

TEST_F(LedgerAuditPg, ABatchThatDoesNotAddUpIsFound) {
  live();
  meddle("update spool.lane_batches set gaps = 5" + where() + " and to_offset = 110");
  EXPECT_THAT(findings(), ElementsAre("batch 105-110 5/9", "gaps 100-110 5/1"));
}

TEST_F(LedgerAuditPg, AWindowThatDoesNotReachBackKnowsOnlyTheLeast) {
  live();
  advance({110, 120, 119, 1, {.applied = 10}});
  meddle("update spool.lane_batches set at = at - interval '25 hours'" + where() +
         " and to_offset = 105");
  EXPECT_THAT(findings(), IsEmpty());
  meddle("update spool.lanes set applied = 10" + where());
  EXPECT_THAT(findings(), ElementsAre("applied 105-120 11/10"));
}

}  // namespace
}  // namespace spool::store
