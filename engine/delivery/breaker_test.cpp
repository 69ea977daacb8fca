#include "engine/delivery/breaker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

namespace spool::delivery {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Permit = Breaker::Permit;

constexpr Instant kStart{hours(1)};

BreakerSettings only_in_a_row(std::size_t failures) {
  return {.failures = failures, .ratio = 0};
}

class BreakerTest : public testing::Test {
 protected:
  // One call with its answer: '.' succeeds, 'x' fails. Answers whether it was admitted.
  bool call(char answer, Instant now) {
    const auto permit = breaker.admit(now);
    if (permit) answer == 'x' ? breaker.failed(*permit, now) : breaker.succeeded(*permit, now);
    return permit.has_value();
  }
  void call_all(const std::string& answers, Instant now) {
    for (const char answer : answers) ASSERT_TRUE(call(answer, now)) << answers;
  }
  // Fails the probe of an open breaker at the first possible instant; answers when that was.
  Instant fail_probe() {
    const Instant due = *breaker.wake_at();
    EXPECT_FALSE(breaker.allows(due - milliseconds(1)));
    EXPECT_TRUE(call('x', due));
    return due;
  }

  Breaker breaker{only_in_a_row(5)};
};

TEST_F(BreakerTest, CallsThatFailTogetherCountOneByOne) {
  breaker.failed(*breaker.admit(kStart), kStart, 4);
  EXPECT_EQ(breaker.state(kStart), BreakerState::closed);
  breaker.failed(*breaker.admit(kStart), kStart, 1);
  EXPECT_EQ(breaker.state(kStart), BreakerState::open);
}

TEST_F(BreakerTest, OpensByWhatWasAnsweredLast) {
  struct Case {
    const char* what;
    BreakerSettings settings;
    std::string before;  // still closed after this
    char last;
    BreakerState after;
  };
  const BreakerSettings share{.failures = 0, .ratio = 0.5, .window = 8, .window_min = 4};
  const BreakerSettings none{.failures = 0, .ratio = 0, .window = 8, .window_min = 4};
  const std::vector<Case> cases = {
      {"five in a row", only_in_a_row(5), "xxxx", 'x', BreakerState::open},
      {"a success between", only_in_a_row(5), "xxxx.xxxx", '.', BreakerState::closed},
      {"one is enough", only_in_a_row(1), "....", 'x', BreakerState::open},
      {"half of few is too few to tell", share, "xx", 'x', BreakerState::closed},
      {"half of enough", share, ".x.", 'x', BreakerState::open},
      {"less than half", share, ".....x.", 'x', BreakerState::closed},
      {"only the last eight count", share, "........xxx", 'x', BreakerState::open},
      {"failures that slid out do not count", share, ".x......x.xx", '.', BreakerState::closed},
      {"a success does not open", share, "xxx", '.', BreakerState::closed},
      {"the failure after it does", share, "xxx.", 'x', BreakerState::open},
      {"both rules off", none, "xxxxxxxxxxxxxxxx", 'x', BreakerState::closed},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.what);
    breaker = Breaker(test.settings);
    call_all(test.before, kStart);
    ASSERT_EQ(breaker.state(kStart), BreakerState::closed);
    call_all(std::string(1, test.last), kStart);
    EXPECT_EQ(breaker.state(kStart), test.after);
    EXPECT_EQ(breaker.allows(kStart), test.after == BreakerState::closed);
    EXPECT_EQ(breaker.wake_at().has_value(), test.after == BreakerState::open);
  }
}

TEST_F(BreakerTest, OldAnswersAreForgotten) {
  const BreakerSettings settings;
  breaker = Breaker(settings);
  call_all("xxxx", kStart);
  call_all("x", kStart + settings.window_age);
  EXPECT_EQ(breaker.state(kStart + settings.window_age), BreakerState::closed);

  breaker = Breaker(settings);
  call_all("xxxx", kStart);
  call_all("x", kStart + settings.window_age - milliseconds(1));
  EXPECT_EQ(breaker.state(kStart + settings.window_age), BreakerState::open);

  // Old successes do not excuse what fails now.
  breaker = Breaker({.failures = 0, .ratio = 0.5, .window = 100, .window_min = 4});
  call_all(std::string(90, '.'), kStart);
  call_all("x.x", kStart + settings.window_age);
  EXPECT_EQ(breaker.state(kStart + settings.window_age), BreakerState::closed);
  call_all("x", kStart + settings.window_age);
  EXPECT_EQ(breaker.state(kStart + settings.window_age), BreakerState::open);
}

TEST_F(BreakerTest, AdmitsNothingWhileOpenThenOneProbe) {
  call_all("xxxxx", kStart);
  const Instant due = kStart + seconds(30);
  EXPECT_EQ(breaker.wake_at(), due);
  EXPECT_FALSE(breaker.admit(due - milliseconds(1)));
  EXPECT_EQ(breaker.state(due - milliseconds(1)), BreakerState::open);

  EXPECT_EQ(breaker.state(due), BreakerState::half_open);
  EXPECT_TRUE(breaker.allows(due));
  const auto probe = breaker.admit(due);
  ASSERT_TRUE(probe);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(breaker.admit(due + seconds(i)));
  EXPECT_FALSE(breaker.allows(due));
  EXPECT_EQ(breaker.state(due), BreakerState::half_open);

  breaker.succeeded(*probe, due);
  EXPECT_EQ(breaker.state(due), BreakerState::closed);
  EXPECT_FALSE(breaker.wake_at());
  // What failed before it opened is forgotten.
  call_all("xxxx", due);
  EXPECT_EQ(breaker.state(due), BreakerState::closed);
}

TEST_F(BreakerTest, TheShareIsCountedAnewAfterItOpened) {
  for (const std::string after : {"xxx", "...x", "......x"}) {
    SCOPED_TRACE(after);
    breaker = Breaker({.failures = 0, .ratio = 0.5, .window = 8, .window_min = 4});
    call_all("x.xx", kStart);
    const Instant due = *breaker.wake_at();
    call_all(".", due);
    call_all(after, due);
    EXPECT_EQ(breaker.state(due), BreakerState::closed);
  }
}

TEST_F(BreakerTest, DoublesToTheCapWhileProbesFail) {
  call_all("xxxxx", kStart);
  Instant opened = kStart;
  for (const int length : {30, 60, 120, 240, 300, 300}) {
    EXPECT_EQ(*breaker.wake_at() - opened, seconds(length));
    opened = fail_probe();
    EXPECT_EQ(breaker.state(opened), BreakerState::open);
  }
}

TEST_F(BreakerTest, StartsAgainOnlyAfterItHeld) {
  call_all("xxxxx", kStart);
  fail_probe();
  const Instant closed = *breaker.wake_at();  // was open for 60 s
  ASSERT_TRUE(call('.', closed));

  Breaker flapping = breaker;
  std::swap(flapping, breaker);
  call_all("xxxxx", closed + seconds(60) - milliseconds(1));
  EXPECT_EQ(*breaker.wake_at(), closed + seconds(60) - milliseconds(1) + seconds(120));

  std::swap(flapping, breaker);
  call_all("xxxxx", closed + seconds(60));
  EXPECT_EQ(*breaker.wake_at(), closed + seconds(60) + seconds(30));
}

TEST_F(BreakerTest, AnAbandonedProbeMakesRoomForAnother) {
  call_all("xxxxx", kStart);
  const Instant due = *breaker.wake_at();
  const auto first = breaker.admit(due);
  breaker.abandon(*first);
  EXPECT_EQ(breaker.state(due), BreakerState::half_open);
  // It is over: nothing that is said of it later counts, be the next one on its way or not.
  breaker.failed(*first, due);
  breaker.succeeded(*first, due);
  const auto second = breaker.admit(due);
  ASSERT_TRUE(second);
  breaker.abandon(*first);
  breaker.failed(*first, due);
  breaker.succeeded(*first, due);
  EXPECT_FALSE(breaker.admit(due));
  breaker.failed(*second, due);
  EXPECT_EQ(*breaker.wake_at(), due + seconds(60));  // abandoning doubled nothing
}

TEST_F(BreakerTest, AbandoningWhileClosedChangesNothing) {
  call_all("xxxx", kStart);
  breaker.abandon(*breaker.admit(kStart));
  EXPECT_EQ(breaker.state(kStart), BreakerState::closed);
  call_all("x", kStart);
  EXPECT_EQ(breaker.state(kStart), BreakerState::open);
}

TEST_F(BreakerTest, AProbeThatNeverAnswersIsReplaced) {
  call_all("xxxxx", kStart);
  const Instant due = *breaker.wake_at();
  const auto lost = breaker.admit(due);
  const Instant next = due + BreakerSettings{}.probe_lost;
  EXPECT_EQ(breaker.wake_at(), next);
  EXPECT_FALSE(breaker.admit(next - milliseconds(1)));
  const auto second = breaker.admit(next);
  ASSERT_TRUE(second);
  EXPECT_FALSE(breaker.admit(next));
  breaker.succeeded(*lost, next);
  breaker.abandon(*lost);
  EXPECT_EQ(breaker.state(next), BreakerState::half_open);
  EXPECT_FALSE(breaker.admit(next));
  breaker.succeeded(*second, next);
  EXPECT_EQ(breaker.state(next), BreakerState::closed);
}

TEST_F(BreakerTest, AnAnswerCountsOnlyInTheStateOfItsCall) {
  using End = std::function<void(Breaker&, Permit, Instant)>;
  const std::vector<std::pair<const char*, End>> ends = {
      {"succeeded", [](Breaker& b, Permit permit, Instant now) { b.succeeded(permit, now); }},
      {"failed", [](Breaker& b, Permit permit, Instant now) { b.failed(permit, now); }},
      {"abandoned", [](Breaker& b, Permit permit, Instant) { b.abandon(permit); }}};
  for (const auto& [what, end] : ends) {
    SCOPED_TRACE(what);
    breaker = Breaker(only_in_a_row(5));
    std::vector<Permit> slow(50);
    for (Permit& permit : slow) permit = *breaker.admit(kStart);
    call_all("xxxxx", kStart);
    const Instant due = kStart + seconds(30);
    const auto end_ten = [&, &end = end](Instant now) {
      for (int i = 0; i < 10; ++i, slow.pop_back()) end(breaker, slow.back(), now);
    };
    end_ten(kStart);  // open
    EXPECT_EQ(breaker.state(kStart), BreakerState::open);
    EXPECT_EQ(breaker.wake_at(), due);
    end_ten(due);  // half open
    EXPECT_EQ(breaker.state(due), BreakerState::half_open);
    const auto probe = breaker.admit(due);
    ASSERT_TRUE(probe);
    end_ten(due);  // a probe is out
    EXPECT_EQ(breaker.state(due), BreakerState::half_open);
    EXPECT_FALSE(breaker.admit(due));
    breaker.succeeded(*probe, due);
    end_ten(due);  // closed again
    EXPECT_EQ(breaker.state(due), BreakerState::closed);
    breaker.failed(*probe, due);  // its answer was known already
    call_all("xxxx", due);
    end_ten(due);  // neither the fifth failure nor a success between
    EXPECT_EQ(breaker.state(due), BreakerState::closed);
    call_all("x", due);
    EXPECT_EQ(breaker.state(due), BreakerState::open);
  }
}

TEST_F(BreakerTest, AHintOfTheServiceLengthensTheOpenTime) {
  const Instant until = kStart + seconds(90);
  const Instant cap = kStart + BreakerSettings{}.hint_cap;
  breaker.retry_after(until, kStart);
  breaker.retry_after(kStart + seconds(40), kStart);       // never shortens
  EXPECT_EQ(breaker.state(kStart), BreakerState::closed);  // that alone opens nothing
  call_all("xxxxx", kStart);
  EXPECT_EQ(breaker.wake_at(), until);
  breaker.retry_after(kStart + seconds(40), kStart);
  EXPECT_EQ(breaker.wake_at(), until);
  breaker.retry_after(Instant::max(), kStart);
  EXPECT_EQ(breaker.wake_at(), cap);
  EXPECT_FALSE(breaker.allows(cap - milliseconds(1)));
  EXPECT_TRUE(breaker.allows(cap));
}

TEST_F(BreakerTest, AHintDuringTheProbe) {
  const auto settings = only_in_a_row(5);
  call_all("xxxxx", kStart);
  const Instant due = *breaker.wake_at();
  const Instant until = due + seconds(500);
  const auto probe = breaker.admit(due);
  breaker.retry_after(until, due);
  EXPECT_EQ(breaker.state(due), BreakerState::half_open);
  EXPECT_FALSE(breaker.allows(due + settings.probe_lost));  // nor is it replaced before that
  EXPECT_EQ(breaker.wake_at(), until);

  Breaker well = breaker;
  breaker.failed(*probe, due);
  EXPECT_EQ(breaker.state(until - milliseconds(1)), BreakerState::open);
  EXPECT_EQ(breaker.wake_at(), until);

  // A probe that succeeds knows better.
  well.succeeded(*probe, due);
  std::swap(well, breaker);
  call_all("xxxxx", due);
  EXPECT_EQ(breaker.wake_at(), due + seconds(60));
}

TEST_F(BreakerTest, AHintBeforeTheProbePutsItOff) {
  call_all("xxxxx", kStart);
  const Instant due = *breaker.wake_at();
  breaker.retry_after(due + seconds(5), due);
  EXPECT_EQ(breaker.state(due), BreakerState::open);
  EXPECT_FALSE(breaker.admit(due));
  EXPECT_TRUE(breaker.admit(due + seconds(5)));
}

TEST(Breaker, StatesHaveWords) {
  EXPECT_STREQ(to_string(BreakerState::closed), "closed");
  EXPECT_STREQ(to_string(BreakerState::open), "open");
  EXPECT_STREQ(to_string(BreakerState::half_open), "half_open");
}

TEST(Breakers, OneForEachNameMadeOnFirstUse) {
  Breakers breakers(only_in_a_row(1));
  EXPECT_EQ(breakers.find("a"), nullptr);
  Breaker& a = breakers.of("a");
  a.failed(*a.admit(kStart), kStart);
  for (int i = 0; i < 100; ++i) breakers.of("other" + std::to_string(i));
  EXPECT_EQ(&breakers.of("a"), &a);
  EXPECT_EQ(breakers.find("a"), &a);
  EXPECT_EQ(breakers.find("a")->state(kStart), BreakerState::open);
  EXPECT_EQ(breakers.of("other7").state(kStart), BreakerState::closed);
  EXPECT_EQ(breakers.find("b"), nullptr);
}

// The same, told without any bookkeeping: every answer ever is kept, everything is counted anew.
struct Reference {
  struct Call {
    std::size_t period;  // of the history in which it was admitted
    bool probe;
  };
  struct Answer {
    std::size_t period;
    Instant at;
    bool failed;
  };
  BreakerSettings settings;
  std::vector<Answer> answers{};
  std::vector<Call> calls{};
  std::size_t period = 0;  // even: closed, odd: open
  std::optional<std::size_t> probe{};
  Instant until{}, lost{}, closed{}, hint{};
  milliseconds length{0};

  bool allows(Instant now) const {
    if (period % 2 == 0) return true;
    return now >= until && (!probe || now >= lost);
  }
  void admit(Instant now) {
    calls.push_back({period, period % 2 == 1});
    if (period % 2 == 0) return;
    probe = calls.size() - 1;
    lost = now + settings.probe_lost;
  }
  bool too_many(Instant now) const {
    std::vector<bool> last;
    for (auto it = answers.rbegin(); it != answers.rend() && last.size() < settings.window; ++it) {
      if (it->period == period && now - it->at < settings.window_age) last.push_back(it->failed);
    }
    const auto failed = std::count(last.begin(), last.end(), true);
    const auto row = std::find(last.begin(), last.end(), false) - last.begin();
    return static_cast<std::size_t>(row) >= settings.failures ||
           (last.size() >= settings.window_min &&
            static_cast<double>(failed) / static_cast<double>(last.size()) >= settings.ratio);
  }
  void open(milliseconds next, Instant now) {
    if (period % 2 == 0) ++period;
    probe.reset();
    length = std::min(next, settings.open_cap);
    until = std::max<Instant>(now + length, hint);
  }
  void end(std::size_t number, bool failed, Instant now) {
    const Call& call = calls[number];
    if (call.probe) {
      if (probe != number) return;
      if (failed) return open(length * 2, now);
      ++period;
      probe.reset();
      closed = now;
      hint = {};
    } else if (call.period == period) {
      answers.push_back({period, now, failed});
      if (!failed || !too_many(now)) return;
      const bool flaps = period > 0 && now - closed < length;
      open(flaps ? length * 2 : settings.open_for, now);
    }
  }
};

void compare_with_reference(std::mt19937_64& random, std::size_t& periods) {
  const auto upto = [&](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, most)(random);
  };
  const BreakerSettings settings{.failures = 4,
                                 .ratio = 0.5,
                                 .window = 16,
                                 .window_min = 8,
                                 .window_age = seconds(60),
                                 .open_cap = seconds(100),
                                 .hint_cap = seconds(200),
                                 .probe_lost = seconds(45)};
  Breaker breaker(settings);
  Reference reference{settings};
  std::vector<Permit> permits;
  std::vector<std::size_t> running;
  Instant now = kStart;
  std::int64_t sick = 30;  // percent of failures; changes now and then
  for (int step = 0; step < 3'000; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    now += milliseconds(upto(9) == 0 ? upto(60'000) : upto(2'000));
    if (upto(50) == 0) sick = upto(100);
    const auto choice = upto(19);
    if (choice < 10 && running.size() < 20) {
      const auto permit = breaker.admit(now);
      ASSERT_EQ(permit.has_value(), reference.allows(now));
      if (permit) {
        reference.admit(now);
        running.push_back(permits.size());
        permits.push_back(*permit);
      }
    } else if (choice < 19 && !running.empty()) {
      const auto last = static_cast<std::int64_t>(running.size()) - 1;
      const auto chosen = running.begin() + (upto(1) == 0 ? last : upto(last));
      const std::size_t number = *chosen;
      running.erase(chosen);
      if (upto(9) == 0) {
        breaker.abandon(permits[number]);
        if (reference.probe == number) reference.probe.reset();
      } else {
        const bool failed = upto(99) < sick;
        failed ? breaker.failed(permits[number], now) : breaker.succeeded(permits[number], now);
        reference.end(number, failed, now);
      }
    } else if (upto(3) == 0) {
      const Instant until = now + seconds(upto(300));
      breaker.retry_after(until, now);
      reference.hint = std::max(reference.hint, std::min<Instant>(until, now + settings.hint_cap));
      if (reference.period % 2 == 1) reference.until = std::max(reference.until, reference.hint);
    }
    const bool closed = reference.period % 2 == 0;
    ASSERT_EQ(breaker.allows(now), reference.allows(now));
    ASSERT_EQ(breaker.state(now) == BreakerState::closed, closed);
    ASSERT_EQ(breaker.state(now) == BreakerState::open,
              !closed && !reference.probe && now < reference.until);
    ASSERT_EQ(breaker.wake_at().has_value(), !closed);
    if (closed) continue;
    ASSERT_TRUE(reference.allows(*breaker.wake_at()));
    ASSERT_FALSE(reference.allows(*breaker.wake_at() - milliseconds(1)));
  }
  periods += reference.period;
}

TEST(Breaker, DoesAsTheReferenceDoesWhateverHappens) {
  const char* given = std::getenv("SPOOL_TEST_SEED");
  const std::uint64_t seed = given ? std::stoull(given) : std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("SPOOL_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t periods = 0;
  for (int round = 0; round < 200 && !HasFatalFailure(); ++round) {
    compare_with_reference(random, periods);
  }
  EXPECT_GT(periods, 800U);  // it opened and closed often
}

}  // namespace
}  // namespace spool::delivery
