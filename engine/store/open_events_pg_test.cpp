#include <map>

#include "engine/delivery/dead_letter.hpp"
#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Awakening;
using delivery::HeadRef;
using delivery::OpenEvent;
using delivery::OpenState;
using testing::ElementsAre;

class OpenEventsPg : public OpenFixture {
 protected:
  OpenEvent retried(std::int64_t number, std::uint8_t of_key, std::size_t rung = 0) const {
    OpenEvent one = event(number, of_key, OpenState::head, 60'000'000);
    one.row.attempts = 1;
    one.row.first_failed_at = 3'000'000;
    one.failed = failed(rung);
    return one;
  }
  delivery::OpenPage read(const std::vector<HeadRef>& heads, std::size_t events_max = 1000,
                          std::size_t bytes_max = 1'000'000) {
    return ask([&](auto& open) { return open.read_open(heads, events_max, bytes_max); });
  }
  static std::vector<std::int64_t> numbers(const delivery::OpenPage& page) {
    std::vector<std::int64_t> all;
    for (const auto& row : page.rows) all.push_back(row.number);
    return all;
  }
};

TEST_F(OpenEventsPg, RowsAreWrittenAsTheyAre) {
  OpenEvent scheduled = event(3, 2, OpenState::scheduled, 7'000'000);
  OpenEvent dead = event(4, 3, OpenState::dead);
  open({retried(1, 1), event(2, 1, OpenState::parked), scheduled, dead});
  EXPECT_EQ(open_rows("number, state, coalesce(extract(epoch from due_at)::bigint, -1), life,"
                      " attempts, coalesce(extract(epoch from first_failed_at)::bigint, -1),"
                      " event_id, event_type, record_offset, record_timestamp_ms, bytes,"
                      " coalesce(error_type, 'none')"),
            "1 head 60 0 1 3 e1 t.v1 101 5001 400 upstream.timeout, "
            "2 parked -1 0 0 -1 e2 t.v1 102 5002 400 none, "
            "3 scheduled 7 0 0 -1 e3 t.v1 103 5003 400 none, "
            "4 dead -1 0 0 -1 e4 t.v1 104 5004 400 none");
  EXPECT_EQ(open_rows("jsonb_array_length(history)"), "1, 0, 0, 0");
  EXPECT_EQ(open_rows("history -> 0 ->> 'life', history -> 0 ->> 'attempt', history -> 0 ->>"
                      " 'message', (history -> 0 ->> 'at')::timestamptz = opened_at"),
            "0 1 f: no answer t, , , ");
}

TEST_F(OpenEventsPg, APriorityGoesWithItsEventAndCanBeChanged) {
  std::vector<OpenEvent> events = {
      event(1, 1, OpenState::head, 60'000'000), event(2, 1, OpenState::parked),
      event(3, 2, OpenState::scheduled, 7'000'000), event(4, 3, OpenState::head, 60'000'000)};
  for (std::size_t i = 0; i < 3; ++i) events[i].row.priority = static_cast<std::int16_t>(9 - i);
  open(events);
  EXPECT_EQ(open_rows("number, priority"), "1 9, 2 8, 3 7, 4 5");
  const std::int64_t numbers[] = {1, 4};
  const auto page = ask([&](auto& open) { return open.read_rows(numbers); });
  ASSERT_EQ(page.rows.size(), 2U);
  EXPECT_EQ(page.rows[0].priority, 9);
  EXPECT_EQ(page.rows[1].priority, 5);
  const std::int64_t changed[] = {2, 3};
  work([&](auto& open) { return open.prioritize(changed, 1); });
  EXPECT_EQ(open_rows("number, priority"), "1 9, 2 1, 3 1, 4 5");
  const delivery::KeyHash keys[] = {key(1)};
  const auto heads = ask([&](auto& open) { return open.promote(keys, 8'000'000); });
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].number, 2);
  EXPECT_EQ(heads[0].priority, 1);
  const Awakening awake[] = {{3, 5, OpenState::head, key(2), 6}};
  work([&](auto& open) { return open.awaken(awake); });
  EXPECT_EQ(open_rows("number, priority"), "1 9, 2 1, 4 5, 5 6");
  const std::int64_t unknown[] = {99};
  EXPECT_FALSE(try_work([&](auto& open) { return open.prioritize(unknown, 1); }).ok());
}

TEST_F(OpenEventsPg, OnlyWhatFailedLeavesARetryRecord) {
  open({event(1, 1, OpenState::head, 1), event(2, 1, OpenState::parked)});
  EXPECT_EQ(outbox_topics(), "");
  open({retried(3, 3, 1), event(4, 3, OpenState::parked), retried(5, 5, 0)});
  EXPECT_EQ(outbox_topics(), "topic.retry.9s, topic.retry.1s");
  const auto sent = store_.outbox(lane_, 1);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->at(0).key, "key");
  EXPECT_EQ(sent->at(0).value, "value");
  const std::map<std::string, std::string> expected = {
      {"spool-attempt", "2"},
      {"spool-life", "0"},
      {"spool-origin-timestamp", "5003"},
      {"spool-first-seen", "1970-01-01T00:00:03.000000Z"},
      {"spool-due-at", "1970-01-01T00:01:00.000000Z"},
      {"spool-error-type", "upstream.timeout"},
      {"spool-error-message", "f: no answer"},
      {"spool-handler", "h"},
      {"spool-release", "0.1.0"}};
  std::map<std::string, std::string> found;
  for (const auto& [name, value] : sent->at(0).headers) found.emplace(name, value.value_or("null"));
  EXPECT_EQ(found, expected);
  EXPECT_EQ(rows("outbox", "id", "number").substr(0, 36),
            base::to_string(delivery::retry_id(source(), "e3", retried(3, 3).row)));
  EXPECT_EQ(rows("outbox", "source, event_id", "number"), source() + " e3, " + source() + " e5");
}

TEST_F(OpenEventsPg, ARetryRecordMakesItsTransactionDurableAndNothingElseDoes) {
  std::string setting;
  FunctionBatch look([&setting](auto& open) -> base::Result<handler::ApplyCounts> {
    setting = open.execute({"look", "select current_setting('synchronous_commit')"})->text(0, 0);
    return handler::ApplyCounts{};
  });
  const OpenEvent quiet[] = {event(1, 1, OpenState::head, 1)};
  const OpenEvent loud[] = {retried(2, 2)};
  work([&](delivery::LaneTransaction& open) {
    EXPECT_TRUE(open.open(quiet).ok());
    EXPECT_TRUE(open.apply(look, 0, 1).ok());
    EXPECT_EQ(setting, "off");
    EXPECT_TRUE(open.open(loud).ok());
    EXPECT_TRUE(open.apply(look, 0, 1).ok());
    EXPECT_EQ(setting, "on");
    return base::Status();
  });
  const delivery::Reschedule again[] = {
      {loud[0].row, loud[0].source, loud[0].id, loud[0].record, failed()}};
  work([&](delivery::LaneTransaction& open) {
    EXPECT_TRUE(open.reschedule(again).ok());
    EXPECT_TRUE(open.apply(look, 0, 1).ok());
    EXPECT_EQ(setting, "on");
    return base::Status();
  });
}

TEST_F(OpenEventsPg, AHeadThatFailsAgainIsDueLaterAndRemembersBoth) {
  open({retried(1, 1), retried(2, 2)});
  delivery::Reschedule again{retried(1, 1).row, source(), "e1", {}, failed(1)};
  again.row.attempts = 2;
  again.row.due = 90'000'000;
  again.failed.why = {message::ErrorType::upstream_network, "", "no route"};
  const message::Header headers[] = {{"ce_id", "e1"}, {"spool-attempt", "2"}};
  again.record.headers = headers;
  work([&](auto& open) { return open.reschedule({&again, 1}); });
  EXPECT_EQ(open_rows("number, state, extract(epoch from due_at)::bigint, attempts, error_type,"
                      " error_message, extract(epoch from first_failed_at)::bigint,"
                      " jsonb_array_length(history), history -> -1 ->> 'attempt'"),
            "1 head 90 2 upstream.network no route 3 2 2, "
            "2 head 60 1 upstream.timeout f: no answer 3 1 1");
  EXPECT_EQ(outbox_topics(), "topic.retry.1s, topic.retry.1s, topic.retry.9s");
  const auto sent = store_.outbox(lane_, 3);
  EXPECT_EQ(sent->at(2).key, "key") << "of the table, the record at hand has none";
  EXPECT_EQ(sent->at(2).value, "value");
  EXPECT_EQ(outbox_header(2, "ce_id"), "e1");
  EXPECT_EQ(outbox_header(2, "spool-attempt"), "3");
  EXPECT_EQ(outbox_header(2, "spool-replay-id"), "none");
}

TEST_F(OpenEventsPg, AHistoryKeepsTheNewest) {
  open({retried(1, 1)});
  database().execute(
      "update spool.open_events set history = (select jsonb_agg(n) from"
      " generate_series(1, 50) n)" +
      where());
  const delivery::Reschedule again[] = {{retried(1, 1).row, source(), "e1", {}, failed()}};
  work([&](auto& open) { return open.reschedule(again); });
  EXPECT_EQ(open_rows("jsonb_array_length(history), history ->> 0, history -> -1 ->> 'attempt'"),
            "50 2 1");
}

TEST_F(OpenEventsPg, ClosingAndBlockingTouchTheirRowsOnly) {
  open({retried(1, 1), event(2, 1, OpenState::parked), retried(3, 3), retried(4, 4)});
  const std::int64_t ended[] = {1, 2};
  const std::int64_t died[] = {3};
  work([&](auto& open) { return open.close(ended); });
  work([&](auto& open) { return open.block(died); });
  EXPECT_EQ(open_rows("number, state, due_at is null"), "3 dead t, 4 head f");
}

TEST_F(OpenEventsPg, ARowThatIsNotThereStopsTheLane) {
  open({retried(1, 1)});
  const std::int64_t numbers[] = {1, 7};
  const delivery::KeyHash keys[] = {key(1)};
  const Awakening awakening[] = {{1, 9, OpenState::head, key(1)}};
  const delivery::Postponement later[] = {{1, 9, 5, key(1)}, {7, 10, 5, key(1)}};
  const delivery::Reschedule again[] = {
      {event(8, 1, OpenState::head).row, source(), "e8", {}, failed()}};
  for (const Body& body : std::vector<Body>{[&](auto& open) { return open.close(numbers); },
                                            [&](auto& open) { return open.block(numbers); },
                                            [&](auto& open) { return open.hasten(numbers, 1); },
                                            [&](auto& open) { return open.awaken(awakening); },
                                            [&](auto& open) { return open.postpone(later); },
                                            [&](auto& open) { return open.reschedule(again); },
                                            [&](auto& open) {
                                              auto promoted = open.promote(keys, 1);
                                              return promoted ? base::Status()
                                                              : base::Status(promoted.failure());
                                            }}) {
    const auto status = try_work(body);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.failure().kind, base::FailureKind::schema);
  }
  EXPECT_EQ(open_rows(), "1 head");
}

TEST_F(OpenEventsPg, TheFirstParkedOfEachKeyIsPromotedInTheOrderOfTheKeys) {
  open({event(1, 1, OpenState::scheduled, 5), event(2, 2, OpenState::parked),
        event(3, 1, OpenState::parked), event(4, 1, OpenState::parked),
        event(5, 2, OpenState::parked), event(6, 3, OpenState::parked)});
  const delivery::KeyHash keys[] = {key(2), key(1)};
  const auto heads = ask([&](auto& open) { return open.promote(keys, 8'000'000); });
  ASSERT_EQ(heads.size(), 2U);
  EXPECT_EQ(heads[0].number, 2);
  EXPECT_EQ(heads[1].number, 3);
  EXPECT_EQ(open_rows("number, state, extract(epoch from due_at)::bigint"),
            "1 scheduled 0, 2 head 8, 3 head 8, 4 parked, 5 parked, 6 parked");
}

TEST_F(OpenEventsPg, APageHasHeadsAndWhatWaitsBehindThemInTheOrderAsked) {
  open({event(1, 1, OpenState::head, 1), event(2, 2, OpenState::head, 2),
        event(3, 1, OpenState::parked), event(4, 2, OpenState::parked),
        event(5, 3, OpenState::head, 3), event(6, 1, OpenState::scheduled, 4)});
  EXPECT_THAT(numbers(read({{key(2), 2, 2}, {key(1), 1, 1}})), ElementsAre(2, 4, 1, 3));
}

TEST_F(OpenEventsPg, APageIsSharedOutEvenlyAndCutAtItsBounds) {
  std::vector<OpenEvent> events;
  for (std::int64_t n = 1; n <= 6; ++n)
    events.push_back(event(n, 1, n == 1 ? OpenState::head : OpenState::parked, 1));
  for (std::int64_t n = 7; n <= 9; ++n)
    events.push_back(event(n, 2, n == 7 ? OpenState::head : OpenState::parked, 1));
  events.push_back(event(10, 3, OpenState::head, 1));
  open(events);
  const std::vector<HeadRef> heads = {{key(1), 1, 1}, {key(2), 7, 1}, {key(3), 10, 1}};
  EXPECT_THAT(numbers(read(heads, 6)), ElementsAre(1, 2, 7, 8, 10));
  EXPECT_THAT(numbers(read(heads, 2)), ElementsAre(1, 7)) << "more heads than events";
  EXPECT_THAT(numbers(read(heads, 100, 400 * 5)), ElementsAre(1, 2, 7, 8, 10))
      << "the first of each, then the second";
  EXPECT_THAT(numbers(read(heads, 100, 1)), ElementsAre(1)) << "one at least";
}

TEST_F(OpenEventsPg, APageKeepsEveryByteAndTheOriginalCoordinates) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const message::Header headers[] = {{"n\xff", all}, {"null", std::nullopt}, {"", ""}};
  OpenEvent full = event(1, 1, OpenState::head, 1'500'000);
  full.record.key = all;
  full.record.value = all;
  full.record.headers = headers;
  full.row.attempts = 3;
  full.row.life = 2;
  full.row.first_failed_at = 1'000'001;
  full.row.bytes = 123;
  OpenEvent bare = event(2, 1, OpenState::parked);
  bare.record.key = std::nullopt;
  bare.record.value = std::nullopt;
  open({full, bare});
  const delivery::OpenPage page = read({{key(1), 1, 1}});
  ASSERT_EQ(page.rows.size(), 2U);
  const delivery::OpenRow& row = page.rows[0];
  EXPECT_EQ(row.key, key(1));
  EXPECT_EQ(row.state, OpenState::head);
  EXPECT_EQ(row.due, 1'500'000);
  EXPECT_EQ(row.life, 2);
  EXPECT_EQ(row.attempts, 3);
  EXPECT_EQ(row.first_failed_at, 1'000'001);
  EXPECT_EQ(row.bytes, 123);
  EXPECT_EQ(page.rows[1].state, OpenState::parked);
  EXPECT_EQ(page.rows[1].first_failed_at, 0);
  const message::Record record = page.records.record(0);
  EXPECT_EQ(record.offset, 101);
  EXPECT_EQ(record.timestamp_ms, 5001);
  EXPECT_EQ(record.key, all);
  EXPECT_EQ(record.value, all);
  ASSERT_EQ(record.headers.size(), 3U);
  EXPECT_EQ(record.headers[0].name, "n\xff");
  EXPECT_EQ(record.headers[0].value, all);
  EXPECT_EQ(record.headers[1].value, std::nullopt);
  EXPECT_EQ(record.headers[2].value, "");
  EXPECT_EQ(page.records.record(1).key, std::nullopt);
  EXPECT_EQ(page.records.record(1).value, std::nullopt);
}

TEST_F(OpenEventsPg, ScheduledEventsTakeTheirPlaceWhenDue) {
  EXPECT_EQ(ask([](auto& open) { return open.next_scheduled(); }), std::nullopt);
  open({event(1, 1, OpenState::scheduled, 50), event(2, 1, OpenState::scheduled, 30),
        event(3, 2, OpenState::scheduled, 90), event(4, 3, OpenState::head, 10)});
  EXPECT_EQ(ask([](auto& open) { return open.next_scheduled(); }), 30);
  const auto due = [this](base::EpochMicros until, std::size_t rows_max) {
    std::vector<std::int64_t> all;
    for (const auto& row : ask([&](auto& open) { return open.read_scheduled(until, rows_max); }))
      all.push_back(row.number);
    return all;
  };
  EXPECT_THAT(due(50, 10), ElementsAre(2, 1));
  EXPECT_THAT(due(49, 10), ElementsAre(2));
  EXPECT_THAT(due(50, 1), ElementsAre(2));
  const Awakening awakenings[] = {{2, 5, OpenState::head, key(1)},
                                  {1, 6, OpenState::parked, key(7)}};
  work([&](auto& open) { return open.awaken(awakenings); });
  EXPECT_EQ(open_rows("number, order_key = '" + base::to_string(key(7)) + "'"),
            "3 f, 4 f, 5 f, 6 t")
      << "admission may have found another key";
  EXPECT_EQ(open_rows("number, state, event_id, (extract(epoch from due_at) * 1000000)::bigint"),
            "3 scheduled e3 90, 4 head e4 10, 5 head e2 30, 6 parked e1 50");
  EXPECT_EQ(ask([](auto& open) { return open.next_scheduled(); }), 90);
}

TEST_F(OpenEventsPg, WhatIsNotDueYetIsPutOffWithAllThatIsKnownOfIt) {
  open({retried(1, 1), event(2, 1, OpenState::parked)});
  const delivery::Postponement later[] = {{1, 7, 4'000'000, key(1)}, {2, 8, 5'000'000, key(1)}};
  work([&](auto& open) { return open.postpone(later); });
  EXPECT_EQ(open_rows("number, state, event_id, attempts, extract(epoch from due_at)::bigint"),
            "7 scheduled e1 1 4, 8 scheduled e2 0 5");
}

TEST_F(OpenEventsPg, HasteningMovesTheTimeOfThoseThatWaitForIt) {
  open({event(1, 1, OpenState::head, 9'000'000), event(2, 2, OpenState::scheduled, 9'000'000),
        event(3, 3, OpenState::head, 9'000'000)});
  const std::int64_t numbers[] = {1, 2};
  work([&](auto& open) { return open.hasten(numbers, 4'000'000); });
  EXPECT_EQ(open_rows("number, state, extract(epoch from due_at)::bigint"),
            "1 head 4, 2 scheduled 4, 3 head 9");
}

TEST_F(OpenEventsPg, AnotherLaneHasRowsOfItsOwn) {
  open({event(1, 1, OpenState::head, 1), event(2, 1, OpenState::parked)});
  const delivery::LaneId first = lane_;
  lane_ = fresh_lane();
  claim_ = take(store_).claim;
  open({event(1, 1, OpenState::head, 1)});
  EXPECT_THAT(numbers(read({{key(1), 1, 1}})), ElementsAre(1));
  const std::int64_t numbers[] = {1};
  work([&](auto& open) { return open.close(numbers); });
  lane_ = first;
  EXPECT_EQ(open_rows(), "1 head, 2 parked");
}

}  // namespace
}  // namespace spool::store
