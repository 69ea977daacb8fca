#include "engine/store/pg_rate_slots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/delivery/rate_slots_test_support.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::store {
namespace {

using delivery::LeaseRequest;
using delivery::RateLease;
using delivery::RatePolicy;
using delivery::RateSlot;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;

constexpr RatePolicy kPolicy{.requests = 40};

class RateSlotsPg : public testing::Test {
 protected:
  static const test::PgDatabase& database() {
    static const test::PgDatabase database;
    return database;
  }
  static postgres::ConnectionSettings settings() {
    postgres::ConnectionSettings settings = database().settings();
    settings.synchronous_commit_off = true;
    return settings;
  }

  RateLease lease(PgRateSlots& slots, const LeaseRequest& request) {
    auto lease = slots.lease(request);
    EXPECT_TRUE(lease.ok()) << lease.failure().text;
    return std::move(lease).value();
  }
  RateLease lease(const LeaseRequest& request) { return lease(slots_, request); }

  static std::int64_t granted_by(const RateLease& lease) {
    std::int64_t sum = 0;
    for (const RateSlot& slot : lease.slots) sum += slot.tokens;
    return sum;
  }
  std::string where() const { return " where upstream = '" + upstream_ + "'"; }
  std::int64_t number(const std::string& what, const std::string& table) const {
    const std::string text = database().value("select " + what + " from spool." + table + where());
    return text.empty() ? -1 : std::stoll(text);
  }
  // As a worker granted it some time ago: `slots` slots of 125 ms before the present one.
  void granted(std::int64_t slots, std::int64_t tokens) {
    const postgres::Statement insert{
        "grant",
        "insert into spool.rate_slots select $1, b, b + 125000, $2::bigint"
        " from (select ((extract(epoch from clock_timestamp()) * 1000000)::bigint / 125000 - $3)"
        " * 125000) as v (b) on conflict do nothing"};
    const auto done = connection_->execute(insert, postgres::Params::of(upstream_, tokens, slots));
    ASSERT_TRUE(done.ok()) << done.failure().text;
  }

  static std::string fresh() {
    static int next = 0;
    return "service-" + std::to_string(next++);
  }
  std::string upstream_ = fresh();
  std::unique_ptr<postgres::Connection> connection_ =
      postgres::Connection::open(settings()).value();
  PgRateSlots slots_{settings(), upstream_, kPolicy};
};

TEST_F(RateSlotsPg, TokensAreOfTheSlotThatTheDatabasesClockIsIn) {
  const RateLease first = lease({.wanted = 3});
  EXPECT_LE(first.sent, first.received);
  EXPECT_LE(first.arrived, first.answered);
  ASSERT_THAT(first.slots, ElementsAre(Field(&RateSlot::tokens, 3)));
  EXPECT_EQ(first.slots.front().begins % 125'000, 0);
  EXPECT_THAT(first.slots.front().begins,
              AllOf(Ge(first.arrived - 125'000 * 3 / 4), Le(first.answered + 125'000 / 4)));
  EXPECT_EQ(number("sum(granted)", "rate_slots"), 3);
  EXPECT_EQ(number("max(ends_us - begins_us)", "rate_slots"), 125'000);
}

TEST_F(RateSlotsPg, WhatTheSpanHasNoRoomForIsNotGrantedAndTheNextRoomIsTold) {
  granted(82, 40);
  const std::int64_t begin = number("max(begins_us)", "rate_slots");
  const RateLease lease = this->lease({.wanted = 4});
  ASSERT_THAT(lease.slots, ElementsAre(Field(&RateSlot::tokens, 4)));
  const std::int64_t first = lease.slots.front().begins;
  EXPECT_GE(first, begin + 83 * 125'000);
  EXPECT_EQ(lease.next, 0);
  const RateLease rest = this->lease({.wanted = 99});
  EXPECT_EQ(granted_by(rest), 36);
  EXPECT_EQ(rest.next, first + 83 * 125'000);
  EXPECT_THAT(this->lease({.wanted = 1}).slots, IsEmpty());
}

TEST_F(RateSlotsPg, UnusedTokensAreThereAgain) {
  const RateLease first = lease({.wanted = 40});
  const RateSlot slot = first.slots.front();
  ASSERT_EQ(granted_by(first), 40);
  EXPECT_EQ(granted_by(lease({.wanted = 4})), 0);
  EXPECT_EQ(granted_by(lease({4, {{slot.begins, 3}}})), 3);
  EXPECT_EQ(granted_by(lease({1, {{slot.begins - 125'000, 3}}})), 0) << "of no such slot";
  EXPECT_TRUE(lease({0, {{slot.begins, 999}}}).slots.empty());
  EXPECT_THAT(number("coalesce(sum(granted), 0)", "rate_slots"), AllOf(Ge(0), Le(3)));
}

TEST_F(RateSlotsPg, OldSlotsAreForgotten) {
  granted(82 * 2 + 2, 7);
  granted(82 * 2 - 40, 8);
  EXPECT_EQ(granted_by(lease({.wanted = 40})), 40)
      << "neither shares a window with what begins now";
  EXPECT_EQ(number("count(*) filter (where granted = 7)", "rate_slots"), 0);
  EXPECT_EQ(number("count(*) filter (where granted = 8)", "rate_slots"), 1);
}

TEST_F(RateSlotsPg, WhenTheDatabaseHasLostCommitsNothingIsGrantedForAWindow) {
  lease({.wanted = 1});
  database().execute("update spool.rate_limits set timeline = 'another'" + where());
  const RateLease lost = lease({.wanted = 5});
  EXPECT_THAT(lost.slots, IsEmpty());
  EXPECT_GE(lost.next, lost.arrived + kPolicy.span().count());
  EXPECT_EQ(lease({.wanted = 5}).next, lost.next) << "it does not begin again";
  database().execute("update spool.rate_limits set closed_until_us = closed_until_us - 11000000" +
                     where());
  EXPECT_EQ(granted_by(lease({.wanted = 5})), 5);
}

TEST_F(RateSlotsPg, AClockThatWasSetFarBackStopsNobodyForLongerThanAWindow) {
  granted(-100'000, 40);
  const RateLease closed = lease({.wanted = 5});
  EXPECT_THAT(closed.slots, IsEmpty());
  EXPECT_LE(closed.next, closed.answered + 2 * kPolicy.span().count());
  EXPECT_EQ(number("count(*)", "rate_slots"), 0);
}

TEST_F(RateSlotsPg, GrantsAreDurable) {
  const auto setting_after = [&](int wanted) {
    const std::string ask = "select (spool.lease_rate('" + upstream_ + "', 40, 10250000, 125000, " +
                            std::to_string(wanted) + ", '{}', '{}')).next_us";
    auto begun = connection_->begin();
    EXPECT_TRUE(begun.ok() && (*begun)->execute_script(ask).ok());
    return (*begun)
        ->execute({"look_at_commit", "select current_setting('synchronous_commit')"})
        ->text(0, 0);
  };
  EXPECT_EQ(setting_after(0), "off");
  EXPECT_EQ(setting_after(1), "on");
}

TEST_F(RateSlotsPg, AConnectionThatBrokeFailsOneLeaseAndACloseAll) {
  lease({.wanted = 1});
  database().kill_sessions();
  EXPECT_FALSE(slots_.lease({.wanted = 1}).ok());
  EXPECT_EQ(granted_by(lease({.wanted = 1})), 1);
  slots_.close();
  EXPECT_FALSE(slots_.lease({.wanted = 1}).ok());
  EXPECT_FALSE(slots_.lease({.wanted = 1}).ok());
}

TEST_F(RateSlotsPg, TheStatementAndTheModelAgree) {
  const char* given = std::getenv("SPOOL_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto dice = [&](std::uint64_t sides) {
    return static_cast<std::int64_t>(random() % sides);
  };
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(connection_->execute_script("delete from spool.rate_slots" + where()).ok());
    // Near the end of the span is what matters, and what is to come.
    for (std::int64_t n = dice(8); n > 0; --n) granted(90 - dice(14), 1 + dice(20));
    for (std::int64_t n = dice(4); n > 0; --n) granted(dice(9) - 4, 1 + dice(9));
    std::map<base::EpochMicros, std::int64_t> before;
    LeaseRequest request{dice(45), {}};
    const auto rows = connection_->execute(
        {"look_at_slots", "select begins_us, granted from spool.rate_slots where upstream = $1"},
        postgres::Params::of(upstream_));
    ASSERT_TRUE(rows.ok());
    for (std::size_t r = 0; r < rows->size(); ++r) {
      before[rows->int64(r, 0)] = rows->int64(r, 1);
      if (dice(4) == 0) request.unused.push_back({rows->int64(r, 0), 1 + dice(20)});
    }
    const RateLease lease = this->lease(request);
    // At which moment between its two readings it looked only matters at the border of two slots.
    const RateLease early =
        delivery::test::RateLedger(kPolicy, before).lease(request, lease.arrived);
    const RateLease late =
        delivery::test::RateLedger(kPolicy, before).lease(request, lease.answered);
    EXPECT_TRUE((early.slots == lease.slots && early.next == lease.next) ||
                (late.slots == lease.slots && late.next == lease.next))
        << i << " wanted " << request.wanted << ", granted " << granted_by(lease) << " and not "
        << granted_by(early);
  }
}

TEST_F(RateSlotsPg, ThreeThatRaceAreNeverGrantedMoreThanTheLimit) {
  const RatePolicy policy{.requests = 23,
                          .window = std::chrono::milliseconds(300),
                          .allowance = std::chrono::milliseconds(50)};
  std::mutex mutex;
  std::map<base::EpochMicros, std::int64_t> granted;
  {
    std::vector<std::jthread> racers;
    for (int racer = 0; racer < 3; ++racer) {
      racers.emplace_back([&] {
        PgRateSlots slots(settings(), upstream_, policy);
        for (std::int64_t mine = 0; mine < 20;) {
          const RateLease lease = this->lease(slots, {.wanted = 2});
          const std::lock_guard lock(mutex);
          for (const RateSlot& slot : lease.slots) {
            EXPECT_GT(slot.begins + policy.slot().count(), lease.arrived) << "it is over";
            granted[slot.begins] += slot.tokens;
            mine += slot.tokens;
          }
        }
      });
    }
  }
  // A window of the service that begins as a slot ends reaches so far.
  for (const auto& [begins, tokens] : granted) {
    std::int64_t sum = 0;
    for (const auto& [other, others] : granted) {
      const auto away = other - (begins + policy.slot().count());
      if (other >= begins && away < policy.span().count()) sum += others;
    }
    EXPECT_LE(sum, policy.requests);
  }
  EXPECT_GT(granted.size(), 1U);
}

}  // namespace
}  // namespace spool::store
