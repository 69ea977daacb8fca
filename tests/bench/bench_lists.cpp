// What list operations cost: a whole worker and a stand-in for TMDB that answers at once, beside a
// hand-written loop that does the same writes and calls (lists_loop.hpp); the limiter of the rate,
// at a limit that nothing reaches, beside none; and a slow service. All in turns, on the broker and
// the database that the environment names:
//   bench_lists lists [--users 1000] [--movies 20] [--pairs 5] [--slow-runs 3] [--record FILE]
// Fails if an effect is missing or doubled, never for time.
#include <array>
#include <map>
#include <vector>

#include "tests/bench/lists_load.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

// Of which the loop gets what it likes best.
constexpr std::array<int, 5> kThreads{4, 8, 16, 32, 64};
constexpr std::int64_t kSlowestRuns = 1;  // of the loop of one thread: it takes minutes
constexpr const char* kWorker = "worker";
constexpr const char* kLimited = "worker, a limit that nothing reaches";
constexpr std::int32_t kSlowUsers = 1'000;
constexpr std::int32_t kSlowConcurrency = 200;

class Lists {
 public:
  Lists(ListLoad load, std::int64_t pairs) : load_(load), pairs_(pairs) {}

  void run() {
    threads_ = best_threads();
    for (std::int64_t i = 0; i < pairs_; ++i) {
      const bool turned = i % 2 == 1;  // who goes first
      worker(turned);
      worker(!turned);
      loop(threads_, !turned);
      loop(threads_, turned);
      if (i < kSlowestRuns) loop(1, true);
    }
  }

  std::string report() const {
    std::string text = line(
        "%lld additions to %d lists, 8 partitions, a stand-in that answers at once. The worker has "
        "2 connections to the database, up to 64 calls at once, and its operations in the log "
        "before it starts; the loop has them in memory.\n",
        static_cast<long long>(load_.operations()), load_.users);
    text +=
        "| program | runs | operations/s, median [min..max] | CPU-s per 10,000 |"
        " of the database |\n|---|--:|--:|--:|--:|\n";
    for (const std::string& name : names_) text += row(name);
    text +=
        line("\nWorker / loop: %s.", ratios(rates(kWorker), rates(name_of_loop(threads_))).c_str());
    text += line("Worker / loop of one thread: %s.",
                 ratios(rates(kWorker), rates(name_of_loop(1))).c_str());
    text +=
        line("With the limiter / without: %s.", ratios(rates(kLimited), rates(kWorker)).c_str());
    return text;
  }

 private:
  static std::string name_of_loop(int threads, bool synchronous_commit = true) {
    return "loop, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
           (synchronous_commit ? "" : ", synchronous_commit off");
  }

  void worker(bool limited) {
    const test::Environment limit{{"SPOOL__UPSTREAM__TMDB__RATE", "1000000"},
                                  {"SPOOL__UPSTREAM__TMDB__WINDOW", "10s"}};
    note(limited ? kLimited : kWorker, worker_run(load_, limited ? limit : test::Environment{}));
  }

  void loop(int threads, bool synchronous_commit) {
    note(name_of_loop(threads, synchronous_commit), loop_run(load_, threads, synchronous_commit));
  }

  int best_threads() const {
    std::map<double, int> by_seconds;
    for (const int threads : kThreads) {
      const ListRun run = loop_run(load_, threads, true);
      say(line("loop, %d threads: %.2f s", threads, run.seconds));
      by_seconds.emplace(run.seconds, threads);
    }
    return by_seconds.begin()->second;
  }

  void note(const std::string& name, const ListRun& run) {
    if (!runs_.contains(name)) names_.push_back(name);
    runs_[name].push_back(run);
    say(line("%s: %.2f s, CPU %.2f s, database %.2f s", name.c_str(), run.seconds, run.cpu_seconds,
             run.server_cpu_seconds));
  }

  std::vector<double> rates(const std::string& name) const {
    std::vector<double> all;
    for (const ListRun& run : runs_.at(name))
      all.push_back(static_cast<double>(load_.operations()) / run.seconds);
    return all;
  }

  std::string row(const std::string& name) const {
    const double tenthousands = static_cast<double>(load_.operations()) / 1e4;
    std::vector<double> cpu;
    std::vector<double> server;
    for (const ListRun& run : runs_.at(name)) {
      cpu.push_back(run.cpu_seconds / tenthousands);
      server.push_back(run.server_cpu_seconds / tenthousands);
    }
    return line("| %s | %zu | %s | %.2f | %.2f |", name.c_str(), cpu.size(),
                spread(rates(name), 0).c_str(), median(cpu), median(server));
  }

  ListLoad load_;
  std::int64_t pairs_;
  int threads_ = 1;
  std::vector<std::string> names_;  // in the order of their first runs
  std::map<std::string, std::vector<ListRun>> runs_;
};

int lists(Arguments arguments) {
  ListLoad load;
  load.users = static_cast<std::int32_t>(arguments.number("users", load.users));
  load.movies = static_cast<std::int32_t>(arguments.number("movies", load.movies));
  const std::int64_t pairs = arguments.number("pairs", 5);
  const std::int64_t slow_runs = arguments.number("slow-runs", 3);
  const std::string record = arguments.text("record", "");
  arguments.done();
  std::string text;
  if (pairs > 0) {
    Lists lists(load, pairs);
    lists.run();
    text = lists.report();
  }
  std::vector<double> slow;
  for (std::int64_t i = 0; i < slow_runs; ++i)
    slow.push_back(slow_service_run(kSlowUsers, kSlowConcurrency));
  if (!slow.empty())
    text += line(
        "\n%d operations of %d users, answers after 100 ms, up to %d calls at once: %s s from the "
        "first request to the last answer.",
        kSlowUsers, kSlowUsers, kSlowConcurrency, spread(slow, 2).c_str());
  say("\n" + text);
  write_down(text, record);
  return 0;
}

}  // namespace
}  // namespace spool::bench

int main(int argc, char** argv) {
  return spool::bench::run_mode({{"lists", spool::bench::lists}}, argc, argv);
}
