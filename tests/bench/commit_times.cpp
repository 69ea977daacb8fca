#include "tests/bench/commit_times.hpp"

#include <chrono>

namespace spool::bench {

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::vector<Commit> commits(test::DrillStage& stage, const std::string& handler) {
  const std::string sql = std::string("select ") + kCommitMicros +
                          ", applied from spool.lane_batches where applied > 0 and handler = '" +
                          handler + "' order by 1";
  const auto rows =
      test::need(stage.database().connect()->execute({"bench_commits", sql.c_str()}), "commits");
  std::vector<Commit> found;
  for (std::size_t r = 0; r < rows.size(); ++r)
    found.push_back({rows.int64(r, 0), rows.int64(r, 1)});
  return found;
}

}  // namespace spool::bench
