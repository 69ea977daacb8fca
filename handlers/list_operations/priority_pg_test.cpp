// Which operation goes first: what admission says, what merging makes of it, what operators change.
#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;

class PriorityPgTest : public ListStoreTest {
 protected:
  static Sent first(Sent sent, std::int32_t priority) {
    sent.priority = priority;
    return sent;
  }
  void prioritize(const std::vector<std::string>& ids, std::int16_t priority) {
    std::vector<handler::Settling> settlings;
    for (const std::string& id : ids) {
      settlings.push_back(settling(id, Settled::prioritized));
      settlings.back().priority = priority;
      settlings.back().answer = {};
    }
    EXPECT_TRUE(settle(settlings).told.empty());
  }
  std::string stored(const std::string& id) const { return column(id, "priority"); }
};

TEST_F(PriorityPgTest, AnOperationHasItsOwn) {
  const auto admitted = admit({first(add("a", 1), 9), add("b", 2), first(add("c", 3, 43), 0)});
  EXPECT_EQ(admitted.events[0].priority, 9);
  EXPECT_EQ(admitted.events[1].priority, 5);
  EXPECT_EQ(admitted.events[2].priority, 0);
  EXPECT_EQ(stored("a") + stored("b") + stored("c"), "950");
}

TEST_F(PriorityPgTest, WhatIsMergedHasTheHighestOfAll) {
  admit({first(add("a", 1), 8), first(add("other", 2), 9)});
  const auto admitted = admit({first(add("b", 1), 3), first(remove("c", 1), 4)});
  EXPECT_EQ(admitted.events[1].priority, 8) << "of what waited, and of the batch";
  EXPECT_EQ(stored("c"), "8");
  EXPECT_EQ(stored("b"), "8");
  EXPECT_EQ(admit({first(add("d", 1), 9)}).events[0].priority, 9) << "its own is higher";
}

TEST_F(PriorityPgTest, AnOperatorChangesIt) {
  admit({add("a", 1), add("b", 2)});
  call("a");
  settle("a", Settled::retried);
  const std::string before = column("a", "status || retry_count || error_type || last_retry_at");
  prioritize({"a"}, 7);
  EXPECT_EQ(stored("a"), "7");
  EXPECT_EQ(stored("b"), "5");
  EXPECT_EQ(column("a", "status || retry_count || error_type || last_retry_at"), before);
  EXPECT_EQ(admit({remove("c", 2)}).events[0].priority, 5);
  prioritize({"c"}, 6);
  EXPECT_EQ(admit({add("d", 2)}).events[0].priority, 6) << "merged with what an operator changed";
}

TEST_F(PriorityPgTest, WhatComesAgainKeepsWhatAnOperatorSaid) {
  Sent later = first(add("later", 1), 3);
  later.scheduled_for = now() + kHour;
  EXPECT_EQ(admit({later}).events[0].priority, 3);
  prioritize({"later"}, 8);
  EXPECT_EQ(again(later).events[0].priority, 8);
  EXPECT_EQ(stored("later"), "8");
  admit({add("dead", 2, 43)});
  prioritize({"dead"}, 1);
  call("dead");
  settle("dead", Settled::died);
  EXPECT_EQ(again(add("dead", 2, 43), 1).events[0].priority, 1) << "in its next life too";
}

TEST_F(PriorityPgTest, WhatWasNeverAdmittedHasNothingToChange) {
  admit({add("a", 1)});
  prioritize({"unknown", "a"}, 2);
  EXPECT_EQ(stored("a"), "2");
}

}  // namespace
}  // namespace spool::list_operations
