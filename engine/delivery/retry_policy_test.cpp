#include "engine/delivery/retry_policy.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>

#include "engine/delivery/failure_class.hpp"

namespace spool::delivery {
namespace {

using namespace std::chrono_literals;
using message::ErrorType;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr base::EpochMicros kSecond = 1'000'000;
constexpr base::EpochMicros kNow = 1'800'000'000 * kSecond;

FailedAttempt failed(ErrorType type, std::int32_t attempt = 1) {
  FailedAttempt failed;
  failed.type = type;
  failed.attempt = attempt;
  failed.now = kNow;
  return failed;
}

RetryAt retried(const RetryPolicy& policy, const FailedAttempt& failed) {
  const Disposition disposition = decide(policy, failed);
  EXPECT_TRUE(std::holds_alternative<RetryAt>(disposition));
  const auto* at = std::get_if<RetryAt>(&disposition);
  return at != nullptr ? *at : RetryAt{};
}

Die died(const RetryPolicy& policy, const FailedAttempt& failed) {
  const Disposition disposition = decide(policy, failed);
  EXPECT_TRUE(std::holds_alternative<Die>(disposition));
  const auto* death = std::get_if<Die>(&disposition);
  return death != nullptr ? *death : Die{};
}

TEST(RetryPolicy, AnAttemptIsFollowedByItsDelayAndTheLastByDeath) {
  const base::EpochMicros seconds[] = {30, 60, 120, 240, 480};
  for (std::int32_t attempt = 1; attempt <= 5; ++attempt) {
    const auto rung = static_cast<std::size_t>(attempt - 1);
    EXPECT_EQ(retried({}, failed(ErrorType::upstream_network, attempt)),
              (RetryAt{kNow + seconds[rung] * kSecond, rung, true}));
  }
  for (const std::int32_t attempt : {6, 7, std::numeric_limits<std::int32_t>::max()}) {
    EXPECT_EQ(died({}, failed(ErrorType::upstream_network, attempt)),
              (Die{ErrorType::upstream_network, true}));
  }
}

TEST(RetryPolicy, WhatWouldFailAgainDiesAtOnce) {
  for (const ErrorType type :
       {ErrorType::schema_invalid_json, ErrorType::payload_corrupted, ErrorType::policy_manual,
        ErrorType::db_constraint, ErrorType::handler_bug, ErrorType::handler_crash}) {
    EXPECT_EQ(died({}, failed(type)), (Die{type, false}));
  }
}

TEST(RetryPolicy, APatternMakesClassesPermanent) {
  RetryPolicy policy;
  policy.permanent = {"upstream.s*", "_OTHER"};
  EXPECT_FALSE(died(policy, failed(ErrorType::upstream_stalled)).exhausted);
  EXPECT_FALSE(died(policy, failed(ErrorType::upstream_server_error)).exhausted);
  EXPECT_FALSE(died(policy, failed(ErrorType::other)).exhausted);
  retried(policy, failed(ErrorType::upstream_network));
  policy.permanent = {"upstream"};
  retried(policy, failed(ErrorType::upstream_network));
  policy.permanent = {"*"};
  for (const ErrorType type : message::error_types()) died(policy, failed(type));
}

TEST(RetryPolicy, TheOverrideOfAClassGoesBeforePatternAndTable) {
  RetryPolicy policy;
  policy.permanent = {"*"};
  policy.classes[ErrorType::handler_bug].delays = {1min, 2min};
  EXPECT_EQ(retried(policy, failed(ErrorType::handler_bug, 2)),
            (RetryAt{kNow + 120 * kSecond, 2, true}));
  EXPECT_TRUE(died(policy, failed(ErrorType::handler_bug, 3)).exhausted);
  policy = {};
  policy.classes[ErrorType::upstream_network].delays.emplace();
  policy.classes[ErrorType::upstream_auth].delays.emplace();
  EXPECT_FALSE(died(policy, failed(ErrorType::upstream_network)).exhausted);
  EXPECT_FALSE(died(policy, failed(ErrorType::upstream_auth)).exhausted);
}

TEST(RetryPolicy, WhatWaitsForTheLaneOrAPersonIsNeverCharged) {
  EXPECT_EQ(retried({}, failed(ErrorType::db_disk_full)), (RetryAt{kNow + 60 * kSecond, 1, false}));
  EXPECT_EQ(retried({}, failed(ErrorType::upstream_auth)),
            (RetryAt{kNow + 300 * kSecond, 3, false}));
  EXPECT_EQ(retried({}, failed(ErrorType::upstream_auth, 1'000)),
            (RetryAt{kNow + 900 * kSecond, 4, false}));
}

TEST(RetryPolicy, AClassWithDelaysOfItsOwnDoesNotTakeTheLadder) {
  EXPECT_EQ(retried({}, failed(ErrorType::upstream_stalled, 3)),
            (RetryAt{kNow + 1'800 * kSecond, 4, true}));
  EXPECT_TRUE(died({}, failed(ErrorType::upstream_stalled, 4)).exhausted);
}

TEST(RetryPolicy, RetryAfterGoesBeforeTheLadderAndStillCostsTheAttempt) {
  FailedAttempt attempt = failed(ErrorType::upstream_rate_limited, 5);
  attempt.not_before = kNow + 7 * kSecond;
  EXPECT_EQ(retried({}, attempt), (RetryAt{kNow + 7 * kSecond, 0, true}));
  attempt.not_before = kNow + 600 * kSecond;
  EXPECT_EQ(retried({}, attempt), (RetryAt{kNow + 600 * kSecond, 4, true}));
  attempt.not_before = kNow - kSecond;
  EXPECT_EQ(retried({}, attempt), (RetryAt{kNow, 0, true}));
  attempt.not_before = std::numeric_limits<base::EpochMicros>::max();
  EXPECT_EQ(retried({}, attempt), (RetryAt{kNow + 3'600 * kSecond, 4, true}));
  attempt.attempt = 6;
  EXPECT_TRUE(died({}, attempt).exhausted);
}

TEST(RetryPolicy, NoDelayIsLongerThanTheCap) {
  RetryPolicy policy;
  policy.max_delay = 90s;
  policy.jitter = 1;
  FailedAttempt attempt = failed(ErrorType::upstream_network, 5);
  attempt.dice = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(retried(policy, attempt).due, kNow + 90 * kSecond);
  EXPECT_THAT(retry_topics("t", policy), ElementsAre("t.retry.30s", "t.retry.60s", "t.retry.90s"));
}

TEST(RetryPolicy, JitterAddsAShareOfTheDelay) {
  RetryPolicy policy;
  policy.jitter = 0.5;
  FailedAttempt attempt = failed(ErrorType::upstream_network);
  attempt.dice = 0;
  EXPECT_EQ(retried(policy, attempt).due, kNow + 30 * kSecond);
  attempt.dice = std::uint64_t{1} << 63U;
  EXPECT_EQ(retried(policy, attempt).due, kNow + 37 * kSecond + kSecond / 2);
  attempt.dice = std::numeric_limits<std::uint64_t>::max();
  EXPECT_NEAR(static_cast<double>(retried(policy, attempt).due - kNow), 45e6, 1);
}

TEST(RetryPolicy, WhatWouldComeAfterItsTimeToLiveDiesOfItsOwnClass) {
  RetryPolicy policy;
  policy.classes[ErrorType::upstream_network].ttl = 100s;
  FailedAttempt attempt = failed(ErrorType::upstream_network, 2);
  attempt.first_failed_at = kNow - 40 * kSecond;
  EXPECT_EQ(retried(policy, attempt).due, kNow + 60 * kSecond);
  --attempt.first_failed_at;
  EXPECT_EQ(died(policy, attempt), (Die{ErrorType::upstream_network, true}));
  policy.classes[ErrorType::upstream_network].ttl = 0s;
  retried(policy, attempt);

  // The first failure is its own beginning.
  policy.classes[ErrorType::upstream_network].ttl = 60s;
  attempt.first_failed_at = 0;
  retried(policy, attempt);
  attempt.attempt = 3;
  died(policy, attempt);
}

TEST(RetryPolicy, AClassMayHaveALimitInTheTable) {
  FailedAttempt attempt = failed(ErrorType::upstream_rate_limited);
  attempt.first_failed_at = kNow - 86'400 * kSecond + 30 * kSecond;
  retried({}, attempt);
  --attempt.first_failed_at;
  died({}, attempt);
}

TEST(RetryTopics, AreNamedByTheirDelay) {
  EXPECT_THAT(retry_topics("spool.progress-events", {}),
              ElementsAre("spool.progress-events.retry.30s", "spool.progress-events.retry.60s",
                          "spool.progress-events.retry.120s", "spool.progress-events.retry.240s",
                          "spool.progress-events.retry.480s"));
  RetryPolicy policy;
  policy.delays = {1h, 100ms, 2s, 1500ms, 2s};
  EXPECT_THAT(retry_topics("t", policy),
              ElementsAre("t.retry.100ms", "t.retry.1500ms", "t.retry.2s", "t.retry.3600s"));
  EXPECT_EQ(retried(policy, failed(ErrorType::other, 1)).rung, 3U);
  EXPECT_EQ(retried(policy, failed(ErrorType::other, 5)).rung, 2U);
}

TEST(WithClasses, TakesTheWordsOfTheWire) {
  const auto policy = with_classes({}, {{"upstream.rate_limited", {{{1s}}, {}}}, {"_OTHER", {}}});
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(retried(*policy, failed(ErrorType::upstream_rate_limited)).due, kNow + kSecond);
}

TEST(WithClasses, AnUnknownWordIsAnErrorWithWhatWasMeant) {
  const auto policy = with_classes({}, {{"upstream.rate_limted", {}}});
  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(policy.failure().text, HasSubstr("\"upstream.rate_limted\""));
  EXPECT_THAT(policy.failure().text, HasSubstr("did you mean upstream.rate_limited?"));
}

class Any {
 public:
  explicit Any(std::uint64_t seed) : random_(seed) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution(low, high)(random_);
  }
  bool once_in(std::int64_t n) { return between(1, n) == 1; }
  ErrorType type() {
    return message::error_types()[static_cast<std::size_t>(
        between(0, static_cast<std::int64_t>(message::kErrorTypeCount) - 1))];
  }
  std::vector<milliseconds> delays(std::int64_t least) {
    std::vector<milliseconds> delays(static_cast<std::size_t>(between(least, 6)));
    for (milliseconds& delay : delays) delay = milliseconds(between(1, 7'200'000));
    return delays;
  }
  RetryPolicy policy() {
    RetryPolicy policy;
    policy.delays = delays(1);
    policy.max_delay = milliseconds(between(1, 7'200'000));
    policy.jitter = once_in(2) ? 0 : static_cast<double>(between(0, 100)) / 100;
    if (once_in(2)) policy.permanent = {std::string(message::to_string(type()))};
    for (int i = 0; i < 5; ++i) {
      ClassOverride& own = policy.classes[type()];
      if (once_in(2)) own.delays = delays(0);
      if (once_in(2)) own.ttl = milliseconds(between(0, 20'000'000));
    }
    return policy;
  }
  FailedAttempt attempt() {
    FailedAttempt any = failed(type(), static_cast<std::int32_t>(between(1, 8)));
    any.first_failed_at = once_in(3) ? 0 : kNow - between(0, 30'000 * kSecond);
    if (once_in(3)) any.not_before = kNow + between(-9'000 * kSecond, 9'000 * kSecond);
    any.dice = random_();
    return any;
  }

 private:
  std::mt19937_64 random_;
};

// The delays that may count for the class, by the words of the header.
std::vector<milliseconds> ladder_of(const RetryPolicy& policy, ErrorType type) {
  const auto own = policy.classes.find(type);
  if (own != policy.classes.end() && own->second.delays) return *own->second.delays;
  const FailureClass& row = failure_class(type);
  const bool forbidden = std::ranges::count(policy.permanent, to_string(type)) > 0;
  if (forbidden || row.kind == ErrorKind::permanent || row.kind == ErrorKind::poison) return {};
  return row.delays.empty() ? policy.delays
                            : std::vector<milliseconds>(row.delays.begin(), row.delays.end());
}

void check_retry(const RetryPolicy& policy, const FailedAttempt& attempt, const RetryAt& at) {
  const std::vector<milliseconds> ladder = ladder_of(policy, attempt.type);
  ASSERT_FALSE(ladder.empty());
  const auto step = std::min(static_cast<std::size_t>(attempt.attempt), ladder.size()) - 1;
  const base::EpochMicros cap = attempt.now + policy.max_delay.count() * 1'000;
  const base::EpochMicros wanted =
      attempt.not_before.value_or(attempt.now + ladder[step].count() * 1'000);
  EXPECT_GE(at.due, std::min(cap, wanted)) << "early";
  EXPECT_GE(at.due, attempt.now);
  EXPECT_LE(at.due, cap);
  EXPECT_EQ(at.charged, failure_class(attempt.type).kind != ErrorKind::waiting);
  const std::vector<std::string> topics = retry_topics("t", policy);
  ASSERT_LT(at.rung, topics.size());
  EXPECT_TRUE(!at.charged || static_cast<std::size_t>(attempt.attempt) <= ladder.size());
}

TEST(RetryPolicy, IsNeverEarlyNeverBeyondTheCapAndEnds) {
  const char* given = std::getenv("SPOOL_TEST_SEED");
  const std::uint64_t seed = given ? std::stoull(given) : std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  Any any(seed);
  int retries = 0;
  int deaths = 0;
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) {
    const RetryPolicy policy = any.policy();
    FailedAttempt attempt = any.attempt();
    const Disposition disposition = decide(policy, attempt);
    EXPECT_EQ(disposition, decide(policy, attempt)) << "the same again";
    if (const auto* at = std::get_if<RetryAt>(&disposition)) {
      ++retries;
      check_retry(policy, attempt, *at);
    } else {
      ++deaths;
      EXPECT_EQ(std::get<Die>(disposition).type, attempt.type);
    }
    attempt.attempt = 7;
    const Disposition late = decide(policy, attempt);
    const auto* still = std::get_if<RetryAt>(&late);
    EXPECT_TRUE(still == nullptr || !still->charged) << "more attempts than any ladder has";
  }
  EXPECT_GT(retries, 1'000);
  EXPECT_GT(deaths, 1'000);
}

}  // namespace
}  // namespace spool::delivery
