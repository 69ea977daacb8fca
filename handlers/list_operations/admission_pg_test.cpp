// Admission against a real PostgreSQL: lists, duplicates, merging, schedules, replays.
#include "handlers/list_operations/admission.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Admission;
using handler::Settled;
using Kind = handler::Admission::Kind;

class AdmissionPgTest : public ListStoreTest {
 protected:
  std::vector<Kind> kinds(const handler::Admitted& admitted) const {
    std::vector<Kind> kinds;
    for (const Admission& event : admitted.events) kinds.push_back(event.kind);
    return kinds;
  }
};

TEST_F(AdmissionPgTest, EveryColumnIsWritten) {
  const std::string id = "0b0c1c1e-7c3a-4f5e-9a51-0c2f3b1d7e02";
  const handler::Admitted admitted = admit({add(id, 550)});
  EXPECT_EQ(kinds(admitted), std::vector{Kind::waits});
  EXPECT_EQ(admitted.events[0].order_key, value("select id from media.lists"));
  EXPECT_EQ(admitted.events[0].due, 0);
  EXPECT_EQ(value("select to_jsonb(q) - 'position' - 'list_id' - 'inserted_at' - 'updated_at'"
                  " from media.queued_list_operations q"),
            value("select jsonb_build_object('id', '" + id +
                  "', 'scheduled_for', null, 'begun_at', null,"
                  " 'doubted_at', null, 'last_retry_at', null, 'next_attempt_at', null,"
                  " 'finished_at', null, 'list_ref', null, 'tmdb_user_id', 7, 'tmdb_list_id', 42,"
                  " 'movie_id', 550, 'retry_count', 0, 'life', 0, 'priority', 5,"
                  " 'scheduled', false, 'status', 'pending', 'operation_type', 'add_movie',"
                  " 'source', 'phone', 'event_id', '" +
                  id +
                  "', 'operation_data', '{\"movie_id\":550}'::jsonb, 'error_type', null,"
                  " 'error_message', null, 'reason', null, 'result', null,"
                  " 'correlation_id', 'c-1', 'in_doubt', false, 'details', null)"));
  EXPECT_EQ(value("select existence || ' ' || complete from media.lists"), "unknown false");
}

TEST_F(AdmissionPgTest, AUuidThatIsTakenIsNotTakenAgain) {
  const std::string id = "0b0c1c1e-7c3a-4f5e-9a51-0c2f3b1d7e02";
  Sent other = add(id, 551);
  other.source = "tablet";
  Sent third = add(id, 552);
  third.source = "tv";
  admit({add(id, 550), other});
  admit({third});
  EXPECT_EQ(value("select count(distinct id) from media.queued_list_operations"), "3");
  EXPECT_EQ(value("select source from media.queued_list_operations where id = '" + id + "'"),
            "phone");
}

TEST_F(AdmissionPgTest, ItsOwnKeyIsAsked) {
  message::Event event;
  const std::string json = json_of(add("e", 1)) + std::string(message::kReadAheadBytes, ' ');
  event.id = "e";
  event.source = "phone";
  event.data = std::string_view(json).substr(0, json.size() - message::kReadAheadBytes);
  EXPECT_EQ(admissions_->stage(event, {})->field, "key");
  event.key = "8";
  EXPECT_EQ(admissions_->stage(event, {})->field, "key");
  EXPECT_EQ(admissions_->size(), 0U);
  event.key = "7";
  EXPECT_FALSE(admissions_->stage(event, {}));
}

TEST_F(AdmissionPgTest, ADuplicateIsKnownWhateverBecameOfTheOriginal) {
  EXPECT_EQ(kinds(admit({add("a", 1), add("a", 1), add("b", 2)})),
            (std::vector{Kind::waits, Kind::duplicate, Kind::waits}));
  EXPECT_EQ(kinds(admit({add("a", 1)})), std::vector{Kind::duplicate});
  call("a");
  EXPECT_EQ(kinds(admit({add("a", 1)})), std::vector{Kind::duplicate});
  settle("a", Settled::done);
  EXPECT_EQ(kinds(admit({add("a", 1)})), std::vector{Kind::duplicate});
  EXPECT_EQ(kinds(again(add("a", 1), 1)), std::vector{Kind::duplicate}) << "nothing is left to do";
  settle("b", Settled::cancelled);
  EXPECT_EQ(kinds(again(add("b", 2), 1)), std::vector{Kind::duplicate});
  EXPECT_EQ(value("select count(*) from media.queued_list_operations"), "2");
}

TEST_F(AdmissionPgTest, ATombstoneIsADuplicateToo) {
  execute(
      "insert into media.operation_tombstones (hash) values"
      " (media.operation_hash('phone', 'a'))");
  EXPECT_EQ(kinds(admit({add("a", 1), add("b", 2)})), (std::vector{Kind::duplicate, Kind::waits}));
  EXPECT_EQ(value("select media.operation_hash('ab', 'c') = media.operation_hash('a', 'bc')"), "f");
}

TEST_F(AdmissionPgTest, ARefAndAnIdAreOneListOnceTheListIsCreated) {
  carry_out(create("c"), created(99));
  const auto by_ref = admit({add("a", 1, 0)});
  const auto by_id = admit({add("b", 2, 99)});
  EXPECT_EQ(by_ref.events[0].order_key, by_id.events[0].order_key);
  EXPECT_EQ(value("select count(*) from media.lists"), "1");
}

TEST_F(AdmissionPgTest, TheRefIsTheUsersOwn) {
  Sent theirs = create("d");
  theirs.user = 8;
  const auto admitted = admit({create("c"), theirs});
  EXPECT_NE(admitted.events[0].order_key, admitted.events[1].order_key);
  EXPECT_EQ(kinds(admitted), (std::vector{Kind::waits, Kind::waits}));
}

TEST_F(AdmissionPgTest, AnotherUsersListIsRefused) {
  admit({add("a", 1)});
  Sent theirs = add("b", 2);
  theirs.user = 8;
  const auto admitted = admit({add("c", 3), theirs, add("d", 4, 43)});
  ASSERT_EQ(admitted.failed.size(), 1U);
  EXPECT_EQ(admitted.failed[0].event, 1U);
  EXPECT_EQ(admitted.failed[0].type, message::ErrorType::upstream_forbidden);
  EXPECT_EQ(admitted.failed[0].text, "list 42 belongs to another user than 8");
  EXPECT_EQ(status("b"), "");
  EXPECT_EQ(status("c") + status("d"), "pendingpending");
}

TEST_F(AdmissionPgTest, ALaterOneSwallowsWhatWaits) {
  admit({add("a", 1), add("b", 2)});
  const auto admitted = admit({remove("c", 1)});
  EXPECT_EQ(kinds(admitted), std::vector{Kind::waits});
  EXPECT_EQ(admitted.swallowed, (std::vector<message::Identity>{{"phone", "a"}}));
  EXPECT_EQ(status("a") + " " + column("a", "reason"),
            "completed a later operation adds or removes the same movie");
  EXPECT_NE(column("a", "finished_at"), "");
  EXPECT_EQ(status("b"), "pending");
  ASSERT_EQ(admitted.told.size(), 1U);
  EXPECT_EQ(admitted.told[0].cause, 0U);
  EXPECT_EQ(admitted.told[0].type, "list_operation.completed.v1");
  EXPECT_EQ(admitted.told[0].data, "{\"operation_id\":\"" + column("a", "id") +
                                       "\",\"operation_type\":\"add_movie\",\"tmdb_user_id\":7,"
                                       "\"tmdb_list_id\":42,\"reason\":\"" +
                                       column("a", "reason") + "\"}");
}

TEST_F(AdmissionPgTest, WithinABatchTheSameIsTrue) {
  const auto admitted = admit({add("a", 1), remove("b", 1), add("c", 2)});
  EXPECT_EQ(kinds(admitted), (std::vector{Kind::ended, Kind::waits, Kind::waits}));
  EXPECT_TRUE(admitted.swallowed.empty());
  ASSERT_EQ(admitted.told.size(), 1U);
  EXPECT_EQ(admitted.told[0].cause, 0U);
  EXPECT_EQ(status("a") + status("b"), "completedpending");
}

TEST_F(AdmissionPgTest, WhatTheMirrorProvesNeedsNoCall) {
  carry_out({"x", "clear_list", "{}"});
  carry_out(add("a", 1));
  admit({remove("b", 1)});
  const auto admitted = admit({add("c", 1)});
  EXPECT_EQ(kinds(admitted), std::vector{Kind::ended}) << "it is there";
  EXPECT_EQ(admitted.swallowed.size(), 1U);
  admit({add("d", 2)});
  EXPECT_EQ(kinds(admit({remove("e", 2)})), std::vector{Kind::ended}) << "it is not";
  EXPECT_EQ(column("e", "reason"), "together with another operation it leaves the list as it is");
}

TEST_F(AdmissionPgTest, UpdatesAreMergedFieldByField) {
  admit({{"a", "update_list", R"({"name":"A","public":false})"}});
  admit({{"b", "update_list", R"({"name":"B","description":"\"x\" {ö}\n"})"}});
  EXPECT_EQ(status("a"), "completed");
  EXPECT_EQ(column("b",
                   "operation_data = '{\"name\":\"B\",\"description\":\"\\\"x\\\" {ö}\\n\","
                   "\"public\":false}'::jsonb"),
            "t");
}

TEST_F(AdmissionPgTest, WhatHasBegunIsLeftAlone) {
  admit({add("a", 1)});
  call("a");
  settle("a", Settled::retried);
  EXPECT_TRUE(admit({remove("b", 1)}).swallowed.empty());
  EXPECT_EQ(status("a"), "pending");
}

TEST_F(AdmissionPgTest, AListThatIsDeletedBeforeItsCreationIsOver) {
  admit({create("c"), add("a", 1, 0)});
  const auto admitted = admit({{"d", "delete_list", "{}", 0}});
  EXPECT_EQ(kinds(admitted), std::vector{Kind::ended});
  EXPECT_EQ(admitted.swallowed.size(), 2U);
  EXPECT_EQ(value("select existence from media.lists"), "gone");
  EXPECT_EQ(kinds(admit({create("again")})), std::vector{Kind::ended});
  EXPECT_EQ(column("again", "reason"), "another operation creates the list of this list_ref");
}

TEST_F(AdmissionPgTest, ItWaitsForItsTimeWithoutBeingMerged) {
  Sent later = add("a", 1);
  later.scheduled_for = now() + kHour;
  const auto admitted = admit({later});
  EXPECT_EQ(kinds(admitted), std::vector{Kind::waits});
  EXPECT_EQ(admitted.events[0].due, later.scheduled_for);
  EXPECT_TRUE(admit({remove("b", 1)}).swallowed.empty());
  EXPECT_EQ(column("a", "scheduled"), "t");
  EXPECT_EQ(column("a", "next_attempt_at = scheduled_for"), "t");
  EXPECT_TRUE(std::holds_alternative<handler::AdmitFirst>(open({"a"})[0]));

  const auto called = again(later);
  EXPECT_EQ(kinds(called), std::vector{Kind::waits});
  EXPECT_EQ(called.events[0].due, 0);
  EXPECT_EQ(called.swallowed, (std::vector<message::Identity>{{"phone", "b"}}))
      << "it is the newest";
  EXPECT_EQ(column("a", "scheduled"), "f");
  EXPECT_NE(column("a", "scheduled_for"), "");
  EXPECT_EQ(column("a", "next_attempt_at"), "");
}

TEST_F(AdmissionPgTest, ATimeThatHasPassedIsNow) {
  Sent past = add("a", 1);
  past.scheduled_for = now() - kHour;
  const auto admitted = admit({past});
  EXPECT_EQ(admitted.events[0].due, 0);
  EXPECT_EQ(column("a", "scheduled"), "f");
}

TEST_F(AdmissionPgTest, AReplayBeginsANewLifeAsTheNewest) {
  admit({add("a", 1), add("b", 2)});
  call("a");
  settle("a", Settled::died);
  EXPECT_EQ(kinds(again(add("a", 1))), std::vector{Kind::duplicate}) << "of the same life";
  admit({remove("c", 1)});
  const auto admitted = again(add("a", 1), 1);
  EXPECT_EQ(kinds(admitted), std::vector{Kind::waits});
  EXPECT_EQ(admitted.swallowed, (std::vector<message::Identity>{{"phone", "c"}}));
  EXPECT_EQ(value("select concat_ws(' ', status, life, retry_count, begun_at is null, error_type,"
                  " finished_at) from media.queued_list_operations where event_id = 'a'"),
            "pending 1 0 t");
  EXPECT_EQ(value("select string_agg(event_id, ' ' order by position)"
                  " from media.queued_list_operations where status = 'pending'"),
            "b a");
  EXPECT_EQ(kinds(again(add("a", 1), 0)), std::vector{Kind::duplicate}) << "of a life that is over";
}

TEST_F(AdmissionPgTest, AReplayOfWhatWasNeverAdmittedIsAdmitted) {
  EXPECT_EQ(kinds(again(add("a", 1), 3)), std::vector{Kind::waits});
  EXPECT_EQ(column("a", "life"), "3");
}

TEST_F(AdmissionPgTest, AnEditedReplayIsWhatItSaysNow) {
  admit({add("a", 1)});
  call("a");
  settle("a", Settled::died);
  again(remove("a", 2, 43), 1);
  EXPECT_EQ(value("select concat_ws(' ', operation_type, movie_id, tmdb_list_id, (select"
                  " l.tmdb_list_id from media.lists l where l.id = list_id))"
                  " from media.queued_list_operations"),
            "remove_movie 2 43 43");
}

TEST_F(AdmissionPgTest, AReplayedUpdateKeepsWhatWasMergedIntoIt) {
  const Sent second{"b", "update_list", R"({"name":"B"})"};
  admit({{"a", "update_list", R"({"name":"A","language":"de"})"}, second});
  call("b");
  settle("b", Settled::died);
  again(second, 1);
  EXPECT_EQ(column("b", "operation_data = '{\"name\":\"B\",\"language\":\"de\"}'"), "t");
  call("b", false, 1);
  handler::Settling death = settling("b", Settled::died);
  death.life = 1;
  settle({death});
  again({"b", "update_list", R"({"name":"C"})", 43}, 2);
  EXPECT_EQ(column("b", "operation_data = '{\"name\":\"C\"}'"), "t") << "it is another list's now";
}

TEST_F(AdmissionPgTest, WhatIsUnderWayKeepsItsPlace) {
  admit({add("a", 1)});
  call("a");
  const auto admitted = again(add("a", 1));
  EXPECT_EQ(kinds(admitted), std::vector{Kind::waits});
  EXPECT_EQ(admitted.events[0].order_key, value("select id from media.lists"));
  EXPECT_EQ(status("a"), "processing");
}

TEST_F(AdmissionPgTest, PartsOfABatchAreAdmittedAlone) {
  stage({add("a", 1), add("b", 2), remove("c", 1)}, {.now = now()});
  const auto part = commit(
      [&](postgres::Transaction& transaction) { return admissions_->admit(transaction, 0, 2); });
  EXPECT_EQ(part.events.size(), 2U);
  const auto rest = commit(
      [&](postgres::Transaction& transaction) { return admissions_->admit(transaction, 2, 3); });
  EXPECT_EQ(rest.swallowed.size(), 1U);
  ASSERT_EQ(rest.told.size(), 1U);
  EXPECT_EQ(rest.told[0].cause, 2U) << "its number in the whole batch";
  const auto none = commit(
      [&](postgres::Transaction& transaction) { return admissions_->admit(transaction, 1, 1); });
  EXPECT_TRUE(none.events.empty());
}

}  // namespace
}  // namespace spool::list_operations
