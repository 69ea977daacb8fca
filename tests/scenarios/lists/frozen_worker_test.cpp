// The story: a worker is frozen (SIGSTOP) with a call to TMDB on its hands, after the marker is
// durable: before the call leaves, or while the answer is on its way. It sleeps past its session
// timeout. Another worker takes its lane over, finds the marker, asks TMDB what became of the call,
// and performs it if nothing did. Then the frozen one wakes up and goes on where it stood. Each
// operation has had its effect once.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

struct Frozen {
  const char* type;  // of the operation
  const char* route;
  const char* asked;  // the route by which is found out what became of it
  bool under_way;     // the call has reached TMDB; else it has not been made
};

void PrintTo(const Frozen& frozen, std::ostream* out) {
  *out << frozen.type << (frozen.under_way ? " under way" : " not yet called");
}

constexpr Frozen kFrozen[] = {{"add_movie", "list.add", "list.get", false},
                              {"add_movie", "list.add", "list.get", true},
                              {"create_list", "list.create", "account.lists", false},
                              {"create_list", "list.create", "account.lists", true}};

std::string name_of(const ::testing::TestParamInfo<Frozen>& frozen) {
  return std::string(frozen.param.under_way ? "under_way_" : "marked_") + frozen.param.type;
}

class FrozenWorker : public ::testing::TestWithParam<Frozen> {
 protected:
  ListOperation operation() const {
    ListOperation one{.id = "the-operation", .type = GetParam().type, .ref = 1};
    if (creates()) {
      one.name = "mine";
    } else {
      one.movie = 550;
    }
    return one;
  }
  bool creates() const { return std::string(GetParam().type) == "create_list"; }

  // What is added to needs a list, made by a worker that leaves again.
  void make_list() {
    stage_.publish({{.id = "the-list", .type = "create_list", .ref = 1, .name = "mine"}});
    WorkerProcess& worker = stage_.start_worker();
    ASSERT_TRUE(stage_.wait_done()) << stage_.undone();
    worker.signal(SIGTERM);
    ASSERT_EQ(worker.wait_exit(), 0) << worker.tail();
  }

  // A worker with the marker of the operation and its call, which stands still.
  WorkerProcess& freeze() {
    if (!GetParam().under_way) {
      // The admission's commit is its first, the marker's the second.
      WorkerProcess& worker = stage_.start_worker(
          {{"SPOOL_TEST_STOP_AT", "after_commit"}, {"SPOOL_TEST_STOP_AFTER", "2"}});
      EXPECT_TRUE(worker.wait_stopped()) << worker.tail();
      EXPECT_EQ(requests(GetParam().route), before_);
      return worker;
    }
    // The effect is at once, the answer within the worker's patience.
    stage_.standin().set_faults(std::string(R"([{"route":")") + GetParam().route +
                                R"(","kind":"latency_ms","ms":800,"count":1}])");
    WorkerProcess& worker = stage_.start_worker();
    EXPECT_TRUE(stage_.wait_until([&] { return requests(GetParam().route) > before_; }))
        << worker.tail();
    worker.signal(SIGSTOP);
    EXPECT_TRUE(worker.wait_stopped());
    return worker;
  }

  std::int64_t requests(const std::string& route) {
    return std::ranges::count(stage_.standin().requests(), route, &StandinRequest::route);
  }

  std::vector<std::string> effects() {
    std::vector<std::string> all;
    for (const StandinEffect& effect : stage_.standin().ledger())
      all.push_back(effect.kind + (effect.changed ? "" : " once more"));
    return all;
  }

  std::string marker() {
    return stage_.text(
        "select concat_ws(' ', q.status, o.state, o.doubt_until is not null) from"
        " media.queued_list_operations q join spool.open_events o using (source, event_id)"
        " where event_id = 'the-operation'");
  }

  void expect_once() {
    EXPECT_EQ(effects(), creates() ? std::vector<std::string>{"create"}
                                   : (std::vector<std::string>{"create", "add"}));
    EXPECT_EQ(requests(GetParam().route), before_ + 1);
    EXPECT_EQ(stage_.mirror(), stage_.service());
    EXPECT_EQ(stage_.text("select status || retry_count from media.queued_list_operations"
                          " where event_id = 'the-operation'"),
              "completed0");
    stage_.expect_conserved();
  }

  ListStage stage_{{.partitions = 1}};
  std::int64_t before_ = 0;
};

TEST_P(FrozenWorker, WakesUpAndNothingIsDoneTwice) {
  if (!creates()) {
    ASSERT_NO_FATAL_FAILURE(make_list());
  }
  before_ = requests(GetParam().route);
  stage_.publish({operation()});
  WorkerProcess& frozen = freeze();
  ASSERT_EQ(marker(), "processing head t") << "not between the marker and its end";

  WorkerProcess& heir = stage_.start_worker();
  ASSERT_TRUE(stage_.wait_done()) << stage_.undone() << heir.tail();
  EXPECT_GE(requests(GetParam().asked), 1) << "it was not asked for";
  expect_once();

  frozen.signal(SIGCONT);
  // It finds out that the lane is another's, lets go of it and leaves when it is told to.
  ASSERT_TRUE(frozen.says({"\"event\":\"group.revoked\"", "\"lost\":true"})) << frozen.tail();
  frozen.signal(SIGTERM);
  EXPECT_EQ(frozen.wait_exit(), 0) << frozen.tail();
  ASSERT_TRUE(stage_.wait_done()) << stage_.undone() << stage_.logs();
  expect_once();
}

INSTANTIATE_TEST_SUITE_P(With, FrozenWorker, ::testing::ValuesIn(kFrozen), name_of);

}  // namespace
}  // namespace spool::test
