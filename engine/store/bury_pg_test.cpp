#include <map>
#include <string>
#include <vector>

#include "engine/delivery/dead_letter.hpp"
#include "engine/store/dead_letter_query.hpp"
#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::DeadLetter;

class BuryPg : public OpenFixture {
 protected:
  // How many were new.
  std::int64_t bury(const std::vector<DeadLetter>& letters) {
    const std::vector<bool> fresh = OpenFixture::bury(letters);
    return std::count(fresh.begin(), fresh.end(), true);
  }

  std::string count(const std::string& table) const {
    return database().value("select count(*) from spool." + table + where());
  }
};

TEST_F(BuryPg, WritesTheLetterAndItsAnnouncement) {
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  EXPECT_EQ(database().value("select concat_ws('|', event_type, topic, record_offset,"
                             " record_timestamp_ms, error_type, error_field, error_message,"
                             " fingerprint, attempts, life, state, first_seen = dead_at)"
                             " from spool.dead_letters" +
                             where()),
            "t.v1|topic|100|5100|schema.violation|a.b|7 is too much|"
            "h schema.violation a.b: ? is too much|1|0|open|t");
  const auto rows = store_.outbox(lane_, 10);
  ASSERT_TRUE(rows.ok()) << rows.failure().text;
  ASSERT_EQ(rows->size(), 1U);
  const delivery::OutboxRow& row = rows->front();
  EXPECT_EQ(row.topic, "topic.dlt");
  EXPECT_EQ(row.key, "key");
  EXPECT_EQ(row.value, "value");
  const std::map<std::string, std::optional<std::string>> headers(row.headers.begin(),
                                                                  row.headers.end());
  EXPECT_EQ(headers.at("spool-handler"), "h");
  EXPECT_EQ(headers.at("spool-release"), "0.1.0");
  EXPECT_EQ(headers.at("__dlq.errors.group"), "spool.h");
  EXPECT_EQ(headers.at("__dlq.errors.topic"), "topic");
  EXPECT_EQ(headers.at("__dlq.errors.partition"), std::to_string(lane_.partition));
  EXPECT_EQ(headers.at("spool-first-seen"),
            database().value("select to_char(first_seen at time zone 'UTC',"
                             " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from spool.dead_letters" +
                             where()));
  EXPECT_EQ(database().value("select id from spool.outbox" + where()),
            base::to_string(delivery::dead_letter_id(letter("a", 100))));
}

TEST_F(BuryPg, TwiceIsOneLetterAndOneAnnouncement) {
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  EXPECT_EQ(bury({letter("a", 101), letter("b", 102)}), 1);
  EXPECT_EQ(bury({letter("c", 103), letter("c", 104)}), 1);
  EXPECT_EQ(count("dead_letters"), "3");
  EXPECT_EQ(count("outbox"), "3");
  EXPECT_EQ(database().value("select string_agg(record_offset::text, ' ' order by record_offset)"
                             " from spool.dead_letters" +
                             where()),
            "100 102 103");
}

TEST_F(BuryPg, ADeathThatWasPublishedIsNotAnnouncedAgain) {
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  const std::int64_t published[] = {store_.outbox(lane_, 1)->front().number};
  ASSERT_TRUE(
      run(store_, claim_, [&](auto& open) { return open.settle_outbox(published, {}); }).ok());
  ++claim_.seq;
  EXPECT_EQ(bury({letter("a", 101)}), 0);
  EXPECT_TRUE(store_.outbox(lane_, 1)->empty());
}

TEST_F(BuryPg, ADeathIsAnnouncedOnceEvenWhenItsRowIsGone) {
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  database().execute("delete from spool.dead_letters" + where());
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  EXPECT_EQ(count("outbox"), "1");
}

TEST_F(BuryPg, TellsLetterByLetterWhichWereNew) {
  EXPECT_THAT(OpenFixture::bury({letter("a", 100)}), testing::ElementsAre(true));
  EXPECT_THAT(OpenFixture::bury({letter("b", 101), letter("a", 102), letter("c", 103),
                                 letter("c", 104), letter("d", 105)}),
              testing::ElementsAre(true, false, true, false, true));
}

TEST_F(BuryPg, WhatIsDeadAlreadyMakesNothingDurableAndWritesNothing) {
  EXPECT_EQ(bury({letter("a", 100)}), 1);
  EXPECT_EQ(bury({letter("a", 101)}), 0);
  EXPECT_EQ(count("outbox"), "1");
  EXPECT_EQ(letters("event_id, record_offset"), "a 100");
}

TEST_F(BuryPg, ATombstoneMeansDeadAlready) {
  database().execute("insert into spool.dead_letter_tombstones values ('h', '" + source() +
                     "', 'a', 0, " + std::to_string(lane_.partition) + ", 'resolved', now())");
  EXPECT_THAT(OpenFixture::bury({letter("a", 100), letter("b", 101)}),
              testing::ElementsAre(false, true));
  EXPECT_EQ(letters("event_id"), "b");
  EXPECT_EQ(count("outbox"), "1");
}

TEST_F(BuryPg, KeepsKeyAttemptsAndWhenItFirstFailed) {
  DeadLetter late = letter("a", 100);
  late.attempts = 6;
  late.first_failed_at = 1'000'000;
  EXPECT_EQ(bury({late}), 1);
  EXPECT_EQ(letters("attempts, order_key, extract(epoch from first_seen)::bigint,"
                    " jsonb_array_length(history), history -> 0 ->> 'attempt',"
                    " history -> 0 ->> 'error_type', history -> 0 ->> 'message'"),
            "6 " + base::to_string(key(1)) + " 1 1 6 schema.violation a.b: 7 is too much");
  EXPECT_EQ(outbox_header(0, "spool-attempt"), "6");
  EXPECT_EQ(outbox_header(0, "spool-first-seen"), "1970-01-01T00:00:01.000000Z");
}

TEST_F(BuryPg, TheHistoryOfItsOpenEventGoesWithIt) {
  delivery::OpenEvent first = event(1, 1, delivery::OpenState::head, 9'000'000);
  first.row.attempts = 1;
  first.failed = failed();
  open({first});
  DeadLetter dead = letter("e1", 101);
  dead.attempts = 2;
  dead.open_number = 1;
  EXPECT_EQ(bury({dead}), 1);
  EXPECT_EQ(letters("history -> 0 ->> 'attempt', history -> 0 ->> 'error_type',"
                    " history -> 1 ->> 'attempt', history -> 1 ->> 'error_type',"
                    " jsonb_array_length(history)"),
            "1 upstream.timeout 2 schema.violation 2");
}

TEST_F(BuryPg, AnnouncementsKeepTheOrderOfTheLetters) {
  std::vector<DeadLetter> letters;
  for (int i = 0; i < 50; ++i) letters.push_back(letter(std::to_string(99 - i), 100 + i));
  EXPECT_EQ(bury(letters), 50);
  const auto rows = store_.outbox(lane_, 1000);
  ASSERT_EQ(rows->size(), 50U);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const auto& headers = (*rows)[i].headers;
    const auto offset = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
      return header.first == "__dlq.errors.offset";
    });
    EXPECT_EQ(offset->second, std::to_string(100 + i));
  }
  EXPECT_EQ(store_.outbox(lane_, 7)->size(), 7U);
}

TEST_F(BuryPg, HostileBytesSurvive) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::string value = all + std::string("\xc3\x28\0\"\\{},", 8);
  const message::Header headers[] = {{"n\xff", all}, {"null", std::nullopt}, {"", ""}};
  DeadLetter hostile = letter("a", 100);
  hostile.record.key = all;
  hostile.record.value = value;
  hostile.record.headers = headers;
  hostile.type = std::string("t\0\xff", 3);
  hostile.why.text = all;
  hostile.why.field = std::string("\xfe\0", 2);
  DeadLetter bare = letter("b", 101);
  bare.record.key = std::nullopt;
  bare.record.value = std::nullopt;
  DeadLetter empty = letter("c", 102);
  empty.record.key = "";
  empty.record.value = "";
  ASSERT_EQ(bury({hostile, bare, empty}), 3);

  const auto rows = store_.outbox(lane_, 10);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].key, all);
  EXPECT_EQ((*rows)[0].value, value);
  const message::OwnedHeaders expected = {{"n\xff", all}, {"null", std::nullopt}, {"", ""}};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), (*rows)[0].headers.begin()));
  EXPECT_EQ((*rows)[1].key, std::nullopt);
  EXPECT_EQ((*rows)[1].value, std::nullopt);
  EXPECT_EQ((*rows)[2].key, "");
  EXPECT_EQ((*rows)[2].value, "");

  const auto id = base::parse_uuid(
      database().value("select id from spool.dead_letters" + where() + " and event_id = 'a'"));
  const auto connection = database().connect();
  const auto shown = show_dead_letter(*connection, *id);
  ASSERT_TRUE(shown.ok()) << shown.failure().text;
  EXPECT_EQ(shown->key, all);
  EXPECT_EQ(shown->value, value);
  EXPECT_EQ(shown->headers, expected);
}

TEST_F(BuryPg, SettlingForgetsThePublishedAndKeepsTheRefused) {
  ASSERT_EQ(bury({letter("a", 100), letter("b", 101), letter("c", 102)}), 3);
  const auto rows = store_.outbox(lane_, 10);
  ASSERT_EQ(rows->size(), 3U);
  const std::int64_t published[] = {(*rows)[0].number};
  const delivery::RefusedRow refused[] = {{(*rows)[1].number, "too \"large\" \\ \xff"}};
  ASSERT_TRUE(
      run(store_, claim_, [&](auto& open) { return open.settle_outbox(published, refused); }).ok());
  ++claim_.seq;
  const auto left = store_.outbox(lane_, 10);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().number, (*rows)[2].number);
  EXPECT_EQ(count("outbox"), "2");
  EXPECT_THAT(
      database().value("select error from spool.outbox" + where() + " and error is not null"),
      testing::StartsWith("too \"large\" \\ "));
}

TEST_F(BuryPg, SettlingTouchesNoOtherLane) {
  ASSERT_EQ(bury({letter("a", 100)}), 1);
  const std::int64_t number = store_.outbox(lane_, 1)->front().number;
  const delivery::LaneId mine = lane_;
  lane_ = fresh_lane();
  const auto other = take(store_);
  const std::int64_t published[] = {number};
  const delivery::RefusedRow refused[] = {{number, "no"}};
  ASSERT_TRUE(run(store_, other.claim, [&](auto& open) {
                return open.settle_outbox(published, refused);
              }).ok());
  EXPECT_EQ(store_.outbox(mine, 10)->size(), 1U);
}

TEST_F(BuryPg, ALaneThatIsTakenTellsThatRowsWait) {
  EXPECT_FALSE(take(store_).outbox_pending);
  claim_ = take(store_).claim;
  ASSERT_EQ(bury({letter("a", 100)}), 1);
  EXPECT_TRUE(take(store_).outbox_pending);
  claim_ = take(store_).claim;
  const delivery::RefusedRow refused[] = {{store_.outbox(lane_, 1)->front().number, "no"}};
  ASSERT_TRUE(
      run(store_, claim_, [&](auto& open) { return open.settle_outbox({}, refused); }).ok());
  EXPECT_FALSE(take(store_).outbox_pending);
}

}  // namespace
}  // namespace spool::store
