#include "engine/store/operator_commands.hpp"

#include <gmock/gmock.h>

#include "engine/store/letter_fixture.hpp"
#include "engine/store/replay_query.hpp"

namespace spool::store {
namespace {

using delivery::CommandKind;
using testing::HasSubstr;
using testing::Not;

class OperatorCommandsPg : public LetterFixture {
 protected:
  // "handler matched/lanes " of each command that was given.
  std::string give(const CommandRequest& request) {
    const auto given = give_commands(*connection_, request, who_);
    EXPECT_TRUE(given.ok()) << given.failure().text;
    std::string text;
    last_ = {};
    for (const GivenCommand& one : *given) {
      text +=
          one.handler + " " + std::to_string(one.matched) + "/" + std::to_string(one.lanes) + " ";
      last_ = one.id;
    }
    return text;
  }
  std::string count(const CommandRequest& request) {
    const auto given = count_commands(*connection_, request);
    EXPECT_TRUE(given.ok()) << given.failure().text;
    std::string text;
    for (const GivenCommand& one : *given)
      text += one.handler + " " + std::to_string(one.matched) + " ";
    return text;
  }
  static std::string commands() { return database().value("select count(*) from spool.commands"); }

  base::Uuid last_;
};

TEST_F(OperatorCommandsPg, ACommandSaysWhatIsMeantAndWhichLanesItConcerns) {
  lane("h", 0);
  lane("h", 1);
  lane("h", 2);
  letter("h", 0, "a");
  letter("h", 0, "b");
  letter("h", 2, "c");
  letter("h", 1, "resolved", "state = 'resolved'");
  EXPECT_EQ(give({CommandKind::replay, {.error = "schema.*"}, 20}), "h 3/2 ");
  EXPECT_EQ(database().value("select concat_ws(' ', kind, handler, state, rate, matched, reason,"
                             " actor, filter ->> 'error', filter ->> 'state') from spool.commands"),
            "replay h running 20 3 because anna@host schema.* open");
  EXPECT_EQ(
      database().value("select string_agg(partition || ':' || cursor_offset || ':' || finished,"
                       " ' ' order by partition) from spool.command_lanes"),
      "0:-1:false 2:-1:false");
  EXPECT_EQ(audited("actor, action, handler, subject, reason, detail ->> 'matched'"),
            "anna@host | replay.start | h | " + base::to_string(last_) + " | because | 3");
  EXPECT_EQ(database().value("select (filter ->> 'until')::timestamptz between now() - interval"
                             " '1 minute' and clock_timestamp() from spool.commands"),
            "t");
}

TEST_F(OperatorCommandsPg, EachHandlerGetsACommandOfItsOwn) {
  lane("h", 0);
  lane("g", 0);
  letter("h", 0, "a");
  letter("g", 0, "a");
  letter("g", 0, "b");
  EXPECT_EQ(give({CommandKind::discard, {}}), "g 2/1 h 1/1 ");
  EXPECT_EQ(give({CommandKind::discard, {.handler = "h"}}), "h 1/1 ");
}

TEST_F(OperatorCommandsPg, NothingIsWrittenWhereNothingIsMeant) {
  lane("h", 0);
  letter("h", 0, "erased", "erased = true");
  letter("h", 0, "discarded", "state = 'discarded'");
  letter("h", 1, "without a lane");
  EXPECT_EQ(give({CommandKind::replay, {}}), "");
  EXPECT_EQ(commands(), "0");
  EXPECT_EQ(database().value("select count(*) from spool.audit_log"), "0");
  EXPECT_EQ(give({CommandKind::restore, {}}), "h 1/1 ");
}

TEST_F(OperatorCommandsPg, CountingWritesNothing) {
  lane("h", 0);
  letter("h", 0, "a");
  EXPECT_EQ(count({CommandKind::replay, {}}), "h 1 ");
  EXPECT_EQ(commands(), "0");
}

TEST_F(OperatorCommandsPg, EachWordOfTheFilterExcludes) {
  lane("h", 0);
  const base::Uuid a = letter("h", 0, "a");
  letter("h", 0, "b",
         "key = 'x:y', event_type = 'other.v1', source = 's2', topic = 't2', fingerprint = 'fp2',"
         " error_type = 'schema_x', dead_at = now() - interval '2 hours',"
         " value = '{\"user_id\": 8}'");
  const auto replays = [&](const EventFilter& filter) {
    return count({CommandKind::replay, filter});
  };
  EXPECT_EQ(replays({}), "h 2 ");
  EXPECT_EQ(replays({.ids = {a}}), "h 1 ");
  EXPECT_EQ(replays({.ids = {base::Uuid{}}}), "");
  EXPECT_EQ(replays({.error = "*"}), "h 2 ");
  EXPECT_EQ(replays({.error = "schema_x"}), "h 1 ");
  EXPECT_EQ(replays({.error = "schema_*"}), "h 1 ") << "_ stands for itself";
  EXPECT_EQ(replays({.error = "schema%"}), "") << "% stands for itself";
  EXPECT_EQ(replays({.topic = "t2"}), "h 1 ");
  EXPECT_EQ(replays({.fingerprint = "fp2"}), "h 1 ");
  EXPECT_EQ(replays({.key = "x:y"}), "h 1 ");
  EXPECT_EQ(replays({.key = "x"}), "");
  EXPECT_EQ(replays({.event_type = "other.v1"}), "h 1 ");
  EXPECT_EQ(replays({.source = "s2"}), "h 1 ");
  EXPECT_EQ(replays({.user_field = "user_id", .user = "8"}), "h 1 ");
  EXPECT_EQ(replays({.partition = 1}), "");
  EXPECT_EQ(replays({.source = "' or true --"}), "");
  const std::string now =
      database().value("select (extract(epoch from now() - interval '1 hour') * 1000000)::bigint");
  EXPECT_EQ(replays({.older_than = std::stoll(now)}), "h 1 ");
}

TEST_F(OperatorCommandsPg, APriorityIsWrittenDownWithItsCommandAndInTheAuditLog) {
  lane("h", 0);
  open_event("h", 0, 1, "state = 'parked', due_at = null");
  const auto given = give_commands(*connection_, {CommandKind::prioritize, {}, 0, 9}, who_);
  ASSERT_TRUE(given.ok()) << given.failure().text;
  ASSERT_EQ(given->size(), 1U);
  EXPECT_EQ(database().value("select kind || ' ' || priority from spool.commands"), "prioritize 9");
  EXPECT_EQ(
      database().value("select action || ' ' || (detail ->> 'priority') from spool.audit_log"),
      "prioritize.start 9");
  const auto shown = show_command(*connection_, given->front().id);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->info.priority, 9);
}

TEST_F(OperatorCommandsPg, OpenEventsAreCountedByWhatTheCommandDoesToThem) {
  lane("h", 0);
  open_event("h", 0, 1, "state = 'head'");
  open_event("h", 0, 2, "state = 'parked', due_at = null");
  open_event("h", 0, 3, "state = 'scheduled', due_at = now() - interval '1 second'");
  open_event("h", 0, 4, "state = 'dead', due_at = null");
  EXPECT_EQ(count({CommandKind::retry_now, {}}), "h 1 ");
  EXPECT_EQ(count({CommandKind::cancel, {}}), "h 3 ");
  EXPECT_EQ(count({CommandKind::prioritize, {}}), "h 3 ");
  EXPECT_EQ(count({CommandKind::cancel, {.partition = 0, .numbers = {2, 3, 4}}}), "h 2 ");
  EXPECT_EQ(count({CommandKind::cancel, {.partition = 1}}), "");
  EXPECT_EQ(count({CommandKind::replay, {}}), "");
}

TEST_F(OperatorCommandsPg, AnErasureIsAboutBothAndTheAuditLogNamesNobody) {
  lane("h", 0);
  letter("h", 0, "mine", "state = 'resolved'");
  letter("h", 0, "other", "value = '{\"user_id\": 8}'");
  open_event("h", 0, 1, "value = '{\"data\": {\"user_id\": 7}}'");
  EXPECT_EQ(give({CommandKind::erase, {.handler = "h", .user_field = "user_id", .user = "7"}}),
            "h 2/1 ");
  EXPECT_THAT(audited("detail"), HasSubstr(user_mark("7")));
  EXPECT_THAT(audited("detail"), Not(HasSubstr("\"7\"")));
  EXPECT_EQ(database().value("select filter ->> 'user' from spool.commands"), "7");
  ASSERT_TRUE(forget_ended_users(*connection_).ok());
  EXPECT_EQ(database().value("select filter ->> 'user' from spool.commands"), "7")
      << "it has not ended: the owners need it";
  database().execute("update spool.commands set state = 'finished'");
  ASSERT_TRUE(forget_ended_users(*connection_).ok());
  EXPECT_EQ(database().value("select filter ? 'user' from spool.commands"), "f");
}

TEST_F(OperatorCommandsPg, ACommandIsPausedResumedSlowedAndCancelled) {
  lane("h", 0);
  letter("h", 0, "a");
  give({CommandKind::replay, {}});
  const auto state = [] { return database().value("select state || rate from spool.commands"); };
  ASSERT_TRUE(change_command(*connection_, last_, CommandChange::pause, who_).ok());
  EXPECT_EQ(state(), "paused0");
  EXPECT_EQ(audited("action, subject, detail"),
            "replay.pause | " + base::to_string(last_) + " | {\"before\": \"running\"}");
  ASSERT_TRUE(set_rate(*connection_, last_, 5, who_).ok());
  EXPECT_EQ(state(), "paused5");
  EXPECT_EQ(audited("action, detail ->> 'before', detail ->> 'after'"), "replay.set_rate | 0 | 5");
  const auto again = change_command(*connection_, last_, CommandChange::pause, who_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.failure().kind, base::FailureKind::conflict);
  ASSERT_TRUE(change_command(*connection_, last_, CommandChange::resume, who_).ok());
  EXPECT_EQ(state(), "running5");
  ASSERT_TRUE(change_command(*connection_, last_, CommandChange::cancel, who_).ok());
  EXPECT_EQ(database().value("select state || (finished_at is not null) from spool.commands"),
            "cancelledtrue");
  for (const auto change : {CommandChange::pause, CommandChange::resume, CommandChange::cancel}) {
    const auto late = change_command(*connection_, last_, change, who_);
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.failure().kind, base::FailureKind::conflict);
  }
  const auto none = change_command(*connection_, base::Uuid{}, CommandChange::pause, who_);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().kind, base::FailureKind::not_found);
}

TEST_F(OperatorCommandsPg, TheOwnersHearOfIt) {
  lane("h", 0);
  letter("h", 0, "a");
  const auto owner = database().connect();
  ASSERT_TRUE(owner->listen("spool_commands").ok());
  give({CommandKind::replay, {}});
  const auto heard = owner->wait_notified(-1, std::chrono::seconds(10));
  ASSERT_TRUE(heard.ok());
  EXPECT_TRUE(*heard);
}

TEST_F(OperatorCommandsPg, AuditRowsAreListedNewestFirst) {
  for (const char* action : {"replay.start", "replay.pause", "discard.start"}) {
    auto transaction = begin_durable(*connection_);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(write_audit(**transaction, who_, {action, "h", "subject"}).ok());
    ASSERT_TRUE((*transaction)->commit().ok());
  }
  const auto actions = [&](const AuditFilter& filter) {
    std::string text;
    const auto page = list_audit(*connection_, filter);
    EXPECT_TRUE(page.ok()) << page.failure().text;
    for (const AuditRow& row : page->rows) text += row.action + " ";
    return text + (page->next ? "more" : "end");
  };
  EXPECT_EQ(actions({}), "discard.start replay.pause replay.start end");
  EXPECT_EQ(actions({.action = "replay.*"}), "replay.pause replay.start end");
  EXPECT_EQ(actions({.actor = "nobody"}), "end");
  EXPECT_EQ(actions({.limit = 1}), "discard.start more");
  const auto first = list_audit(*connection_, {.limit = 2});
  EXPECT_EQ(actions({.before = first->next}), "replay.start end");
}

}  // namespace
}  // namespace spool::store
