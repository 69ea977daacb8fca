// How soon all is as it was after PostgreSQL has been away: it is stopped as a crash would, under a
// load that goes on, and started again a minute later. From the moment at which it accepts
// connections to the first commit, and to a second in which as much is applied as in the median
// second before. Nothing may die of it, and no event may be charged with an attempt.
//   bench_drill outage [--rate 20000] [--seconds 60] [--before 20] [--after 20] [--runs 3]
//                      [--record FILE]
// Stops and starts the database of the environment's stack (ops/stack). Fails if an effect is
// missing, dead or charged, never for time.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/child_process.hpp"
#include "tests/bench/commit_times.hpp"
#include "tests/bench/drill_benches.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/server_usage.hpp"
#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono;
using test::DrillStage;

constexpr std::int64_t kKeys = 50'000;
constexpr std::int64_t kSecond = 1'000'000;  // microseconds
constexpr int kLookEveryMs = 2;
constexpr minutes kLimit{2};

struct Load {
  std::int64_t rate = 0;
  seconds before{0};
  seconds away{0};
  seconds after{0};
};

struct Run {
  double median_before = 0;  // events applied in a second
  double first_commit = 0;   // seconds after connections were accepted
  double full_from = 0;      // the beginning of the first second that applied as much
  std::int64_t dead = 0;
  std::int64_t charged = 0;  // effects of a later attempt than the first
  std::int64_t lost = 0;     // effects that are missing, or too many
};

// Publishes until it is told to end; gives the number of events.
std::int64_t publish(const DrillStage& stage, std::int64_t rate, const std::atomic<bool>& ending) {
  Publisher publisher(stage.bootstrap(), stage.topic(), milliseconds(5));
  const auto begun = steady_clock::now();
  std::int64_t i = 0;
  for (; !ending; ++i) {
    if (i % 100 == 0) publisher.serve_until(begun + nanoseconds(1'000'000'000 / rate * i));
    publisher.publish(test::record_of(
        {.id = std::to_string(i), .key = "k" + std::to_string(i * 7'919 % kKeys)}, kPartitions));
  }
  publisher.finish();
  return i;
}

struct EndInAnyCase {
  std::atomic<bool>& ending;
  ~EndInAnyCase() { ending = true; }
};

// As a crash would: PostgreSQL calls it the immediate shutdown.
void stop_server(pid_t postmaster) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, postmaster, 0));
  ::kill(postmaster, SIGQUIT);
  pollfd waiting{handle, POLLIN, 0};
  const bool gone = ::poll(&waiting, 1, static_cast<int>(milliseconds(kLimit).count())) == 1;
  ::close(handle);
  if (!gone) throw std::runtime_error("the database does not end");
}

// The moment from which it accepts connections.
std::int64_t start_server(DrillStage& stage) {
  ChildProcess command({std::string(SPOOL_OPS_DIR) + "/stack", "start-db"},
                       {{"SPOOL_STACK_DIR", test::environment("SPOOL_STACK_DIR")}}, "/dev/null");
  const auto deadline = steady_clock::now() + kLimit;
  for (;;) {
    const std::int64_t asked = now_us();
    if (postgres::Connection::open(stage.database().settings())) {
      command.wait(kLimit);  // it looks after the server's pid file
      return asked;
    }
    if (steady_clock::now() > deadline) throw std::runtime_error("the database does not start");
    ::poll(nullptr, 0, kLookEveryMs);
  }
}

// Events applied in each whole second of [from, until).
std::vector<double> by_second(const std::vector<Commit>& commits, std::int64_t from,
                              std::int64_t until) {
  std::vector<double> seconds(static_cast<std::size_t>((until - from) / kSecond));
  for (const Commit& commit : commits) {
    const std::int64_t second = (commit.at_us - from) / kSecond;
    if (commit.at_us >= from && second < static_cast<std::int64_t>(seconds.size()))
      seconds[static_cast<std::size_t>(second)] += static_cast<double>(commit.applied);
  }
  return seconds;
}

// When the first second with at least so many events begins; it begins with a commit.
std::optional<std::int64_t> full_second(const std::vector<Commit>& commits, std::int64_t from,
                                        double events) {
  double sum = 0;
  std::size_t end = 0;
  for (std::size_t first = 0; first < commits.size(); ++first) {
    for (; end < commits.size() && commits[end].at_us < commits[first].at_us + kSecond; ++end)
      sum += static_cast<double>(commits[end].applied);
    if (commits[first].at_us >= from && sum >= events) return commits[first].at_us;
    sum -= static_cast<double>(commits[first].applied);
  }
  return std::nullopt;
}

Run run_once(const Load& load) {
  DrillStage stage({.partitions = kPartitions, .worker = {{"SPOOL__LOG__LEVEL", "info"}}});
  stage.start_worker();
  if (!stage.wait_true("select count(*) = " + std::to_string(kPartitions) + " from spool.lanes"))
    throw std::runtime_error("no lanes:\n" + stage.logs());
  const pid_t server = postmaster(stage.database());
  std::atomic<bool> ending{false};
  auto publishing =
      std::async(std::launch::async, [&] { return publish(stage, load.rate, ending); });
  const EndInAnyCase end_in_any_case{ending};
  publishing.wait_for(load.before);
  const std::int64_t stopped = now_us();
  stop_server(server);
  publishing.wait_for(load.away);
  const std::int64_t accepted = start_server(stage);
  publishing.wait_for(load.after);
  ending = true;
  const std::int64_t published = publishing.get();
  if (!stage.wait_settled(300s)) throw std::runtime_error("not settled:\n" + stage.logs());

  const std::vector<Commit> all = commits(stage);
  Run run;
  // The first seconds warm up.
  const std::int64_t warm = stopped - load.before.count() * kSecond / 2;
  run.median_before = median(by_second(all, warm, stopped));
  const auto first = std::find_if(all.begin(), all.end(),
                                  [&](const Commit& commit) { return commit.at_us >= accepted; });
  const auto full = full_second(all, accepted, run.median_before);
  if (first == all.end() || !full) throw std::runtime_error("never again as before");
  run.first_commit = static_cast<double>(first->at_us - accepted) / 1e6;
  run.full_from = static_cast<double>(*full - accepted) / 1e6;
  run.dead = stage.number("select count(*) from spool.dead_letters");
  run.charged = stage.number("select count(*) from drill.effects where attempt > 1");
  run.lost = published - stage.applied();
  return run;
}

std::string row_of(const Run& run) {
  return line("| %.0f | %.2f | %.2f | %.2f | %lld | %lld | %lld |", run.median_before,
              run.first_commit, run.full_from, run.full_from + 1, static_cast<long long>(run.dead),
              static_cast<long long>(run.charged), static_cast<long long>(run.lost));
}

}  // namespace

int outage(Arguments arguments) {
  const Load load{arguments.number("rate", 20'000), seconds(arguments.number("before", 20)),
                  seconds(arguments.number("seconds", 60)), seconds(arguments.number("after", 20))};
  const std::int64_t runs = arguments.number("runs", 3);
  const std::string record = arguments.text("record", "");
  arguments.done();
  std::string text = line(
      "%lld events/s are published all the time; PostgreSQL is stopped as by a crash and started "
      "%lld s later. Seconds from the moment at which it accepts connections: to the first commit; "
      "to the beginning and the end of the first second in which as much is applied as in the "
      "median second before.\n\n| events/s before | first commit | full from | full until | dead |"
      " charged | missing |\n|--:|--:|--:|--:|--:|--:|--:|",
      static_cast<long long>(load.rate), static_cast<long long>(load.away.count()));
  say(text);
  bool right = true;
  for (std::int64_t i = 0; i < runs; ++i) {
    const Run run = run_once(load);
    right = right && run.dead == 0 && run.charged == 0 && run.lost == 0;
    say(row_of(run));
    text += row_of(run);
  }
  write_down(text, record);
  return right ? 0 : 1;
}

}  // namespace spool::bench
