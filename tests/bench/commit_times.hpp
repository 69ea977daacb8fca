// When the worker's transactions were committed, as the server has noted it (ops/bench switches
// track_commit_timestamp on): nobody looks while a benchmark runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/drill_stage.hpp"

namespace spool::bench {

// Epoch microseconds of the commit that wrote a row.
inline constexpr const char* kCommitMicros =
    "(extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint";

// Now, by the same clock: the server is on this machine.
std::int64_t now_us();

struct Commit {
  std::int64_t at_us = 0;
  std::int64_t applied = 0;  // events
};

// Those that applied something, the oldest first.
std::vector<Commit> commits(test::DrillStage& stage, const std::string& handler = "drill");

}  // namespace spool::bench
