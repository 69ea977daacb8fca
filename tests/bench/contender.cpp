#include "tests/bench/contender.hpp"

#include <stdexcept>

namespace spool::bench {
namespace {

#define POSITION_IN(table)                                                                  \
  "select count(*), coalesce(sum(next_offset), 0)::bigint,"                                 \
  " coalesce((extract(epoch from clock_timestamp() - min(taken_at)) * 1000000)::bigint, 0)" \
  " from " table

constexpr postgres::Statement kWorkerPosition{"bench_worker", POSITION_IN("spool.lanes")};
constexpr postgres::Statement kLoopPosition{"bench_loop", POSITION_IN("bench.loop_offsets")};

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::worker:
      return "worker";
    case Kind::loop:
      return "loop";
    case Kind::deep_loop:
      return "loop, deep prefetch";
  }
  return "";
}

std::unique_ptr<ChildProcess> start(Kind kind, const Backlog& backlog,
                                    const test::PgDatabase& database, const Means& means,
                                    bool until_end) {
  const std::string prefetch = std::to_string(means.prefetch_bytes);
  const std::string connections = std::to_string(means.connections);
  if (kind == Kind::worker) {
    const std::string handler = "SPOOL__HANDLERS__PROGRESS_EVENTS__";
    const std::map<std::string, std::string> environment = {
        {"SPOOL__KAFKA__BOOTSTRAP_SERVERS", backlog.bootstrap()},
        {"SPOOL__DATABASE__URL", database.url()},
        {"SPOOL__DATABASE__POOL_MAX", connections},
        {"SPOOL__CONSUMER__PREFETCH_BYTES", prefetch},
        {handler + "TOPIC", backlog.topic()},
        {handler + "GROUP", database.name()},
        {"SPOOL__HTTP__ADMIN__LISTEN", "127.0.0.1:0"},
        {"SPOOL__LOG__LEVEL", "info"},
        {"SPOOL__LOG__FORMAT", "json"}};
    return std::make_unique<ChildProcess>(std::vector<std::string>{means.worker, "run"},
                                          environment, means.log);
  }
  std::vector<std::string> command = {SPOOL_LOOP_PROGRAM, "--brokers",    backlog.bootstrap(),
                                      "--database",       database.url(), "--topic",
                                      backlog.topic(),    "--threads",    connections,
                                      "--prefetch-bytes", prefetch};
  if (kind == Kind::deep_loop) command.push_back("--deep");
  if (until_end) command.push_back("--until-offsets");
  return std::make_unique<ChildProcess>(command, std::map<std::string, std::string>{}, means.log);
}

Position position(Kind kind, postgres::Connection& connection) {
  const auto rows = connection.execute(kind == Kind::worker ? kWorkerPosition : kLoopPosition);
  // The loop makes its table when it starts.
  if (!rows && kind != Kind::worker && rows.failure().sqlstate == "42P01") return {};
  if (!rows) throw std::runtime_error("position: " + rows.failure().text);
  return {rows->int64(0, 0), rows->int64(0, 1), static_cast<double>(rows->int64(0, 2)) / 1e6};
}

}  // namespace spool::bench
