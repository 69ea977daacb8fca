// What open() makes of the operations whose turn has come, against a real PostgreSQL.
#include "handlers/list_operations/turns.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::AdmitFirst;
using handler::CallPtr;
using handler::NothingToDo;
using handler::Opening;
using handler::Settled;
using ::testing::UnorderedElementsAre;

class TurnsPgTest : public ListStoreTest {
 protected:
  template <typename Answer>
  void expect(const std::string& id) {
    const auto openings = open({id});
    EXPECT_TRUE(std::holds_alternative<Answer>(openings[0]))
        << id << ": alternative " << openings[0].index();
  }
};

TEST_F(TurnsPgTest, ACallKnowsAllThatItNeeds) {
  carry_out(create("c"), created(99));
  admit({{"u", "update_list", R"({"description":"dark"})", 99}});
  const auto made = call("u");
  EXPECT_EQ(base::to_string(made->operation), column("u", "id"));
  EXPECT_EQ(made->change, (Change{OperationType::update_list, {.description = "dark"}}));
  EXPECT_EQ(made->tmdb_user_id, 7);
  EXPECT_EQ(made->tmdb_list_id, 99);
  EXPECT_EQ(made->confirmed, (ListFields{"Noir", "", true, "en"}));
  EXPECT_EQ(made->credentials.secret, "secret");
  EXPECT_EQ(made->credentials.account_id, "7");
  EXPECT_EQ(made->correlation_id, "c-1");
  EXPECT_FALSE(made->doubt);
  EXPECT_EQ(status("u"), "processing");
  EXPECT_EQ(column("u", "begun_at = updated_at"), "t");
}

TEST_F(TurnsPgTest, AListWithoutAnIdIsCreatedFirst) {
  admit({create("c"), add("a", 1, 0)});
  EXPECT_EQ(call("c")->tmdb_list_id, std::nullopt);
  settle("c", Settled::done, created(99));
  EXPECT_EQ(call("a")->tmdb_list_id, 99);
}

TEST_F(TurnsPgTest, WhoWaitsForNothingIsAdmittedFirst) {
  admit({add("a", 1), add("b", 2)});
  expect<AdmitFirst>("nobody");
  EXPECT_TRUE(std::holds_alternative<AdmitFirst>(open({"a"}, false, 1)[0])) << "another life";
  settle("b", Settled::cancelled);
  expect<AdmitFirst>("b");
  call("a");
  settle("a", Settled::died);
  expect<AdmitFirst>("a");
}

TEST_F(TurnsPgTest, AFailedOneIsTakenUpWhereItIs) {
  admit({add("a", 1)});
  call("a");
  settle("a", Settled::retried);
  call("a");
  settle("a", Settled::died);
  EXPECT_EQ(call("a", false, 1)->change.movie_id, 1);
  EXPECT_EQ(value("select concat_ws(' ', status, life, retry_count, error_type, finished_at)"
                  " from media.queued_list_operations"),
            "processing 1 0");
}

TEST_F(TurnsPgTest, AFailedOneIsTakenUpThoughNothingIsLeftToDo) {
  admit({remove("a", 1)});
  call("a");
  settle("a", Settled::died);
  execute("update media.lists set existence = 'gone'");
  EXPECT_TRUE(std::holds_alternative<NothingToDo>(open({"a"}, false, 1)[0]));
  auto done = settling("a", Settled::done);
  done.life = 1;
  settle({done});
  EXPECT_EQ(status("a") + " " + column("a", "reason"), "completed the list is gone");
}

TEST_F(TurnsPgTest, WithoutAListThereIsNothingToTakeAway) {
  admit({remove("r", 2),
         {"u", "update_list", R"({"name":"x"})"},
         {"c", "clear_list", "{}", 43},
         {"d", "delete_list", "{}", 44}});
  execute("update media.lists set existence = 'gone'");
  expect<NothingToDo>("r");
  expect<NothingToDo>("c");
  expect<NothingToDo>("d");
  EXPECT_EQ(status("r"), "pending") << "settle() will say so";
  const auto why = failure("u");
  EXPECT_EQ(why.type, message::ErrorType::upstream_not_found);
  EXPECT_EQ(why.text, "the list is gone");
  settle("r", Settled::done);
  EXPECT_EQ(column("r", "reason"), "the list is gone");
}

TEST_F(TurnsPgTest, WhatWasNeverCreatedFailsWithTheReasonOfThat) {
  admit({create("c"), add("a", 1, 0), remove("r", 2, 0)});
  call("c");
  settle("c", Settled::died);
  EXPECT_EQ(failure("a").text, "the list could not be created: status 500");
  expect<NothingToDo>("r");
  again(create("c"), 1);
  auto cancelled = settling("c", Settled::cancelled);
  cancelled.life = 1;
  EXPECT_EQ(failure("a").text, "the list is to be created later");
  settle({cancelled});
  EXPECT_EQ(failure("a").text, "the creation of the list was cancelled");
  execute("delete from media.queued_list_operations where event_id = 'c'");
  EXPECT_EQ(failure("a").text, "no operation creates the list");
  EXPECT_EQ(failure("a").type, message::ErrorType::upstream_not_found);
}

TEST_F(TurnsPgTest, AListIsNotCreatedTwice) {
  carry_out(create("c"), created(99));
  admit({add("a", 1, 0)});
  execute(
      "update media.queued_list_operations set status = 'pending', reason = null"
      " where event_id = 'c'");
  expect<NothingToDo>("c");
  EXPECT_TRUE(std::holds_alternative<NothingToDo>(open({"c"}, true)[0]));
}

TEST_F(TurnsPgTest, WithoutALoginTheUserWaitsAndOthersGoOn) {
  Sent other = add("b", 1, 43);
  other.user = 8;
  admit({add("a", 1), other});
  execute("update media.tmdb_sessions set state = 'expired' where tmdb_user_id = 7");
  const base::EpochMicros before = now();
  const auto openings = open({"a", "b"});
  EXPECT_TRUE(std::holds_alternative<CallPtr>(openings[1]));
  const auto& expired = std::get<handler::EventFailure>(openings[0]);
  EXPECT_EQ(expired.type, message::ErrorType::upstream_auth);
  EXPECT_EQ(expired.text, "session expired for TMDB user 7");
  EXPECT_GE(expired.not_before.value_or(0), before + kHour);
  EXPECT_LE(expired.not_before.value_or(0), now() + kHour);
  EXPECT_EQ(expired.dependency, "") << "nobody else has to wait for it";
  EXPECT_EQ(column("a", "status || (begun_at is null)"), "pendingtrue");

  execute("delete from media.tmdb_sessions where tmdb_user_id = 7");
  EXPECT_EQ(failure("a").text, "no session for TMDB user 7");
  login(7);
  execute("update media.tmdb_sessions set sealed = 'broken' where tmdb_user_id = 7");
  EXPECT_EQ(failure("a").text, "session cannot be read (no such key) for TMDB user 7");
  login(8);
}

TEST_F(TurnsPgTest, ALoginIsOpenedOnceForAllOfAUsersTurns) {
  admit({add("a", 1, 41), add("b", 1, 42), add("c", 1, 43)});
  open({"a", "b", "c"});
  EXPECT_EQ(unsealed_, 1);
}

TEST_F(TurnsPgTest, AfterAClearThatIsInDoubtLaterAddsAreNoSign) {
  admit({{"c", "clear_list", "{}"}});
  call("c");
  admit({add("a", 1), add("b", 2), remove("r", 3), add("x", 4, 43)});
  const auto asked = call("c", true);
  ASSERT_TRUE(asked->doubt);
  EXPECT_THAT(asked->doubt->later_adds, UnorderedElementsAre(1, 2));
}

TEST_F(TurnsPgTest, ADoubtKnowsWhenTheCallBeganAndWhenItWasOver) {
  admit({add("a", 1)});
  call("a");
  const std::string begun = column("a", "(extract(epoch from begun_at) * 1000000)::bigint");
  const auto first = call("a", true);
  EXPECT_EQ(std::to_string(first->doubt->begun_at), begun);
  EXPECT_EQ(first->doubt->ended_at, first->doubt->now) << "asked for the first time";
  EXPECT_GT(first->doubt->now, first->doubt->begun_at);
  settle("a", Settled::withdrawn);
  const auto second = call("a", true);
  EXPECT_EQ(second->doubt->begun_at, first->doubt->begun_at);
  EXPECT_EQ(second->doubt->ended_at, first->doubt->now);
  EXPECT_GT(second->doubt->now, first->doubt->now);
  settle("a", Settled::withdrawn);
  EXPECT_FALSE(call("a")->doubt);
  EXPECT_EQ(column("a", "doubted_at"), "");
  EXPECT_EQ(column("a", "begun_at = updated_at"), "t") << "it was called again";
}

TEST_F(TurnsPgTest, ACreateThatIsInDoubtKnowsTheOtherLists) {
  carry_out(create("old"), created(90));
  admit({add("b", 1, 91)});
  execute("update media.lists set created_at = now() - interval '1 hour'");
  Sent sent = create("c");
  sent.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e02";
  admit({sent});
  call("c");
  admit({add("found_since", 1, 92)});
  Sent theirs = add("theirs", 1, 93);
  theirs.user = 8;
  admit({theirs});
  Sent rival = create("rival", "Noir ");
  rival.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e03";
  Sent waits = create("waits");
  waits.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e04";
  Sent otherwise = create("otherwise", "Western");
  otherwise.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e05";
  admit({rival, waits, otherwise});
  open({"rival", "otherwise"});
  const auto asked = call("c", true);
  ASSERT_TRUE(asked->doubt);
  EXPECT_THAT(asked->doubt->known_lists, UnorderedElementsAre(90, 91));
  EXPECT_EQ(asked->doubt->rivals, 1U);
  settle("rival", Settled::done, created(94));
  EXPECT_EQ(call("c", true)->doubt->rivals, 0U);
  EXPECT_THAT(call("c", true)->doubt->known_lists, UnorderedElementsAre(90, 91, 94));
}

TEST_F(TurnsPgTest, WhatIsInDoubtIsAskedAboutThoughTheListIsGone) {
  admit({add("a", 1)});
  call("a");
  execute("update media.lists set existence = 'gone', tmdb_list_id = null");
  EXPECT_EQ(call("a", true)->tmdb_list_id, 42);
}

}  // namespace
}  // namespace spool::list_operations
