// A million letters, dead of one cause, are replayed with one command. The worker is killed in the
// middle of it, once. Each must be applied once (the handler's table would take it as often as it
// comes), all must be resolved, and the memory of worker and command line must not depend on how
// many there are.
//   soak_replay [--letters 1000000]
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/soak/process_memory.hpp"
#include "tests/support/drill_stage.hpp"

namespace spool::soak {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::DrillStage;
using test::WorkerProcess;

const std::string kHandler = "drill_inbox";
constexpr std::int32_t kPartitions = 8;
constexpr std::int64_t kEventsOfAKey = 20;
constexpr std::int64_t kPortion = 50'000;  // all records together would not fit into memory
constexpr std::size_t kPadding = 200;
constexpr std::chrono::hours kLimit{2};

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

void demand(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

// A program of the stage that ends by itself: its exit code, and its memory while it lived.
struct Ended {
  int code = 0;
  double seconds = 0;
  std::int64_t peak_kb = 0;
};

class ReplaySoak {
 public:
  explicit ReplaySoak(std::int64_t letters) : letters_(letters) {}

  void run() {
    die();
    const Ended plan = plan_it();
    const auto begun = Clock::now();
    const Ended start = replay_it();
    demand(stage_.wait_settled(kLimit), "not settled");
    const double seconds = seconds_since(begun);
    see_peak();
    check();
    std::printf(
        "%lld letters, one kill: each applied once, all resolved. Replayed in %.0f s (%.0f/s).\n"
        "Died at %.0f/s. Peak rss: workers %lld and %lld MB, replay start --watch %lld MB, replay"
        " plan %lld MB (in %.1f s).\n",
        static_cast<long long>(letters_), seconds, static_cast<double>(letters_) / seconds,
        static_cast<double>(letters_) / died_in_, static_cast<long long>(first_peak_kb_ / 1024),
        static_cast<long long>(peak_kb_ / 1024), static_cast<long long>(start.peak_kb / 1024),
        static_cast<long long>(plan.peak_kb / 1024), plan.seconds);
  }

  std::string logs() const { return stage_.logs(); }

 private:
  // As it happens: every event of the log is refused by the handler, for good, in its first life.
  void die() {
    for (std::int64_t from = 0; from < letters_; from += kPortion)
      publish(from, std::min(letters_, from + kPortion));
    const auto begun = Clock::now();
    WorkerProcess& worker = stage_.start_worker();
    wait("dead", [&] { return stage_.number("select coalesce(sum(dead), 0) from spool.lanes"); });
    demand(stage_.wait_settled(kLimit), "the deaths were not announced");
    died_in_ = seconds_since(begun);
    // What the replay costs is for a process to tell that has done nothing else.
    worker.signal(SIGTERM);
    demand(worker.wait_exit() == 0, "the worker did not end well");
  }

  void publish(std::int64_t from, std::int64_t to) {
    std::vector<test::GeneratedRecord> records;
    for (std::int64_t i = from; i < to; ++i) {
      // Neighbours of a key stand far apart, in the log as in the table.
      const std::int64_t key = i % std::max<std::int64_t>(1, letters_ / kEventsOfAKey);
      records.push_back(test::record_of({.id = "e-" + std::to_string(i),
                                         .key = "k" + std::to_string(key),
                                         .n = i,
                                         .fail = test::kAlways,
                                         .type = "upstream.not_found",
                                         .lives = 1},
                                        kPartitions));
      std::string& value = *records.back().value;
      value.insert(value.size() - 1, ",\"pad\":\"" + std::string(kPadding, 'x') + "\"");
    }
    stage_.publish_to(stage_.topic(kHandler), records);
  }

  Ended plan_it() {
    const Ended plan = end_of({"replay", "plan", "--handler", kHandler}, [] {});
    demand(plan.code == 0, "replay plan");
    return plan;
  }

  Ended replay_it() {
    worker_ = &stage_.start_worker();
    const Ended start = end_of(
        {"replay", "start", "state:open", "--handler", kHandler, "--reason", "a soak", "--watch"},
        [this] { tend(); });
    demand(start.code == 0, "replay start");
    demand(killed_, "the replay was over before anybody could kill its worker");
    return start;
  }

  // Runs it to its end; meanwhile `tend` is called, and its memory measured.
  template <typename Tend>
  Ended end_of(const std::vector<std::string>& words, Tend tend) {
    const auto begun = Clock::now();
    const auto process = stage_.command_line(words);
    Ended ended;
    std::optional<int> code;
    while (!code) {
      demand(Clock::now() - begun < kLimit, words[1] + " does not end");
      ended.peak_kb = std::max(ended.peak_kb, peak_rss_kb(process->pid()));
      tend();
      ::poll(nullptr, 0, 5);
      code = process->wait_exit(0s);
    }
    ended.seconds = seconds_since(begun);
    ended.code = *code;
    if (ended.code != 0) std::printf("%s", process->tail().c_str());
    return ended;
  }

  // From time to time: how far it is. In the middle the worker is killed.
  void tend() {
    if (Clock::now() < look_again_) return;
    look_again_ = Clock::now() + 500ms;
    demand(!worker_->wait_exit(0s), "the worker ended by itself");
    see_peak();
    const std::int64_t applied = stage_.number("select sum(applied) from spool.lanes");
    tell("applied", applied);
    if (killed_ || applied < letters_ / 2) return;
    killed_ = true;
    first_peak_kb_ = peak_kb_;
    peak_kb_ = 0;
    worker_->kill();
    worker_ = &stage_.start_worker();
  }

  void see_peak() { peak_kb_ = std::max(peak_kb_, peak_rss_kb(worker_->pid())); }

  template <typename Count>
  void wait(const char* what, Count count) {
    const bool done = stage_.wait_until(
        [&] {
          const std::int64_t now = count();
          tell(what, now);
          return now == letters_;
        },
        kLimit);
    demand(done, std::string("not all ") + what);
  }

  void tell(const char* what, std::int64_t count) {
    if (Clock::now() < tell_again_) return;
    tell_again_ = Clock::now() + 10s;
    std::printf("%s: %lld of %lld, after %.0f s; peak rss of the worker %lld MB\n", what,
                static_cast<long long>(count), static_cast<long long>(letters_),
                seconds_since(begun_),
                static_cast<long long>(peak_rss_kb(stage_.workers().back()->pid()) / 1024));
    std::fflush(stdout);
  }

  void expect_number(const std::string& sql, std::int64_t wanted) {
    const std::int64_t found = stage_.number(sql);
    demand(found == wanted, sql + ": " + std::to_string(found) + ", not " + std::to_string(wanted));
  }

  void check() {
    expect_number("select count(*) from drill.effects", letters_);
    expect_number("select count(distinct event_id) from drill.effects", letters_);
    expect_number("select count(*) from spool.dead_letters where state = 'resolved'", letters_);
    expect_number("select count(*) from spool.dead_letters where state <> 'resolved'", 0);
    expect_number("select count(*) from spool.open_events", 0);
    expect_number("select sum(done) from spool.command_lanes", letters_);
    expect_number("select sum(skipped) from spool.command_lanes", 0);
    expect_number(
        "select count(*) from (select n, lag(n) over (partition by order_key order by serial)"
        " as before from drill.effects) e where before > n",
        0);
    demand(end_of({"audit", "ledger", "--exit-code"}, [] {}).code == 0, "the books");
  }

  std::int64_t letters_;
  DrillStage stage_{{.partitions = kPartitions,
                     .handlers = {kHandler},
                     .worker = {{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "w"},
                                {"SPOOL__LOG__LEVEL", "error"},
                                {"SPOOL__HANDLERS__DRILL_INBOX__VALVE__STREAK", "0"},
                                {"SPOOL__HANDLERS__DRILL_INBOX__VALVE__RATIO", "0"},
                                {"DRILL_ATTEMPTS", "/dev/null"}}}};
  Clock::time_point begun_ = Clock::now();
  Clock::time_point look_again_{};
  Clock::time_point tell_again_{};
  double died_in_ = 0;
  WorkerProcess* worker_ = nullptr;
  bool killed_ = false;
  std::int64_t first_peak_kb_ = 0;
  std::int64_t peak_kb_ = 0;
};

std::int64_t letters_of(const std::vector<std::string>& words) {
  if (words.empty()) return 1'000'000;
  demand(words.size() == 2 && words[0] == "--letters", "usage: soak_replay [--letters N]");
  return std::stoll(words[1]);
}

int run(const std::vector<std::string>& words) {
  ReplaySoak soak(letters_of(words));
  try {
    soak.run();
  } catch (const std::exception&) {
    std::printf("%s", soak.logs().c_str());
    throw;
  }
  return 0;
}

}  // namespace
}  // namespace spool::soak

int main(int argc, char** argv) {
  try {
    return spool::soak::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::printf("soak_replay: %s\n", error.what());
    return 1;
  }
}
