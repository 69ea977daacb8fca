#include "tests/bench/latency.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <vector>

#include "tests/bench/contender.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/support/need.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono;

constexpr seconds kLimit{60};

struct LatencyRun {
  Kind kind = Kind::worker;
  std::int64_t rows = 0;
  std::array<double, 4> ms{};  // p50, p90, p99, max
};

// Nobody looks while it runs: each event has a row of its own, whose updated_at is the moment of
// its publication, and the server has noted when the row's transaction was committed (both by this
// machine's clock).
constexpr postgres::Statement kLatencies{
    "bench_latencies",
    "select count(*), percentile_disc(array[0.5, 0.9, 0.99, 1.0]) within group (order by us)"
    "::bigint[]::text from (select (extract(epoch from pg_xact_commit_timestamp(xmin) - updated_at)"
    " * 1000000)::bigint us from media.watch_progress) measured"};

std::string now_rfc3339() {
  const auto now = floor<microseconds>(system_clock::now());
  const std::time_t time = system_clock::to_time_t(floor<seconds>(now));
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + size, text.size() - size, ".%06lldZ",
                static_cast<long long>((now - floor<seconds>(now)).count()));
  return text.data();
}

test::GeneratedRecord record_of(std::int64_t number) {
  test::GeneratedRecord record;
  record.partition = static_cast<std::int32_t>(number % kPartitions);
  record.key = std::to_string(number) + ":1";
  record.headers = {{"ce_specversion", "1.0"},
                    {"ce_id", "latency-" + std::to_string(number)},
                    {"ce_source", "urn:player"},
                    {"ce_type", "progress.v1"},
                    {"content-type", "application/json"}};
  record.value = "{\"user_id\":" + std::to_string(number) +
                 ",\"media_type\":\"movie\",\"tmdb_id\":1,\"position_s\":10,\"duration_s\":5400,"
                 "\"updated_at\":\"" +
                 now_rfc3339() + "\",\"state\":\"progress\"}";
  return record;
}

void publish_at_rate(const Backlog& backlog, std::int64_t events, std::int64_t rate) {
  Publisher publisher(backlog.bootstrap(), backlog.topic(), milliseconds(0));
  const auto begun = steady_clock::now();
  for (std::int64_t i = 0; i < events; ++i) {
    publisher.serve_until(begun + nanoseconds(1'000'000'000 / rate * i));
    publisher.publish(record_of(i + 1));
  }
  publisher.finish();
}

template <typename Condition>
void wait_for(Kind kind, ChildProcess& process, postgres::Connection& connection,
              Condition condition) {
  const auto deadline = steady_clock::now() + kLimit;
  while (!condition(position(kind, connection))) {
    if (process.ended() || steady_clock::now() > deadline)
      throw std::runtime_error(std::string(to_string(kind)) + " is not there, see its log");
    ::poll(nullptr, 0, 50);
  }
}

LatencyRun run_once(Kind kind, std::int64_t events, std::int64_t rate, const Means& means) {
  const Backlog backlog;
  const test::PgDatabase database;
  const auto connection = database.connect();
  const auto process = start(kind, backlog, database, means, false);
  wait_for(kind, *process, *connection, [](const Position& p) { return p.lanes == kPartitions; });
  // The consumers' first fetches and everybody's caches: not measured.
  publish_at_rate(backlog, rate, rate);
  wait_for(kind, *process, *connection, [&](const Position& p) { return p.next_offset >= rate; });
  test::need(connection->execute_script("delete from media.watch_progress"), "warm-up");
  publish_at_rate(backlog, events, rate);
  wait_for(kind, *process, *connection,
           [&](const Position& p) { return p.next_offset >= rate + events; });
  process->signal(SIGTERM);
  process->wait(kLimit);
  const auto rows = test::need(connection->execute(kLatencies), "latencies");
  LatencyRun run{kind, rows.int64(0, 0), {}};
  std::array<long long, 4> us{};
  if (std::sscanf(rows.text(0, 1).c_str(), "{%lld,%lld,%lld,%lld}", &us[0], &us[1], &us[2],
                  &us[3]) != 4)
    throw std::runtime_error("no commit times: is track_commit_timestamp on?");
  for (std::size_t i = 0; i < us.size(); ++i) run.ms[i] = static_cast<double>(us[i]) / 1e3;
  return run;
}

std::string row_of(const char* name, const std::array<double, 4>& ms) {
  return line("| %s | %.2f | %.2f | %.2f | %.2f |", name, ms[0], ms[1], ms[2], ms[3]);
}

std::array<double, 4> middle(const std::vector<LatencyRun>& runs, Kind kind) {
  std::array<double, 4> ms{};
  for (std::size_t i = 0; i < ms.size(); ++i) {
    std::vector<double> values;
    for (const LatencyRun& run : runs) {
      if (run.kind == kind) values.push_back(run.ms[i]);
    }
    ms[i] = median(values);
  }
  return ms;
}

}  // namespace

int latency(Arguments arguments) {
  const std::int64_t rate = arguments.number("rate", 1'000);
  const std::int64_t events = rate * arguments.number("seconds", 30);
  const std::int64_t rounds = arguments.number("rounds", 3);
  Means means;
  means.log = arguments.text("log", "/dev/null");
  const std::string record = arguments.text("record", "");
  arguments.done();

  std::string text = line(
      "Publish to row visible at %lld events/s, %lld events a run.\n\n"
      "| program | p50, ms | p90 | p99 | max |\n|---|--:|--:|--:|--:|",
      static_cast<long long>(rate), static_cast<long long>(events));
  say(text);
  std::vector<LatencyRun> runs;
  bool complete = true;
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (const Kind kind : {Kind::worker, Kind::loop}) {
      runs.push_back(run_once(kind, events, rate, means));
      complete = complete && runs.back().rows == events;
      const std::string row = row_of(to_string(kind), runs.back().ms);
      say(row);
      text += row;
    }
  }
  const auto worker = middle(runs, Kind::worker);
  const auto loop = middle(runs, Kind::loop);
  std::string summary = row_of("worker, median", worker) + row_of("loop, median", loop) +
                        line("\np99: worker - loop = %.2f ms", worker[2] - loop[2]);
  if (!complete) summary += "ROWS ARE MISSING.\n";
  say(summary);
  write_down(text + summary, record);
  return complete ? 0 : 1;
}

}  // namespace spool::bench
