#include "engine/runtime/rate_budget.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/delivery/rate_slots_test_support.hpp"

namespace spool::runtime {
namespace {

using delivery::Instant;
using delivery::LeaseRequest;
using delivery::RateLease;
using delivery::RatePolicy;
using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

Instant now() {
  return std::chrono::steady_clock::now();
}

// A database in memory, whose clock is this process's own.
class FakeSlots : public delivery::RateSlots {
 public:
  struct State {
    explicit State(const RatePolicy& policy) : ledger(policy) {}

    std::mutex mutex;
    std::condition_variable changed;
    delivery::test::RateLedger ledger;
    bool away = false;
    bool closed = false;
    int leases = 0;
    int failures = 0;
    std::int64_t unused = 0;

    template <typename Condition>
    bool wait(Condition condition) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, kPatience, condition);
    }
  };

  explicit FakeSlots(State& state) : state_(state) {}

  base::Result<RateLease> lease(const LeaseRequest& request) override {
    const std::lock_guard lock(state_.mutex);
    state_.changed.notify_all();
    for (const auto& slot : request.unused) state_.unused += slot.tokens;
    if (state_.away || state_.closed) {
      ++state_.failures;
      return base::Failure(base::FailureKind::unavailable, "away", "08006");
    }
    ++state_.leases;
    const Instant sent = now();
    RateLease lease = state_.ledger.lease(
        request,
        std::chrono::duration_cast<std::chrono::microseconds>(sent.time_since_epoch()).count());
    lease.sent = sent;
    lease.received = sent;
    return lease;
  }
  void interrupt(std::chrono::milliseconds) override {}
  void close() override {
    const std::lock_guard lock(state_.mutex);
    state_.closed = true;
  }

 private:
  State& state_;
};

class RateBudgetTest : public testing::Test {
 protected:
  explicit RateBudgetTest(const RatePolicy& policy = {.requests = 40, .window = 60s})
      : state_(policy),
        log_({.format = observe::LogFormat::json, .fd = null_}),
        metrics_({}, log_.counts()),
        budget_("tmdb", policy, std::make_unique<FakeSlots>(state_), metrics_, log_, [this] {
          const std::lock_guard lock(woken_mutex_);
          ++woken_;
          woken_changed_.notify_all();
        }) {}
  ~RateBudgetTest() override { ::close(null_); }

  // As a dispatcher: asks, and looks again when it is woken or when there will be some.
  std::vector<Instant> take_all(std::size_t n) {
    std::vector<Instant> permits;
    const Instant give_up = now() + kPatience;
    while (permits.size() < n && now() < give_up) {
      std::unique_lock lock(woken_mutex_);
      const int seen = woken_;
      lock.unlock();
      for (const Instant permit : budget_.take(n - permits.size(), now())) {
        EXPECT_LT(now(), permit + 1s);
        permits.push_back(permit);
      }
      if (permits.size() == n) break;
      const Instant until = budget_.next_at(now()).value_or(give_up);
      lock.lock();
      woken_changed_.wait_until(lock, until, [&] { return woken_ != seen; });
    }
    return permits;
  }
  std::future<std::optional<Instant>> acquire(Instant deadline) {
    auto promise = std::make_shared<std::promise<std::optional<Instant>>>();
    budget_.acquire(deadline,
                    [promise](std::optional<Instant> permit) { promise->set_value(permit); });
    return promise->get_future();
  }

  const int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  FakeSlots::State state_;
  observe::Logger log_;
  observe::Metrics metrics_;
  std::mutex woken_mutex_;
  std::condition_variable woken_changed_;
  int woken_ = 0;
  RateBudget budget_;
};

TEST_F(RateBudgetTest, WhoTakesIsWokenWhenTokensHaveCome) {
  EXPECT_EQ(budget_.available(now()), 0U);
  EXPECT_EQ(take_all(7).size(), 7U);
  EXPECT_THAT(
      metrics_.expose(),
      testing::HasSubstr("spool_upstream_rate_limit_wait_seconds_count{upstream=\"tmdb\"} 7"));
}

TEST_F(RateBudgetTest, AskingWhenThereWillBeOneAsksForOne) {
  EXPECT_EQ(budget_.next_at(now()), std::nullopt);
  EXPECT_TRUE(state_.wait([&] { return state_.leases > 0; }));
}

TEST_F(RateBudgetTest, APermitComesToWhoWaitsForIt) {
  auto first = acquire(now() + kPatience);
  auto second = acquire(now() + kPatience);
  ASSERT_EQ(first.wait_for(kPatience), std::future_status::ready);
  ASSERT_EQ(second.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(first.get() && second.get());
}

TEST_F(RateBudgetTest, WhatNobodyTookGoesBackToTheDatabase) {
  budget_.take(3, now());
  EXPECT_TRUE(state_.wait([&] { return state_.unused == 3; }));
}

TEST_F(RateBudgetTest, APermitThatWasGivenBackCanBeHadAgain) {
  const auto permits = take_all(1);
  ASSERT_EQ(permits.size(), 1U);
  budget_.give_back(permits.front());
  const auto again = take_all(1);
  ASSERT_EQ(again.size(), 1U);
}

TEST_F(RateBudgetTest, WhileTheDatabaseIsAwayThereAreNoPermits) {
  {
    const std::lock_guard lock(state_.mutex);
    state_.away = true;
  }
  auto never = acquire(now() + 1ms);
  auto later = acquire(now() + kPatience);
  ASSERT_EQ(never.wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(never.get());
  ASSERT_TRUE(state_.wait([&] { return state_.failures > 0; }));
  EXPECT_EQ(budget_.available(now()), 0U);
  {
    const std::lock_guard lock(state_.mutex);
    state_.away = false;
  }
  ASSERT_EQ(later.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(later.get());
}

TEST_F(RateBudgetTest, WhoStillWaitsAtTheEndGetsNone) {
  std::optional<Instant> answer = now();
  {
    FakeSlots::State state({.requests = 1});
    state.away = true;
    RateBudget budget("tmdb", {.requests = 1}, std::make_unique<FakeSlots>(state), metrics_, log_,
                      [] {});
    budget.acquire(now() + kPatience, [&](std::optional<Instant> permit) { answer = permit; });
    budget.close();
  }
  EXPECT_EQ(answer, std::nullopt);
}

TEST_F(RateBudgetTest, WithoutALimitThereIsAlwaysEnough) {
  RateBudget budget("trakt", {}, nullptr, metrics_, log_, [] { FAIL() << "nobody waits"; });
  EXPECT_GT(budget.available(now()), 1'000'000U);
  const auto permits = budget.take(3, now());
  ASSERT_EQ(permits.size(), 3U);
  EXPECT_GT(permits.back(), now() + 1min);
  std::optional<Instant> permit;
  budget.acquire(now(), [&](std::optional<Instant> given) { permit = given; });
  EXPECT_TRUE(permit);
}

class RateBudgetTight : public RateBudgetTest {
 protected:
  RateBudgetTight() : RateBudgetTest({.requests = 2, .window = 300ms, .allowance = 50ms}) {}
};

class RateBudgetOfOne : public RateBudgetTest {
 protected:
  RateBudgetOfOne() : RateBudgetTest({.requests = 1, .window = 300ms, .allowance = 50ms}) {}
};

TEST_F(RateBudgetOfOne, WhoWaitsInTurnComesBeforeWhoTakes) {
  ASSERT_EQ(take_all(1).size(), 1U);
  auto waiting = acquire(now() + kPatience);
  const auto taken = take_all(1);
  ASSERT_EQ(waiting.wait_for(kPatience), std::future_status::ready);
  EXPECT_THAT(waiting.get(), testing::Optional(testing::Lt(taken.at(0) - 300ms)));
}

// Threads that take and wait at once, over many windows: all is answered, and nothing is given
// twice.
TEST_F(RateBudgetTight, ManyMayAskAtOnce) {
  std::vector<std::future<std::optional<Instant>>> answers;
  std::vector<std::jthread> takers;
  std::mutex mutex;
  std::multiset<Instant> given;
  for (int i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      for (const Instant permit : take_all(2)) {
        const std::lock_guard lock(mutex);
        given.insert(permit);
      }
    });
    answers.push_back(acquire(now() + kPatience));
  }
  takers.clear();
  for (auto& answer : answers) {
    ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
    given.insert(answer.get().value());
  }
  ASSERT_EQ(given.size(), 9U);
  std::vector<Instant> sorted(given.begin(), given.end());
  // A permit ends with its slot, and the slots of three permits span more than a window.
  for (std::size_t i = 2; i < sorted.size(); ++i) EXPECT_GT(sorted[i] - sorted[i - 2], 300ms);
}

}  // namespace
}  // namespace spool::runtime
