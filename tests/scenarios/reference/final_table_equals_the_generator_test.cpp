// The story: 200,000 events over 8 partitions, with exact duplicates, poison of several kinds (one
// kind that only PostgreSQL refuses) and late events. The generator computed the final table by
// itself. One worker applies the lot: the table is equal, the dead letters are exactly the poison,
// and every lane's counters add up.
#include <gtest/gtest.h>

#include "tests/support/scenario.hpp"

namespace spool::test {
namespace {

TEST(FinalTableEqualsTheGenerator, TwoHundredThousandEvents) {
  Scenario scenario;
  const Generated generated = generate({});
  ASSERT_GT(generated.duplicates, 1000U);
  ASSERT_GT(generated.dead.size(), 100U);
  ASSERT_GT(generated.nameless, 10U);
  scenario.publish(generated.records);
  scenario.start_worker();
  ASSERT_TRUE(scenario.wait_caught_up()) << scenario.logs();
  scenario.expect_matches(generated);
}

}  // namespace
}  // namespace spool::test
