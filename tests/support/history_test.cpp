#include "tests/support/history.hpp"

#include <gmock/gmock.h>

namespace spool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// a: at once; b: of the same key, at the second attempt; c: dies.
History good() {
  History history;
  history.ladder = 3;
  history.produced = {{{"s", "a"}, "k", 0}, {{"s", "b"}, "k", 1}, {{"s", "c"}, "l", 9}};
  history.effects = {{{"s", "a"}, 0, 1}, {{"s", "b"}, 0, 2}};
  history.deaths = {{{"s", "c"}, 0, 3}};
  history.attempted = {
      {{"s", "b"}, 0, 1}, {{"s", "c"}, 0, 1}, {{"s", "c"}, 0, 2}, {{"s", "c"}, 0, 3}};
  return history;
}

TEST(HistoryChecker, AcceptsWhatWasPromised) {
  EXPECT_THAT(contradictions(good()), IsEmpty());
}

TEST(HistoryChecker, LaterLivesAreNotItsBusiness) {
  History history = good();
  history.effects.push_back({{"s", "c"}, 1, 1});
  EXPECT_THAT(contradictions(history), IsEmpty());
}

TEST(HistoryChecker, SeesALostEvent) {
  History history = good();
  history.effects.erase(history.effects.begin());
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("is applied 0, not 1")));
}

TEST(HistoryChecker, SeesASecondEffect) {
  History history = good();
  history.effects.push_back({{"s", "b"}, 0, 2});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("is applied 2, not 1")));
}

TEST(HistoryChecker, SeesAnEffectOfSomethingDead) {
  History history = good();
  history.effects.push_back({{"s", "c"}, 0, 4});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("is applied 1, not 0")));
}

TEST(HistoryChecker, SeesADeathTooMany) {
  History history = good();
  history.deaths.push_back({{"s", "c"}, 0, 3});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("dies 2, not 1")));
}

TEST(HistoryChecker, SeesAnEventThatOvertook) {
  History history = good();
  std::swap(history.effects[0], history.effects[1]);
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("after a later event of its key k")));
}

TEST(HistoryChecker, SeesAnAttemptBeyondTheLadder) {
  History history = good();
  history.attempted.push_back({{"s", "c"}, 0, 4});
  EXPECT_THAT(contradictions(history),
              ElementsAre(HasSubstr("distinct failed attempts 4, not 3"),
                          HasSubstr("an attempt 4 that should not have been made")));
}

TEST(HistoryChecker, SeesAnAttemptThatWasNotCounted) {
  History history = good();
  history.attempted.push_back({{"s", "c"}, 0, 2});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("attempt 2 was made 2 times")));
  history.times_max = 2;
  EXPECT_THAT(contradictions(history), IsEmpty());
}

TEST(HistoryChecker, ForgivesAFirstAttemptBesideAnothersFailure) {
  History history = good();
  history.produced.push_back({{"s", "d"}, "l", 1});
  history.effects.push_back({{"s", "d"}, 0, 2});
  // Three attempts of c before it, and its own.
  for (int i = 0; i < 4; ++i) history.attempted.push_back({{"s", "d"}, 0, 1});
  EXPECT_THAT(contradictions(history), IsEmpty());
  history.attempted.push_back({{"s", "d"}, 0, 1});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("d: attempt 1 was made 5 times")));
}

TEST(HistoryChecker, SeesAStranger) {
  History history = good();
  history.effects.push_back({{"s", "x"}, 0, 1});
  EXPECT_THAT(contradictions(history), ElementsAre(HasSubstr("nobody produced it")));
}

}  // namespace
}  // namespace spool::test
