// What settle() makes of operations and of the mirror, against a real PostgreSQL.
#include "handlers/list_operations/settlement.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"
#include "handlers/list_operations/stored.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SettlementPgTest : public ListStoreTest {
 protected:
  std::string list() const {
    return value(
        "select concat_ws(' ', existence, tmdb_list_id, name, description, public,"
        " language, complete) from media.lists where tmdb_list_id is not null");
  }
};

TEST_F(SettlementPgTest, WhatWasDoneIsConfirmed) {
  carry_out(create("c"), created(99));
  EXPECT_EQ(list(), "exists 99 Noir  t en t");
  carry_out(add("a", 3, 99));
  carry_out(add("b", 1, 99));
  carry_out(add("again", 3, 99));
  EXPECT_EQ(items(), "3 1") << "in the order of adding";
  carry_out(remove("r", 3, 99));
  EXPECT_EQ(items(), "1");
  carry_out({"u", "update_list", R"({"name":"Film noir","public":false})", 99});
  EXPECT_EQ(list(), "exists 99 Film noir  f en t");
  carry_out({"x", "clear_list", "{}", 99});
  EXPECT_EQ(items(), "");
  carry_out(add("d", 5, 99));
  carry_out({"z", "delete_list", "{}", 99});
  EXPECT_EQ(value("select existence || ' ' || complete from media.lists"), "gone true");
  EXPECT_EQ(items(), "");
  EXPECT_EQ(value("select count(*) from media.queued_list_operations where status = 'completed'"
                  " and finished_at is not null and reason is null"),
            "9");
}

TEST_F(SettlementPgTest, ManyListsAreConfirmedTogether) {
  admit({add("a", 1, 41), add("b", 2, 42), remove("c", 3, 43), {"d", "clear_list", "{}", 44}});
  open({"a", "b", "c", "d"});
  std::vector<handler::Settling> settlings;
  for (const char* id : {"a", "b", "c", "d"}) settlings.push_back(settling(id, Settled::done));
  settlings[1].fate = Settled::retried;
  const auto settled = settle(settlings);
  ASSERT_EQ(settled.told.size(), 3U);
  EXPECT_EQ(settled.told[1].cause, 2U);
  EXPECT_EQ(items(), "1");
  EXPECT_EQ(value("select string_agg(existence, ' ' order by tmdb_list_id) from media.lists"),
            "exists unknown unknown exists");
}

TEST_F(SettlementPgTest, ACompletionIsTold) {
  admit({create("c")});
  call("c");
  ListAnswer answer = created(99);
  answer.note = "found after a doubt";
  const auto settled = settle("c", Settled::done, answer);
  ASSERT_EQ(settled.told.size(), 1U);
  EXPECT_EQ(settled.told[0].type, "list_operation.completed.v1");
  EXPECT_EQ(settled.told[0].subject, column("c", "id"));
  EXPECT_EQ(settled.told[0].data,
            "{\"operation_id\":\"" + column("c", "id") +
                "\",\"operation_type\":\"create_list\",\"tmdb_user_id\":7,\"tmdb_list_id\":99,"
                "\"list_ref\":\"" +
                kRef + "\"}");
  EXPECT_EQ(column("c", "result"), "found after a doubt");
}

TEST_F(SettlementPgTest, ARetryIsRemembered) {
  admit({add("a", 1)});
  call("a");
  handler::Settling again = settling("a", Settled::retried);
  again.attempts = 2;
  again.due = now() + kHour;
  EXPECT_TRUE(settle({again}).told.empty());
  EXPECT_EQ(value("select concat_ws(' ', status, retry_count, last_retry_at = updated_at,"
                  " error_type, error_message, finished_at) from media.queued_list_operations"),
            "pending 2 t upstream.server_error status 500");
  EXPECT_EQ(column("a", "(extract(epoch from next_attempt_at) * 1000000)::bigint"),
            std::to_string(again.due));
  call("a");
  EXPECT_EQ(column("a", "next_attempt_at"), "");
  settle("a", Settled::done);
  EXPECT_EQ(value("select concat_ws(' ', status, retry_count, error_type, error_message)"
                  " from media.queued_list_operations"),
            "completed 2");
}

TEST_F(SettlementPgTest, WhatNeverBeganMayBeMergedAgain) {
  admit({add("a", 1)});
  call("a");
  settle("a", Settled::withdrawn);
  EXPECT_EQ(column("a", "status || (begun_at is null)"), "pendingtrue");
  EXPECT_EQ(admit({remove("b", 1)}).swallowed.size(), 1U);
}

TEST_F(SettlementPgTest, WhatIsStillInDoubtMayNot) {
  admit({add("a", 1), add("r", 2, 43)});
  call("a");
  call("a", true);
  settle("a", Settled::withdrawn);
  EXPECT_TRUE(admit({remove("b", 1)}).swallowed.empty());
  call("r");
  settle("r", Settled::retried);
  call("r");
  settle("r", Settled::withdrawn);
  EXPECT_TRUE(admit({remove("s", 2, 43)}).swallowed.empty()) << "it was called once";
}

TEST_F(SettlementPgTest, ADeathIsToldAndLeavesNoTraceInTheMirror) {
  admit({add("a", 1)});
  call("a");
  handler::Settling death = settling("a", Settled::died);
  death.attempts = 6;
  const auto settled = settle({death});
  ASSERT_EQ(settled.told.size(), 1U);
  EXPECT_EQ(settled.told[0].type, "list_operation.failed.v1");
  EXPECT_EQ(settled.told[0].data,
            "{\"operation_id\":\"" + column("a", "id") +
                "\",\"operation_type\":\"add_movie\",\"tmdb_user_id\":7,\"tmdb_list_id\":42,"
                "\"error_type\":\"upstream.server_error\",\"error_message\":\"status 500\","
                "\"attempts\":6,\"life\":0}");
  EXPECT_EQ(status("a") + " " + column("a", "error_message"), "failed status 500");
  EXPECT_EQ(items(), "");
  EXPECT_EQ(items("media.shown_list_items", "place"), "");
}

TEST_F(SettlementPgTest, OperatorsCancelAndHasten) {
  Sent later = add("b", 2);
  later.scheduled_for = now() + kHour;
  admit({add("a", 1), later});
  settle("a", Settled::cancelled);
  EXPECT_EQ(column("a", "status || (finished_at is not null)"), "cancelledtrue");
  handler::Settling sooner = settling("b", Settled::hastened);
  sooner.due = now();
  settle({sooner});
  EXPECT_EQ(column("b", "status || (next_attempt_at <= now())"), "pendingtrue");
  EXPECT_EQ(column("b", "scheduled_for > now()"), "t") << "that is what was asked for";
}

TEST_F(SettlementPgTest, WithoutARowThereIsNothingToSettle) {
  const auto settled = settle("nobody", Settled::cancelled);
  EXPECT_TRUE(settled.told.empty());
  EXPECT_EQ(settled.rows, 0);
}

TEST_F(SettlementPgTest, OnlyLegalTransitionsAreMade) {
  admit({add("a", 1)});
  const std::vector<std::pair<Settled, OperationStatus>> ways{
      {Settled::done, OperationStatus::completed},
      {Settled::retried, OperationStatus::pending},
      {Settled::withdrawn, OperationStatus::pending},
      {Settled::died, OperationStatus::failed},
      {Settled::cancelled, OperationStatus::cancelled}};
  for (const OperationStatus from : kOperationStatuses) {
    for (const auto& [fate, to] : ways) {
      execute("update media.queued_list_operations set status = '" + std::string(to_string(from)) +
              "'");
      auto transaction = connection_->begin();
      const std::vector<handler::Settling> one{settling("a", fate)};
      const auto settled = handler_->settle(**transaction, one);
      EXPECT_EQ(settled.ok(), may_become(from, to) || from == to)
          << to_string(from) << " > " << to_string(to);
      if (!settled.ok()) {
        EXPECT_EQ(settled.failure().kind, base::FailureKind::schema);
        EXPECT_THAT(settled.failure().text, HasSubstr("cannot become"));
      }
    }
  }
  EXPECT_EQ(statuses_before(OperationStatus::processing), "{\"pending\"}");
}

TEST_F(SettlementPgTest, AnEarlierLifeIsNotSettledAnyMore) {
  again(add("a", 1), 2);
  auto transaction = connection_->begin();
  const std::vector<handler::Settling> one{settling("a", Settled::cancelled)};
  EXPECT_FALSE(handler_->settle(**transaction, one));
}

TEST_F(SettlementPgTest, ALoginThatIsOverIsToldOnce) {
  admit({add("a", 1, 41), add("b", 1, 42), add("c", 1, 43)});
  open({"a", "b"});
  auto settled = settle({settling("a", Settled::retried, login_over()),
                         settling("b", Settled::retried, login_over())});
  ASSERT_EQ(settled.told.size(), 1U);
  EXPECT_EQ(settled.told[0].cause, 0U);
  EXPECT_EQ(settled.told[0].type, "reauthentication.needed.v1");
  EXPECT_EQ(settled.told[0].data, "{\"service\":\"tmdb\",\"tmdb_user_id\":7}");
  EXPECT_EQ(value("select string_agg(concat_ws(' ', tmdb_user_id, state, expired_at is null), ','"
                  " order by tmdb_user_id) from media.tmdb_sessions"),
            "7 expired f,8 active t");
  EXPECT_TRUE(settle("a", Settled::retried, login_over()).told.empty());
}

TEST_F(SettlementPgTest, ANewLoginIsNotEndedByTheAnswerToTheOld) {
  admit({add("a", 1)});
  call("a");
  login(7);
  EXPECT_TRUE(settle("a", Settled::retried, login_over()).told.empty());
  EXPECT_EQ(value("select state from media.tmdb_sessions where tmdb_user_id = 7"), "active");
}

TEST_F(SettlementPgTest, ACreateThatIsDoneHasAnId) {
  admit({create("c")});
  call("c");
  auto transaction = connection_->begin();
  const std::vector<handler::Settling> one{settling("c", Settled::done)};
  EXPECT_EQ(handler_->settle(**transaction, one).failure().kind, base::FailureKind::schema);
}

TEST_F(SettlementPgTest, AListThatWasFoundBeforeItsCreationWasKnownIsTheSame) {
  admit({create("c"), add("a", 1, 0)});
  call("c");
  admit({add("b", 2, 99), add("d", 3, 99)});
  call("b");
  settle("b", Settled::done);
  call("c", true);
  settle("c", Settled::done, created(99));
  EXPECT_EQ(value("select count(*) from media.lists"), "1");
  EXPECT_EQ(list(), "exists 99 Noir  t en t");
  EXPECT_EQ(items(), "2");
  EXPECT_EQ(call("a")->tmdb_list_id, 99);
  EXPECT_EQ(call("d")->tmdb_list_id, 99);
  settle({settling("a", Settled::done), settling("d", Settled::done)});
  EXPECT_EQ(items(), "2 1 3");
}

TEST_F(SettlementPgTest, BothMayBeSettledTogether) {
  admit({create("c")});
  call("c");
  admit({add("b", 2, 99), {"u", "update_list", R"({"name":"Film noir"})", 99}});
  open({"b"});
  settle({settling("c", Settled::done, created(99)), settling("b", Settled::done)});
  EXPECT_EQ(value("select count(*) from media.lists"), "1");
  EXPECT_EQ(items(), "2");
  EXPECT_EQ(call("u")->confirmed.name, "Noir");
}

TEST_F(SettlementPgTest, AnIdThatAnotherUserClaimedBeforeThereWasSuchAListIsTheCreators) {
  Sent theirs = add("b", 2, 99);
  theirs.user = 8;
  admit({theirs, create("c")});
  call("c");
  settle("c", Settled::done, created(99));
  EXPECT_EQ(value("select tmdb_user_id from media.lists where tmdb_list_id = 99"), "7");
  EXPECT_EQ(failure("b").text, "the list is gone");
}

}  // namespace
}  // namespace spool::list_operations
