#include "tests/bench/steady.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "tests/bench/contender.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/reference.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono;

constexpr minutes kCatchUpLimit{5};
constexpr std::int64_t kStretchSeconds = 10;

// The stream is generated stretch by stretch, each with a seed of its own: together they would not
// fit into memory.
test::Generated stretch_of(std::uint64_t seed, std::int64_t events) {
  test::GeneratorSettings settings;
  settings.seed = seed;
  settings.events = static_cast<std::size_t>(events);
  settings.partitions = kPartitions;
  settings.refused_by_database = false;
  return test::generate(settings);
}

class Steady {
 public:
  Steady(std::int64_t rate, seconds kill_every, Means means)
      : rate_(rate),
        kill_every_(kill_every),
        means_(std::move(means)),
        publisher_(backlog_.bootstrap(), backlog_.topic(), milliseconds(5)) {
    restart();
  }

  void run(std::int64_t stretches) {
    const auto begun = steady_clock::now();
    std::int64_t published = 0;
    for (std::int64_t s = 1; s <= stretches; ++s) {
      const test::Generated stretch =
          stretch_of(static_cast<std::uint64_t>(s), rate_ * kStretchSeconds);
      merge(expected_, stretch.rows);
      for (const test::GeneratedRecord& record : stretch.records) {
        if (published++ % 100 == 0) {
          publisher_.serve_until(begun + nanoseconds(1'000'000'000 / rate_ * published));
          tend();
        }
        publisher_.publish(record);
      }
      std::printf("%lld events, %lld kills, rss %lld MB\n", static_cast<long long>(published),
                  static_cast<long long>(kills_), static_cast<long long>(worker_->rss_kb() / 1024));
      std::fflush(stdout);
    }
    publisher_.finish();
  }

  // The exit code.
  int check() {
    const auto connection = database_.connect();
    const std::int64_t end = backlog_.end_offsets();
    const auto deadline = steady_clock::now() + kCatchUpLimit;
    while (position(Kind::worker, *connection).next_offset != end) {
      if (worker_->ended() || steady_clock::now() > deadline)
        throw std::runtime_error("the worker does not catch up, see its log");
      ::poll(nullptr, 0, 100);
    }
    const std::int64_t peak = worker_->peak_rss_kb() / 1024;
    worker_->signal(SIGTERM);
    const auto ended = worker_->wait(kCatchUpLimit);
    const std::string wrong = difference(database_, expected_);
    std::printf("%lld events, %lld kills, peak rss of the last worker %lld MB: %s\n",
                static_cast<long long>(end), static_cast<long long>(kills_),
                static_cast<long long>(peak), wrong.empty() ? "table equal" : wrong.c_str());
    return wrong.empty() && ended && ended->code == 0 ? 0 : 1;
  }

 private:
  void restart() {
    worker_ = start(Kind::worker, backlog_, database_, means_, false);
    kill_at_ = steady_clock::now() + kill_every_;
  }

  void tend() {
    if (worker_->ended()) throw std::runtime_error("the worker ended by itself, see its log");
    if (steady_clock::now() < kill_at_) return;
    worker_->signal(SIGKILL);
    worker_->wait(minutes(1));
    ++kills_;
    restart();
  }

  std::int64_t rate_;
  seconds kill_every_;
  Means means_;
  Backlog backlog_;
  test::PgDatabase database_;
  Publisher publisher_;
  std::unique_ptr<ChildProcess> worker_;
  steady_clock::time_point kill_at_;
  std::int64_t kills_ = 0;
  ExpectedRows expected_;
};

}  // namespace

int steady(Arguments arguments) {
  const std::int64_t rate = arguments.number("rate", 20'000);
  const std::int64_t stretches = arguments.number("minutes", 20) * 60 / kStretchSeconds;
  const seconds kill_every(arguments.number("kill-every", 60));
  Means means;
  means.log = arguments.text("log", "/dev/null");
  arguments.done();
  Steady story(rate, kill_every, means);
  story.run(stretches);
  return story.check();
}

}  // namespace spool::bench
