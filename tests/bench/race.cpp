#include "tests/bench/race.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/server_usage.hpp"

namespace spool::bench {
namespace {

constexpr int kPeriodMs = 20;
constexpr std::chrono::minutes kLimit{5};
constexpr std::chrono::seconds kEndLimit{30};

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

void migrate(const test::PgDatabase& database, const Means& means) {
  ChildProcess program({means.worker, "migrate", "up"}, {{"SPOOL__DATABASE__URL", database.url()}},
                       means.log);
  const auto ended = program.wait(kEndLimit);
  if (!ended || ended->code != 0)
    throw std::runtime_error(means.worker + " migrate up: see its log");
}

}  // namespace

Course::Course(std::int64_t count, double poison) {
  test::GeneratorSettings settings;
  settings.events = static_cast<std::size_t>(count);
  settings.partitions = kPartitions;
  settings.poison = poison;
  settings.refused_by_database = false;
  test::Generated generated = test::generate(settings);
  Publisher publisher(backlog.bootstrap(), backlog.topic(), std::chrono::milliseconds(20));
  for (const test::GeneratedRecord& out : generated.records) publisher.publish(out);
  publisher.finish();
  events = generated.records.size();
  rows = std::move(generated.rows);
  end = backlog.end_offsets();
  say(line("%zu events in %d partitions, %zu items", events, kPartitions, rows.size()));
}

RaceRun run_once(Kind kind, const Course& course, const Means& means) {
  const test::PgDatabase database(test::PgDatabase::Content::empty);
  migrate(database, means);
  database.execute("checkpoint");
  const auto connection = database.connect();
  const pid_t server = postmaster(database);
  RaceRun run;
  run.kind = kind;
  const double server_before = server_cpu_seconds(server);
  const auto process = start(kind, course.backlog, database, means, true);
  watch(kind, *process, *connection, course.end, run);
  if (kind == Kind::worker) process->signal(SIGTERM);
  const auto ended = process->wait(kEndLimit);
  if (!ended || ended->code != 0)
    throw std::runtime_error(std::string(to_string(kind)) + " did not end well, see its log");
  run.cpu_seconds = ended->cpu_seconds;
  run.server_cpu_seconds = server_cpu_seconds(server) - server_before;
  if (kind == Kind::worker)
    run.transactions = std::stoll(database.value("select count(*) from spool.lane_batches"));
  run.difference = difference(database, course.rows);
  return run;
}

std::string told(const char* name, const RaceRun& run, std::size_t events) {
  const double millions = static_cast<double>(events) / 1e6;
  return line("%-20s %8.0f events/s  %6.2f s  cpu-s/1M %5.2f, database %5.2f  rss %4.0f MB  %s",
              name, static_cast<double>(events) / run.seconds, run.seconds,
              run.cpu_seconds / millions, run.server_cpu_seconds / millions, run.peak_rss_mb,
              run.difference.empty() ? "table equal" : ("WRONG: " + run.difference).c_str());
}

int race(Arguments arguments) {
  const std::int64_t events = arguments.number("events", 1'000'000);
  const std::int64_t runs = arguments.number("runs", 5);
  const std::int64_t deep_runs = arguments.number("deep-runs", 2);
  RaceResult result;
  result.means.prefetch_bytes = arguments.number("prefetch-bytes", result.means.prefetch_bytes);
  result.means.connections = arguments.number("connections", result.means.connections);
  result.means.log = arguments.text("log", "/dev/null");
  const std::string record = arguments.text("record", "");
  arguments.done();

  const Course course(events, test::GeneratorSettings().poison);
  result.events = course.events;
  result.rows = course.rows.size();
  std::vector<Kind> order;
  for (std::int64_t i = 0; i < runs; ++i) {
    order.push_back(Kind::worker);
    order.push_back(Kind::loop);
  }
  order.insert(order.end(), static_cast<std::size_t>(deep_runs), Kind::deep_loop);
  bool equal = true;
  for (const Kind kind : order) {
    result.runs.push_back(run_once(kind, course, result.means));
    say(told(to_string(kind), result.runs.back(), result.events));
    equal = equal && result.runs.back().difference.empty();
  }
  const std::string text = report(result);
  say("\n" + text);
  write_down(text, record);
  return equal ? 0 : 1;
}

}  // namespace spool::bench
