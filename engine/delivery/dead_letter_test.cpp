#include "engine/delivery/dead_letter.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace spool::delivery {
namespace {

DeadLetter letter() {
  DeadLetter letter;
  letter.source = "tests";
  letter.id = "e-1";
  letter.type = "progress.v1";
  letter.record.offset = 42;
  letter.record.timestamp_ms = 1'767'323'045'678;
  letter.why = {message::ErrorType::schema_violation, "position_s", "7300 is beyond 7200"};
  letter.attempts = 2;
  letter.life = 1;
  letter.first_failed_at = 1'767'323'046'000'001;
  return letter;
}

Sender sender() {
  return {.handler = "progress_events",
          .topic = "spool.progress-events",
          .partition = 3,
          .group = "spool.progress_events",
          .release = "0.1.0",
          .now = 1'767'323'047'000'000};
}

// As the second attempt of life 1 leaves it.
OpenRow retried() {
  OpenRow row;
  row.life = 1;
  row.attempts = 2;
  row.first_failed_at = 1'767'323'046'000'001;
  row.due = 1'767'323'106'500'000;
  return row;
}

// The only header of that name; nothing if there is none or several.
std::optional<std::string> only(const message::OwnedHeaders& headers, std::string_view name) {
  std::optional<std::string> value;
  for (const auto& header : headers) {
    if (header.first != name) continue;
    if (value) return std::nullopt;
    value = header.second;
  }
  return value;
}

TEST(DeadLetterHeaders, NamesEveryFact) {
  const auto headers = dead_letter_headers(letter(), sender());
  EXPECT_EQ(only(headers, "spool-attempt"), "2");
  EXPECT_EQ(only(headers, "spool-life"), "1");
  EXPECT_EQ(only(headers, "spool-origin-timestamp"), "1767323045678");
  EXPECT_EQ(only(headers, "spool-first-seen"), "2026-01-02T03:04:06.000001Z");
  EXPECT_EQ(only(headers, "spool-error-type"), "schema.violation");
  EXPECT_EQ(only(headers, "spool-error-message"), "position_s: 7300 is beyond 7200");
  EXPECT_EQ(only(headers, "spool-handler"), "progress_events");
  EXPECT_EQ(only(headers, "spool-release"), "0.1.0");
  EXPECT_EQ(only(headers, "__dlq.errors.topic"), "spool.progress-events");
  EXPECT_EQ(only(headers, "__dlq.errors.partition"), "3");
  EXPECT_EQ(only(headers, "__dlq.errors.offset"), "42");
  EXPECT_EQ(only(headers, "__dlq.errors.group"), "spool.progress_events");
  EXPECT_EQ(only(headers, "__dlq.errors.delivery.count"), "2");
  EXPECT_EQ(only(headers, "__dlq.errors.message"), "position_s: 7300 is beyond 7200");
  EXPECT_EQ(headers.size(), 14U);
}

TEST(DeadLetterHeaders, OriginalHeadersComeFirstUntouched) {
  const message::Header original[] = {
      {"ce_id", "e-1"}, {"x", std::nullopt}, {"x", std::string_view("\0\xff", 2)}, {"ce_id", ""}};
  DeadLetter dead = letter();
  dead.record.headers = original;
  const auto headers = dead_letter_headers(dead, sender());
  const message::OwnedHeaders expected = {
      {"ce_id", "e-1"}, {"x", std::nullopt}, {"x", std::string("\0\xff", 2)}, {"ce_id", ""}};
  ASSERT_EQ(headers.size(), expected.size() + 14);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), headers.begin()));
}

TEST(DeadLetterHeaders, OlderOnesAreReplacedNotDoubled) {
  const message::Header original[] = {{"spool-attempt", "9"},
                                      {"spool-due-at", "2020-01-01T00:00:00Z"},
                                      {"__dlq.errors.topic", "elsewhere"},
                                      {"spooled", "kept"}};
  DeadLetter dead = letter();
  dead.record.headers = original;
  const auto headers = dead_letter_headers(dead, sender());
  EXPECT_EQ(only(headers, "spool-attempt"), "2");
  EXPECT_EQ(only(headers, "__dlq.errors.topic"), "spool.progress-events");
  EXPECT_EQ(only(headers, "spooled"), "kept");
  EXPECT_EQ(headers.size(), 15U);
}

TEST(DeadLetterHeaders, LongAndHostileTextIsCut) {
  DeadLetter dead = letter();
  dead.why.text = std::string(5000, 'x') + std::string("\0", 1);
  const auto headers = dead_letter_headers(dead, sender());
  EXPECT_LE(only(headers, "spool-error-message")->size(), 1024U);
  EXPECT_LE(only(headers, "__dlq.errors.message")->size(), 1024U);
}

TEST(DeadLetterHeaders, AFirstAttemptThatDiesWasFirstSeenNow) {
  DeadLetter dead = letter();
  dead.first_failed_at = 0;
  EXPECT_EQ(only(dead_letter_headers(dead, sender()), "spool-first-seen"),
            "2026-01-02T03:04:07.000000Z");
}

TEST(RetryHeaders, NamesEveryFactAndNothingOfADeath) {
  const DeadLetter failed = letter();
  const auto headers = retry_headers(failed.record, retried(), failed.why, sender());
  EXPECT_EQ(only(headers, "spool-attempt"), "3") << "the attempt that is to be made";
  EXPECT_EQ(only(headers, "spool-life"), "1");
  EXPECT_EQ(only(headers, "spool-origin-timestamp"), "1767323045678");
  EXPECT_EQ(only(headers, "spool-first-seen"), "2026-01-02T03:04:06.000001Z");
  EXPECT_EQ(only(headers, "spool-due-at"), "2026-01-02T03:05:06.500000Z");
  EXPECT_EQ(only(headers, "spool-error-type"), "schema.violation");
  EXPECT_EQ(only(headers, "spool-error-message"), "position_s: 7300 is beyond 7200");
  EXPECT_EQ(only(headers, "spool-handler"), "progress_events");
  EXPECT_EQ(only(headers, "spool-release"), "0.1.0");
  EXPECT_EQ(headers.size(), 9U);
}

TEST(RetryHeaders, OriginalHeadersComeFirstAndOlderOnesAreReplaced) {
  const message::Header original[] = {{"ce_id", "e-1"},
                                      {"spool-attempt", "9"},
                                      {"x", std::string_view("\0\xff", 2)},
                                      {"spool-replay-id", "an older one"},
                                      {"__dlq.errors.topic", "elsewhere"},
                                      {"x", std::nullopt}};
  DeadLetter failed = letter();
  failed.record.headers = original;
  const auto headers = retry_headers(failed.record, retried(), failed.why, sender());
  const message::OwnedHeaders expected = {
      {"ce_id", "e-1"}, {"x", std::string("\0\xff", 2)}, {"x", std::nullopt}};
  ASSERT_EQ(headers.size(), expected.size() + 9);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), headers.begin()));
  EXPECT_EQ(only(headers, "spool-attempt"), "3");
}

TEST(RetryHeaders, WhatWasNeverSeenToFailIsSeenNow) {
  OpenRow row = retried();
  row.first_failed_at = 0;
  const DeadLetter failed = letter();
  EXPECT_EQ(only(retry_headers(failed.record, row, failed.why, sender()), "spool-first-seen"),
            "2026-01-02T03:04:07.000000Z");
}

TEST(ReplayHeader, ItsPrefixAndAnIdAreOnePackedHeader) {
  const std::string id = "a1b2c3d4-0000-4000-8000-00000000abcd";
  const auto headers = message::unpack_headers(replay_header_prefix() + id);
  ASSERT_TRUE(headers.ok()) << headers.failure().text;
  EXPECT_EQ(*headers, (message::OwnedHeaders{{"spool-replay-id", id}}));
}

TEST(OutboundId, OfADeadLetterDependsOnEventAndLifeOnly) {
  DeadLetter other = letter();
  other.record.offset = 99;
  other.attempts = 7;
  EXPECT_EQ(dead_letter_id(letter()), dead_letter_id(other));
  other.life = 2;
  EXPECT_NE(dead_letter_id(letter()), dead_letter_id(other));
  other = letter();
  other.id = "e-2";
  EXPECT_NE(dead_letter_id(letter()), dead_letter_id(other));
}

TEST(OutboundId, OfARetryDependsOnEventLifeAndAttempt) {
  OpenRow other = retried();
  other.due += 1;
  other.number = 7;
  EXPECT_EQ(retry_id("s", "e", retried()), retry_id("s", "e", other));
  EXPECT_NE(retry_id("s", "e", retried()), retry_id("s", "f", retried()));
  EXPECT_NE(retry_id("s", "e", retried()), retry_id("t", "e", retried()));
  other = retried();
  other.life = 0;
  EXPECT_NE(retry_id("s", "e", retried()), retry_id("s", "e", other));
  other = retried();
  other.attempts = 3;
  EXPECT_NE(retry_id("s", "e", retried()), retry_id("s", "e", other));
  EXPECT_NE(retry_id("tests", "e-1", retried()), dead_letter_id(letter()));
}

TEST(Fingerprint, BlanksWhatVaries) {
  const auto of = [](const char* text) {
    return fingerprint("h", {message::ErrorType::schema_violation, "f", text});
  };
  EXPECT_EQ(of("7300 is beyond -7200.5"), "h schema.violation f: ? is beyond ?");
  EXPECT_EQ(of("\"a b\" is not 'c'"), "h schema.violation f: ? is not ?");
  EXPECT_EQ(of("on 2026-01-02T03:04:05.678Z it"), "h schema.violation f: on ? it");
  EXPECT_EQ(of("id a1b2c3d4-0000-4000-8000-00000000abcd is gone"),
            "h schema.violation f: id ? is gone");
  EXPECT_EQ(of("it's one"), "h schema.violation f: it's one");
}

TEST(Fingerprint, TellsHandlersClassesAndTextsApart) {
  const message::Rejection why{message::ErrorType::schema_violation, "f", "text"};
  EXPECT_NE(fingerprint("a", why), fingerprint("b", why));
  EXPECT_NE(fingerprint("a", why),
            fingerprint("a", {message::ErrorType::db_constraint, "f", "text"}));
  EXPECT_NE(fingerprint("a", why),
            fingerprint("a", {message::ErrorType::schema_violation, "g", "text"}));
}

}  // namespace
}  // namespace spool::delivery
