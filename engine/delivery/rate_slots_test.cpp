#include "engine/delivery/rate_slots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "engine/delivery/rate_slots_test_support.hpp"

namespace spool::delivery {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr RatePolicy kPolicy{.requests = 40};
constexpr base::EpochMicros kSlot = 125'000;
constexpr base::EpochMicros kBegin = 8'000'000'000;  // a slot's

// One worker whose clock began when the database's clock showed kBegin; nothing takes time unless
// said.
class RateTokensTest : public testing::Test {
 protected:
  static Instant at(std::int64_t ms) { return Instant(milliseconds(ms)) + kStart; }
  static base::EpochMicros slot(std::int64_t index) { return kBegin + index * kSlot; }

  static RateLease answer(std::int64_t ms, std::vector<RateSlot> slots,
                          base::EpochMicros next = 0) {
    const base::EpochMicros database = kBegin + ms * 1000;
    return {at(ms), database, database, at(ms), std::move(slots), next};
  }

  static constexpr milliseconds kStart{100'000'000};  // of a slot by our clock
  // After so much before a slot's end, what it has is in vain.
  static constexpr Instant kInVain{kStart - microseconds(15'625) + std::chrono::nanoseconds(1)};

  RateTokens tokens_{kPolicy};
};

TEST_F(RateTokensTest, ATokenBeginsItsCallWithinItsSlot) {
  tokens_.add(answer(0, {{slot(1), 2}}));
  EXPECT_EQ(tokens_.available(at(124)), 0U);
  EXPECT_EQ(tokens_.next_at(at(124)), at(125));
  EXPECT_EQ(tokens_.available(at(125)), 2U);
  EXPECT_EQ(tokens_.next_at(at(125)), std::nullopt);
  EXPECT_THAT(tokens_.take(1, at(125)), ElementsAre(at(250)));
  EXPECT_THAT(tokens_.take(3, at(234)), ElementsAre(at(250)));
  EXPECT_THAT(tokens_.take(3, at(235)), IsEmpty());
}

TEST_F(RateTokensTest, WhatTheRoundTripLeavesOpenIsTakenFromTheTokensLife) {
  RateLease lease = answer(0, {{slot(0), 1}, {slot(1), 1}});
  lease.sent = at(-20);
  lease.received = at(30);
  lease.answered += 10'000;  // the database needed ten of the fifty
  tokens_.add(lease);
  EXPECT_EQ(tokens_.available(at(30)), 1U) << "surely in slot 0";
  EXPECT_THAT(tokens_.take(9, at(30)), ElementsAre(at(105))) << "it may be over a little later";
  EXPECT_EQ(tokens_.next_at(at(30)), at(145)) << "not before slot 1 has surely begun";
}

TEST_F(RateTokensTest, AnAnswerThatCameTooLateGoesBack) {
  RateLease lease = answer(0, {{slot(0), 3}});
  lease.received = at(120);
  tokens_.add(lease);
  EXPECT_EQ(tokens_.available(at(120)), 0U);
  EXPECT_EQ(tokens_.lease_at(at(120), 0), at(120));
  EXPECT_THAT(tokens_.wants(at(120), 0).unused, ElementsAre(RateSlot{slot(0), 3}));
}

TEST_F(RateTokensTest, WhoAsksForNothingLeasesNothing) {
  EXPECT_EQ(tokens_.lease_at(at(0), 0), std::nullopt);
  EXPECT_TRUE(tokens_.wants(at(0), 0).empty());
}

TEST_F(RateTokensTest, LeasesWhatIsLackingUpToAFairShareInEachSlot) {
  ASSERT_EQ(kPolicy.share(), 4);
  tokens_.ask(2);
  EXPECT_EQ(tokens_.lease_at(at(0), 0), at(0));
  EXPECT_EQ(tokens_.wants(at(0), 1).wanted, 3) << "one waits besides";
  tokens_.add(answer(0, {{slot(0), 3}}));
  EXPECT_EQ(tokens_.wants(at(0), 1).wanted, 0) << "it holds what it needs";
  EXPECT_EQ(tokens_.take(3, at(0)).size(), 3U);
  tokens_.ask(6);
  EXPECT_EQ(tokens_.wants(at(1), 0).wanted, 1) << "it has had three of four";
  tokens_.add(answer(1, {{slot(0), 1}}));
  EXPECT_EQ(tokens_.take(1, at(1)).size(), 1U);
  EXPECT_EQ(tokens_.lease_at(at(2), 0), at(125));
  EXPECT_EQ(tokens_.wants(at(2), 0).wanted, 0);
  EXPECT_EQ(tokens_.wants(at(125), 0).wanted, 4);
}

TEST_F(RateTokensTest, SteadyWorkIsNotALeaseForEachCall) {
  RateTokens tokens({.requests = 1000});
  tokens.ask(5);
  EXPECT_EQ(tokens.wants(at(0), 0).wanted, 5);
  tokens.add(answer(0, {{slot(0), 5}}));
  EXPECT_EQ(tokens.take(5, at(10)).size(), 5U);
  tokens.ask(1);
  EXPECT_EQ(tokens.wants(at(130), 0).wanted, 5) << "as many as in the slot before";
  EXPECT_EQ(tokens.wants(at(400), 0).wanted, 1) << "it has been idle since";
}

TEST_F(RateTokensTest, WhenTheDatabaseHasNoneItIsAskedAgainWhenItWillHave) {
  tokens_.ask(4);
  EXPECT_EQ(tokens_.wants(at(0), 0).wanted, 4);
  tokens_.add(answer(0, {{slot(1), 1}}, slot(5)));
  EXPECT_EQ(tokens_.lease_at(at(0), 0), kInVain + milliseconds(250)) << "what it has goes back";
  EXPECT_EQ(tokens_.take(1, at(125)).size(), 1U);
  EXPECT_EQ(tokens_.lease_at(at(126), 0), at(500)) << "a slot ahead of slot 5";
  EXPECT_EQ(tokens_.wants(at(499), 0).wanted, 0);
  EXPECT_EQ(tokens_.wants(at(500), 0).wanted, 4);
  tokens_.add(answer(500, {}, slot(80)));
  EXPECT_EQ(tokens_.lease_at(at(501), 0), at(3000)) << "others may have given some back";
}

TEST_F(RateTokensTest, WhatWasHeldInVainGoesBackAndIsNotAskedForAgain) {
  tokens_.ask(4);
  EXPECT_EQ(tokens_.wants(at(0), 0).wanted, 4);
  tokens_.add(answer(0, {{slot(0), 1}, {slot(1), 3}}));
  EXPECT_EQ(tokens_.take(1, at(0)).size(), 1U);
  tokens_.ask(3);
  EXPECT_EQ(tokens_.lease_at(at(0), 0), kInVain + milliseconds(250));
  EXPECT_EQ(tokens_.take(1, at(125)).size(), 1U);
  const LeaseRequest request = tokens_.wants(at(235), 0);
  EXPECT_EQ(request.wanted, 0);
  EXPECT_THAT(request.unused, ElementsAre(RateSlot{slot(1), 2}));
  EXPECT_TRUE(tokens_.wants(at(235), 0).empty()) << "it is given back once";
}

TEST_F(RateTokensTest, ATokenThatIsGivenBackInTimeIsThereAgainAndElseGoesToTheDatabase) {
  tokens_.add(answer(0, {{slot(0), 2}}));
  const auto taken = tokens_.take(2, at(0));
  tokens_.give_back(taken.at(0), at(100));
  EXPECT_EQ(tokens_.available(at(100)), 1U);
  tokens_.ask(1);
  tokens_.give_back(taken.at(1), at(300));
  const LeaseRequest request = tokens_.wants(at(300), 0);
  EXPECT_THAT(request.unused, ElementsAre(RateSlot{slot(0), 2}));
  tokens_.give_back(at(777), at(300));
  EXPECT_TRUE(tokens_.wants(at(300), 0).unused.empty()) << "it was never taken";
}

TEST_F(RateTokensTest, WhatItGivesBackItMayHaveAgainAtOnce) {
  tokens_.ask(4);
  EXPECT_EQ(tokens_.wants(at(0), 0).wanted, 4);
  tokens_.add(answer(0, {{slot(0), 1}}, slot(80)));
  const auto taken = tokens_.take(1, at(0));
  tokens_.ask(4);
  EXPECT_EQ(tokens_.wants(at(300), 0).wanted, 0) << "there is none";
  tokens_.give_back(taken.at(0), at(300));
  EXPECT_EQ(tokens_.lease_at(at(300), 0), at(300));
  EXPECT_EQ(tokens_.wants(at(300), 0).wanted, 4);
}

TEST(RatePolicyTest, TheSlotFollowsTheWindow) {
  EXPECT_EQ(RatePolicy{.requests = 40}.slot(), milliseconds(125));
  EXPECT_EQ((RatePolicy{.requests = 5, .window = std::chrono::seconds(1)}).slot(),
            milliseconds(50));
  EXPECT_EQ((RatePolicy{.requests = 5, .window = std::chrono::hours(24)}).slot(),
            std::chrono::minutes(18));
  EXPECT_EQ((RatePolicy{.requests = 1}).share(), 1);
}

// The statement of the database says the same (engine/store/pg_rate_slots_pg_test.cpp).
TEST(RateLedgerTest, ASlotHasWhatTheSlotsOfItsSpanLeave) {
  const std::map<base::EpochMicros, std::int64_t> granted{{kBegin, 30}, {kBegin + kSlot, 8}};
  const auto in_slot = [&](std::int64_t index, std::int64_t wanted) {
    return test::grantable(kPolicy, granted, kBegin + index * kSlot, wanted);
  };
  EXPECT_EQ(in_slot(0, 9), 2) << "what is granted later counts too";
  EXPECT_EQ(in_slot(1, 9), 2);
  EXPECT_EQ(in_slot(1, 1), 1);
  EXPECT_EQ(in_slot(82, 99), 2) << "82 slots of 125 ms are 10.25 s";
  EXPECT_EQ(in_slot(83, 99), 32);
  EXPECT_EQ(in_slot(84, 99), 40);
}

}  // namespace
}  // namespace spool::delivery
