#include <fstream>
#include <iterator>
#include <map>

#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Command;
using delivery::CommandKind;
using delivery::CommandTargets;
using delivery::DeadLetter;
using delivery::OpenEvent;
using delivery::OpenState;
using testing::ElementsAre;

class CommandsPg : public OpenFixture {
 protected:
  // As an operator writes it, for these lanes.
  Command give(const std::string& kind, const std::string& filter,
               const std::vector<std::int32_t>& partitions, std::int64_t rate = 0) {
    const std::string id = database().value("select gen_random_uuid()");
    database().execute(
        "insert into spool.commands (id, kind, handler, filter, rate, matched,"
        " reason, actor, priority) values ('" +
        id + "', '" + kind + "', 'h', '" + filter + "', " + std::to_string(rate) +
        ", 9, 'why', 'who', " + (kind == "prioritize" ? "7" : "null") + ")");
    for (const std::int32_t partition : partitions) {
      database().execute(
          "insert into spool.command_lanes (command_id, handler, partition) values"
          " ('" +
          id + "', 'h', " + std::to_string(partition) + ")");
    }
    static const std::map<std::string, CommandKind> kinds = {
        {"replay", CommandKind::replay},        {"discard", CommandKind::discard},
        {"restore", CommandKind::restore},      {"retry_now", CommandKind::retry_now},
        {"cancel", CommandKind::cancel},        {"erase", CommandKind::erase},
        {"prioritize", CommandKind::prioritize}};
    return {*base::parse_uuid(id), kinds.at(kind), rate};
  }
  Command give(const std::string& kind, const std::string& filter = "{}") {
    return give(kind, filter, {lane_.partition});
  }

  // One page that changes nothing but its own progress, and what it was about.
  CommandTargets page(const Command& command, std::size_t page_max = 100) {
    CommandTargets targets;
    work([&](delivery::LaneTransaction& open) -> base::Status {
      auto found = open.targets(command, page_max);
      if (!found) return found.failure();
      targets = *found;
      if (!targets.live) return {};
      const auto done = static_cast<std::int64_t>(targets.letters.size() + targets.rows.size());
      return open.finish_page(command, {done, 1}, !targets.more);
    });
    return targets;
  }
  static std::string names(const CommandTargets& targets) {
    std::string text = targets.live ? "" : "(not live) ";
    for (const auto& letter : targets.letters) text += letter.event_id + " ";
    for (const auto& row : targets.rows) text += std::to_string(row.number) + " ";
    return text + (targets.more ? "..." : "");
  }
  std::string meant(const std::string& kind, const std::string& filter) {
    return names(page(give(kind, filter)));
  }
  std::string state(const Command& command) const {
    return database().value("select state from spool.commands where id = '" +
                            base::to_string(command.id) + "'");
  }
  DeadLetter with_value(const std::string& id, std::int64_t offset, const char* key,
                        const char* value) const {
    DeadLetter dead = letter(id, offset);
    dead.record.key = key == nullptr ? std::nullopt : std::optional<std::string_view>(key);
    dead.record.value = value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
    return dead;
  }
};

TEST_F(CommandsPg, CommandsOfALaneAreThoseThatRunOldestFirst) {
  const Command first = give("replay", "{}", {lane_.partition, 9001, 9002}, 10);
  const Command second = give("erase");
  const Command paused = give("discard");
  database().execute("update spool.commands set state = 'paused' where id = '" +
                     base::to_string(paused.id) + "'");
  give("discard", "{}", {9001});
  const Command finished = give("cancel");
  page(finished);
  const auto all = store_.commands({&lane_, 1});
  ASSERT_TRUE(all.ok()) << all.failure().text;
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).lane, lane_);
  EXPECT_EQ(all->at(0).command, (Command{first.id, CommandKind::replay, 4}))
      << "ten a second over three lanes";
  EXPECT_EQ(all->at(1).command, (Command{second.id, CommandKind::erase, 0}));
  EXPECT_TRUE(store_.commands({})->empty());
}

TEST_F(CommandsPg, ThePriorityThatIsAskedForReachesTheOwner) {
  const Command given = give("prioritize");
  const auto all = store_.commands({&lane_, 1});
  ASSERT_TRUE(all.ok()) << all.failure().text;
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->at(0).command, (Command{given.id, CommandKind::prioritize, 0, {}, 7}));
}

TEST_F(CommandsPg, EachKindMeansTheStatesThatItCanChange) {
  bury({letter("a", 100), letter("b", 101), letter("c", 102), letter("d", 103), letter("e", 104)});
  database().execute(
      "update spool.dead_letters set state = (array['open', 'replaying', 'resolved',"
      " 'discarded', 'open'])[record_offset - 99], erased = record_offset = 104" +
      where());
  open({event(1, 1, OpenState::head, 1), event(2, 1, OpenState::parked),
        event(3, 2, OpenState::scheduled, 1), event(4, 3, OpenState::dead)});
  EXPECT_EQ(meant("replay", "{}"), "a ");
  EXPECT_EQ(meant("discard", "{}"), "a ");
  EXPECT_EQ(meant("restore", "{}"), "d ");
  EXPECT_EQ(meant("retry_now", "{}"), "1 3 ");
  EXPECT_EQ(meant("cancel", "{}"), "1 2 3 ");
  EXPECT_EQ(meant("prioritize", "{}"), "1 2 3 ");
  EXPECT_EQ(meant("erase", "{}"), "a b c d 1 2 3 ");
}

TEST_F(CommandsPg, AFilterOfDeadLettersTakesEachWordLiterally) {
  DeadLetter other = letter("b", 101);
  other.type = "u.v1";
  other.why = {message::ErrorType::upstream_timeout, "", "late"};
  other.record.key = "other";
  DeadLetter odd = letter("c", 102);
  odd.why.type = message::ErrorType::other;  // _OTHER
  bury({letter("a", 100), other, odd});
  database().execute("update spool.dead_letters set topic = 'elsewhere'" + where() +
                     " and event_id = 'c'");
  const std::string id = base::to_string(find("b").at(0).id);
  const std::string none = base::to_string(base::random_uuid());
  EXPECT_EQ(meant("replay", R"({"ids": [")" + id + R"(", ")" + none + R"("]})"), "b ");
  EXPECT_EQ(meant("replay", R"({"ids": []})"), "");
  EXPECT_EQ(meant("replay", R"({"error": "upstream.*"})"), "b ");
  EXPECT_EQ(meant("replay", R"({"error": "*.violation"})"), "a ");
  EXPECT_EQ(meant("replay", R"({"error": "schema_violation"})"), "") << "_ stands for itself";
  EXPECT_EQ(meant("replay", R"({"error": "%"})"), "");
  EXPECT_EQ(meant("replay", R"({"error": "_OTHER"})"), "c ");
  EXPECT_EQ(meant("replay", R"({"error": "upstream"})"), "");
  EXPECT_EQ(meant("replay", R"({"topic": "topic"})"), "a b ");
  EXPECT_EQ(meant("replay", R"({"fingerprint": "h upstream.timeout late"})"), "b ");
  EXPECT_EQ(meant("replay", R"({"key": "other"})"), "b ");
  EXPECT_EQ(meant("replay", R"({"key": "othe"})"), "");
  EXPECT_EQ(meant("replay", R"({"event_type": "u.v1"})"), "b ");
  EXPECT_EQ(meant("replay", R"({"source": ")" + source() + R"("})"), "a b c ");
  EXPECT_EQ(meant("replay", R"({"source": "x"})"), "");
  EXPECT_EQ(meant("replay", R"({"state": "open"})"), "a b c ");
  EXPECT_EQ(meant("replay", R"({"state": "discarded"})"), "");
  EXPECT_EQ(meant("replay", R"({"partition": )" + std::to_string(lane_.partition) + "}"), "a b c ");
  EXPECT_EQ(meant("replay", R"({"partition": 77777})"), "");
  EXPECT_EQ(meant("replay", R"({"error": "*o*", "event_type": "u.v1", "key": "other"})"), "b ");
}

TEST_F(CommandsPg, WhatDiedLaterIsNotMeant) {
  bury({letter("a", 100), letter("b", 101)});
  database().execute(
      "update spool.dead_letters set dead_at = timestamptz '2026-01-01 00:00Z' +"
      " (record_offset - 100) * interval '1 hour'" +
      where());
  EXPECT_EQ(meant("replay", R"({"until": "2026-01-01T00:00:00Z"})"), "a ");
  EXPECT_EQ(meant("replay", R"({"until": "2026-01-01T01:00:00Z"})"), "a b ");
  EXPECT_EQ(meant("replay", R"({"older_than": "2026-01-01T00:59:59.999999+00:00"})"), "a ");
  EXPECT_EQ(
      meant("replay", R"({"older_than": "2025-12-31T00:00:00Z", "until": "2026-01-01T01:00:00Z"})"),
      "");
}

TEST_F(CommandsPg, AFilterOfOpenEventsMeansThemByNumberAndTopic) {
  OpenEvent failing = event(3, 3, OpenState::head, 1);
  failing.row.attempts = 1;
  failing.failed = failed();
  open({event(1, 1, OpenState::head, 1), event(2, 2, OpenState::head, 1), failing});
  const std::string here = std::to_string(lane_.partition);
  EXPECT_EQ(meant("cancel", R"({"numbers": [1, 3], "partition": )" + here + "}"), "1 3 ");
  EXPECT_EQ(meant("cancel", R"({"numbers": [1], "partition": 77777})"), "");
  EXPECT_EQ(meant("cancel", R"({"error": "upstream.*"})"), "3 ");
  EXPECT_EQ(meant("cancel", R"({"topic": "topic"})"), "1 2 3 ");
  EXPECT_EQ(meant("cancel", R"({"topic": "elsewhere"})"), "");
  EXPECT_EQ(meant("cancel", R"({"until": "2020-01-01T00:00:00Z"})"), "");
  EXPECT_EQ(meant("cancel", R"({"fingerprint": "x"})"), "") << "an open event has none";
  EXPECT_EQ(meant("cancel", R"({"ids": [")" + base::to_string(base::random_uuid()) + R"("]})"), "");
  bury({letter("a", 100)});
  EXPECT_EQ(meant("erase", R"({"numbers": [1], "partition": )" + here + "}"), "1 ");
  EXPECT_EQ(meant("erase", R"({"ids": [")" + base::to_string(find("a").at(0).id) + R"("]})"), "a ");
}

TEST_F(CommandsPg, APersonIsFoundByKeyAndByDataInBothModes) {
  bury({with_value("a", 100, "42", "no json"), with_value("b", 101, "42:7", nullptr),
        with_value("c", 102, "421", "\xff\xfe"),
        with_value("d", 103, nullptr, R"({"user_id": 42})"),
        with_value("e", 104, "x", R"({"data": {"user_id": "42"}})"),
        with_value("f", 105, "x", R"({"user_id": 421})"), with_value("g", 106, "x", "[42]"),
        with_value("i", 107, "x", R"({"user_id": "\u0000"})"), with_value("j", 108, "x", "")});
  EXPECT_EQ(meant("erase", R"({"user": "42", "user_field": "user_id"})"), "a b d e ");
  EXPECT_EQ(meant("erase", R"({"user": "42"})"), "a b ");
}

TEST_F(CommandsPg, PagesMeetWithoutOverlapOrGap) {
  std::vector<DeadLetter> letters;
  for (int i = 0; i < 7; ++i) letters.push_back(letter(std::string(1, char('a' + i)), 106 - i));
  bury(letters);
  open({event(1, 1, OpenState::head, 1), event(2, 1, OpenState::parked),
        event(3, 2, OpenState::head, 1)});
  for (const std::size_t page_max : {1, 2, 3, 4, 5, 10, 11}) {
    const Command command = give("erase");
    std::string all;
    for (int pages = 0; pages < 20; ++pages) {
      const CommandTargets targets = page(command, page_max);
      EXPECT_LE(targets.letters.size() + targets.rows.size(), page_max);
      const bool more = targets.more;
      all += names(targets);
      if (!more) break;
      all.resize(all.size() - 3);
    }
    EXPECT_EQ(all, "g f e d c b a 1 2 3 ") << "pages of " << page_max;
    EXPECT_EQ(state(command), "finished");
    EXPECT_EQ(names(page(command)), "(not live) ");
  }
}

TEST_F(CommandsPg, APersonIsSoughtAmongSoManyAPageAndTheNextPageGoesOn) {
  bury({with_value("a", 100, "42", ""), with_value("z", 9'000, "42", "")});
  database().execute(
      "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
      " record_offset, record_timestamp_ms, headers, error_type, error_field, error_message,"
      " fingerprint, attempts, first_seen, order_key) select 'h', '" +
      source() +
      "', 'x' || n,"
      " 't', 'topic', " +
      std::to_string(lane_.partition) +
      ", 200 + n, 0, '', 'e', '', '', '', 1,"
      " now(), gen_random_uuid() from generate_series(1, 6000) n");
  open({event(1, 1, OpenState::head, 1)});
  const Command command = give("erase", R"({"user": "42"})");
  EXPECT_EQ(names(page(command)), "a ...");
  EXPECT_EQ(names(page(command)), "z ");
  EXPECT_EQ(state(command), "finished");
}

TEST_F(CommandsPg, APausedOrCancelledCommandHasNoTargets) {
  bury({letter("a", 100)});
  const Command command = give("replay");
  for (const char* other : {"paused", "cancelled"}) {
    database().execute("update spool.commands set state = '" + std::string(other) +
                       "' where id = '" + base::to_string(command.id) + "'");
    EXPECT_EQ(names(page(command)), "(not live) ");
  }
  EXPECT_EQ(names(page(Command{base::random_uuid()})), "(not live) ");
}

TEST_F(CommandsPg, TheLastLaneEndsTheCommandAndTellsOfIt) {
  const delivery::LaneId first = lane_;
  const delivery::Claim first_claim = claim_;
  bury({letter("a", 100)});
  lane_ = fresh_lane();
  claim_ = take(store_).claim;
  bury({letter("b", 100), letter("c", 101)});
  const Command command = give("replay", "{}", {first.partition, lane_.partition});
  EXPECT_EQ(names(page(command)), "b c ");
  EXPECT_EQ(state(command), "running");
  EXPECT_EQ(outbox_topics(), "topic.dlt, topic.dlt");
  lane_ = first;
  claim_ = first_claim;
  ++claim_.seq;
  EXPECT_EQ(names(page(command)), "a ");
  EXPECT_EQ(state(command), "finished");
  EXPECT_EQ(database().value("select concat_ws(' ', actor, action, handler, reason, detail ->>"
                             " 'matched', detail ->> 'done', detail ->> 'skipped')"
                             " from spool.audit_log where subject = '" +
                             base::to_string(command.id) + "'"),
            "who replay.finished h why 9 3 2");
  const auto sent = store_.outbox(lane_, 10);
  ASSERT_EQ(sent->size(), 2U);
  EXPECT_EQ(sent->at(1).topic, "events");
  EXPECT_EQ(sent->at(1).key, "h");
  EXPECT_EQ(outbox_header(1, "ce_type"), "replay.finished.v1");
  EXPECT_EQ(outbox_header(1, "ce_id"), base::to_string(command.id));
  EXPECT_EQ(outbox_header(1, "ce_specversion"), "1.0");
  EXPECT_EQ(outbox_header(1, "content-type"), "application/json");
  EXPECT_EQ(database().value("select concat_ws(' ', v ->> 'replay_id', v ->> 'done', v ->>"
                             " 'skipped', v ->> 'matched', v ->> 'handler') from (select"
                             " spool.json_or_null(value) as v from spool.outbox" +
                             where() + " and topic = 'events') e"),
            base::to_string(command.id) + " 3 2 9 h");
  std::ifstream example(SPOOL_SCHEMAS "/events/examples/replay.finished.v1.json");
  const std::string shown((std::istreambuf_iterator<char>(example)), {});
  EXPECT_EQ(database().value("select string_agg(k, ' ' order by k) from (select jsonb_object_keys("
                             "spool.json_or_null(value)) as k from spool.outbox" +
                             where() + " and topic = 'events') e"),
            database().value("select string_agg(k, ' ' order by k) from jsonb_object_keys('" +
                             shown + "'::jsonb) k"));
}

TEST_F(CommandsPg, OnlyAReplaysEndIsAnEvent) {
  page(give("discard"));
  EXPECT_EQ(outbox_topics(), "");
}

TEST_F(CommandsPg, TwoLanesThatFinishAtOnceEndTheCommandOnce) {
  const delivery::LaneId mine = lane_;
  const delivery::LaneId theirs = fresh_lane();
  lane_ = theirs;
  PgStore other = make_store("host-b");
  const delivery::Claim their_claim = take(other).claim;
  lane_ = mine;
  const Command command = give("replay", "{}", {mine.partition, theirs.partition});
  auto begun = store_.begin(mine);
  ASSERT_TRUE((*begun)->fence(claim_, nullptr).ok());
  ASSERT_TRUE((*begun)->targets(command, 10).ok());
  // The other's last page waits until this one is known.
  PgStoreSettings impatient = settings();
  impatient.connection.lock_timeout = std::chrono::milliseconds(20);
  PgStore hasty = make_store("host-b", impatient);
  {
    auto held = hasty.begin(theirs);
    ASSERT_TRUE((*held)->fence(their_claim, nullptr).ok());
    const auto blocked = (*held)->targets(command, 10);
    ASSERT_FALSE(blocked.ok());
    EXPECT_EQ(blocked.failure().kind, base::FailureKind::slow);
  }
  ASSERT_TRUE((*begun)->finish_page(command, {}, true).ok());
  ASSERT_TRUE((*begun)->commit(delivery::Durability::durable).ok());
  EXPECT_EQ(state(command), "running");
  auto last = other.begin(theirs);
  ASSERT_TRUE((*last)->fence(their_claim, nullptr).ok());
  ASSERT_TRUE((*last)->targets(command, 10).ok());
  ASSERT_TRUE((*last)->finish_page(command, {}, true).ok());
  ASSERT_TRUE((*last)->commit(delivery::Durability::durable).ok());
  EXPECT_EQ(state(command), "finished");
}

TEST_F(CommandsPg, LanesInTheMiddleDoNotWaitForEachOther) {
  bury({letter("a", 100), letter("b", 101)});
  const delivery::LaneId mine = lane_;
  const delivery::Claim my_claim = claim_;
  lane_ = fresh_lane();
  claim_ = take(store_).claim;
  bury({letter("a", 100), letter("b", 101)});
  const Command command = give("replay", "{}", {mine.partition, lane_.partition});
  PgStore other = make_store("host-b");
  auto held = other.begin(mine);
  ASSERT_TRUE((*held)->fence(my_claim, nullptr).ok());
  ASSERT_TRUE((*held)->targets(command, 1).ok());
  EXPECT_EQ(names(page(command, 1)), "a ...");
}

TEST_F(CommandsPg, AReplayIsNamedWhereverItsEventGoes) {
  bury({letter("a", 100)});
  const Command command = give("replay");
  const std::string id = base::to_string(command.id);
  work([&](delivery::LaneTransaction& open) -> base::Status {
    auto targets = open.targets(command, 10);
    if (!targets) return targets.failure();
    const delivery::Revival revival[] = {
        {targets->letters.at(0).id, 7, OpenState::head, 1'000'000, false}};
    if (auto done = open.revive(revival); !done) return done;
    return open.finish_page(command, {1, 0}, true);
  });
  EXPECT_EQ(open_rows("replay_id"), id);
  OpenEvent head = event(7, 1, OpenState::head, 2'000'000);
  head.row.life = 1;
  head.row.attempts = 1;
  const delivery::Reschedule again[] = {{head.row, source(), "a", {}, failed()}};
  work([&](auto& open) { return open.reschedule(again); });
  DeadLetter dead = letter("a", 100);
  dead.life = 1;
  dead.open_number = 7;
  EXPECT_THAT(bury({dead, letter("b", 101)}), ElementsAre(true, true));
  EXPECT_EQ(outbox_topics(), "topic.dlt, events, topic.retry.1s, topic.dlt, topic.dlt");
  EXPECT_EQ(outbox_header(2, "spool-replay-id"), id);
  EXPECT_EQ(outbox_header(3, "spool-replay-id"), id);
  EXPECT_EQ(outbox_header(4, "spool-replay-id"), "none");
}

TEST_F(CommandsPg, DiscardingRestoringAndErasingChangeTheirLettersOnly) {
  bury({letter("a", 100), letter("b", 101)});
  const base::Uuid a[] = {find("a").at(0).id};
  const auto settle = [&](CommandKind kind) {
    work([&](auto& open) { return open.settle_letters({{}, kind, 0}, a); });
  };
  settle(CommandKind::discard);
  EXPECT_EQ(letters("event_id, state, settled_at is null"), "a discarded f, b open t");
  settle(CommandKind::restore);
  EXPECT_EQ(letters("event_id, state, settled_at is null"), "a open t, b open t");
  const auto wrong = try_work([&](auto& open) {
    return open.settle_letters({{}, CommandKind::restore, 0}, a);
  });
  ASSERT_FALSE(wrong.ok()) << "it is not discarded";
  EXPECT_EQ(wrong.failure().kind, base::FailureKind::conflict);
  settle(CommandKind::erase);
  EXPECT_EQ(letters("event_id, state, erased, value is null and key is null, length(headers)"),
            "a discarded t t 0, b open f f 0");
}

TEST_F(CommandsPg, ErasingWhatWasReplayedDoesNotMakeItDead) {
  bury({letter("a", 100), letter("b", 101)});
  revive("a", 7);
  revive("b", 8);
  const std::int64_t ended[] = {8};
  work([&](auto& open) { return open.close(ended); });
  const base::Uuid ids[] = {find("a").at(0).id, find("b").at(0).id};
  work([&](auto& open) { return open.settle_letters({{}, CommandKind::erase, 0}, ids); });
  EXPECT_EQ(letters("event_id, state, erased"), "a resolved t, b resolved t");
}

TEST_F(CommandsPg, AnErasureTakesBackWhatWasNotPublishedYet) {
  OpenEvent mine = event(1, 1, OpenState::head, 1);
  mine.row.attempts = 1;
  mine.failed = failed();
  mine.record.key = "42";
  OpenEvent other = event(2, 2, OpenState::head, 1);
  other.row.attempts = 1;
  other.failed = failed();
  open({mine, other});
  bury({with_value("a", 100, "42", "v"), letter("b", 101)});
  EXPECT_EQ(outbox_topics(), "topic.retry.1s, topic.retry.1s, topic.dlt, topic.dlt");
  EXPECT_EQ(meant("erase", R"({"user": "42"})"), "a 1 ");
  EXPECT_EQ(rows("outbox", "event_id", "number"), "e2, b");
  EXPECT_EQ(meant("discard", "{}"), "a b ") << "other commands leave the outbox alone";
  EXPECT_EQ(rows("outbox", "event_id", "number"), "e2, b");
}

}  // namespace
}  // namespace spool::store
