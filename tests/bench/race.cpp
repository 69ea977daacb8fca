#include "tests/bench/race.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/bench/need.hpp"
#include "tests/bench/reference.hpp"
#include "tests/bench/server_usage.hpp"

namespace spool::bench {
namespace {

constexpr int kPeriodMs = 20;
constexpr std::chrono::minutes kLimit{5};
constexpr std::chrono::seconds kEndLimit{30};

pid_t postmaster(const test::PgDatabase& database) {
  return static_cast<pid_t>(
      std::stoi(database.value("select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)")));
}

// Until everything is committed; the peak of its memory on the way.
void watch(Kind kind, ChildProcess& process, postgres::Connection& connection, std::int64_t end,
           RaceRun& run) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  for (;;) {
    const bool ended = process.ended();
    const Position now = position(kind, connection);
    run.peak_rss_mb =
        std::max(run.peak_rss_mb, static_cast<double>(process.peak_rss_kb()) / 1024.0);
    if (now.next_offset == end) {
      run.seconds = now.seconds;
      return;
    }
    if (ended) throw std::runtime_error(std::string(to_string(kind)) + " ended early, see its log");
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(std::string(to_string(kind)) + " does not come to the end");
    ::poll(nullptr, 0, kPeriodMs);
  }
}

RaceRun run_once(Kind kind, const Backlog& backlog, const Means& means, std::int64_t end,
                 const ExpectedRows& expected) {
  const test::PgDatabase database;
  database.execute("checkpoint");
  const auto connection = database.connect();
  const pid_t server = postmaster(database);
  RaceRun run;
  run.kind = kind;
  const double server_before = server_cpu_seconds(server);
  const auto process = start(kind, backlog, database, means, true);
  watch(kind, *process, *connection, end, run);
  if (kind == Kind::worker) process->signal(SIGTERM);
  const auto ended = process->wait(kEndLimit);
  if (!ended || ended->code != 0)
    throw std::runtime_error(std::string(to_string(kind)) + " did not end well, see its log");
  run.cpu_seconds = ended->cpu_seconds;
  run.server_cpu_seconds = server_cpu_seconds(server) - server_before;
  run.difference = difference(database, expected);
  return run;
}

void tell(const RaceRun& run, std::size_t events) {
  const double millions = static_cast<double>(events) / 1e6;
  std::printf("%-20s %8.0f events/s  %6.2f s  cpu-s/1M %5.2f, database %5.2f  rss %4.0f MB  %s\n",
              to_string(run.kind), static_cast<double>(events) / run.seconds, run.seconds,
              run.cpu_seconds / millions, run.server_cpu_seconds / millions, run.peak_rss_mb,
              run.difference.empty() ? "table equal" : ("WRONG: " + run.difference).c_str());
  std::fflush(stdout);
}

}  // namespace

int race(Arguments arguments) {
  test::GeneratorSettings settings;
  settings.events = static_cast<std::size_t>(arguments.number("events", 1'000'000));
  settings.partitions = kPartitions;
  settings.refused_by_database = false;
  const std::int64_t runs = arguments.number("runs", 5);
  const std::int64_t deep_runs = arguments.number("deep-runs", 2);
  RaceResult result;
  result.means.prefetch_bytes = arguments.number("prefetch-bytes", result.means.prefetch_bytes);
  result.means.connections = arguments.number("connections", result.means.connections);
  result.means.log = arguments.text("log", "/dev/null");
  const std::string record = arguments.text("record", "");
  arguments.done();

  const Backlog backlog;
  test::Generated generated = test::generate(settings);
  {
    Publisher publisher(backlog, std::chrono::milliseconds(20));
    for (const test::GeneratedRecord& out : generated.records) publisher.publish(out);
    publisher.finish();
  }
  result.events = generated.records.size();
  result.rows = generated.rows.size();
  generated.records = {};
  const std::int64_t end = backlog.end_offsets();
  std::printf("%zu events in %d partitions, %zu items\n", result.events, kPartitions, result.rows);

  std::vector<Kind> order;
  for (std::int64_t i = 0; i < runs; ++i) {
    order.push_back(Kind::worker);
    order.push_back(Kind::loop);
  }
  order.insert(order.end(), static_cast<std::size_t>(deep_runs), Kind::deep_loop);
  bool equal = true;
  for (const Kind kind : order) {
    result.runs.push_back(run_once(kind, backlog, result.means, end, generated.rows));
    tell(result.runs.back(), result.events);
    equal = equal && result.runs.back().difference.empty();
  }
  const std::string text = report(result);
  std::printf("\n%s", text.c_str());
  if (!record.empty()) std::ofstream(record, std::ios::app) << text;
  return equal ? 0 : 1;
}

}  // namespace spool::bench
