// What failures cost: a backlog is drained once without any, and once with every tenth event
// failing twice, over rungs of 1 s and 2 s; in turns, one worker, keys as skewed as viewers are.
//   bench_drill failures [--events 100000] [--runs 3] [--record FILE]
// Fails if an effect is missing or doubled, never for time.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/drill_benches.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/support/drill_stage.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono_literals;
using test::DrillEvent;
using test::DrillStage;

constexpr std::int64_t kKeys = 50'000;
constexpr int kFailEvery = 10;
constexpr auto kFirst = 1s;
constexpr auto kSecond = 2s;

std::vector<DrillEvent> make_events(std::int64_t count, bool failing) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> key(0, kKeys - 1);
  std::vector<DrillEvent> events;
  events.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    DrillEvent event{.id = std::to_string(i), .key = "k" + std::to_string(key(random))};
    if (failing && i % kFailEvery == 0) event.fail = 2;
    events.push_back(std::move(event));
  }
  return events;
}

// What the order of keys alone costs: the unluckiest key waits out its failures one by one.
double floor_of(const std::vector<DrillEvent>& events) {
  std::map<std::string, int> failing;
  int most = 0;
  for (const DrillEvent& event : events) {
    if (event.fail > 0) most = std::max(most, ++failing[event.key]);
  }
  return most * std::chrono::duration<double>(kFirst + kSecond).count();
}

// Seconds from the start of the worker to the end of everything.
double drain(std::int64_t count, bool failing) {
  DrillStage stage({.partitions = kPartitions, .delays = {kFirst, kSecond}});
  stage.publish(make_events(count, failing));
  const auto begun = std::chrono::steady_clock::now();
  stage.start_worker();
  if (!stage.wait_settled(300s)) throw std::runtime_error("not settled:\n" + stage.logs());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (stage.applied() != count) {
    throw std::runtime_error(std::to_string(stage.applied()) + " effects of " +
                             std::to_string(count) + " events");
  }
  return took.count();
}

}  // namespace

int failures(Arguments arguments) {
  const std::int64_t count = arguments.number("events", 100'000);
  const std::int64_t runs = arguments.number("runs", 3);
  const std::string record = arguments.text("record", "");
  arguments.done();
  std::vector<double> without;
  std::vector<double> with;
  for (std::int64_t i = 0; i < runs; ++i) {
    without.push_back(drain(count, false));
    with.push_back(drain(count, true));
    say(line("without %.2f s, with %.2f s", without.back(), with.back()));
  }
  const std::string text = line(
      "%lld events of the drill's handler, %lld runs in turns, medians: without failures "
      "%.2f s, every tenth failing twice over 1 s and 2 s %.2f s, of which the unluckiest "
      "key waits %.0f s.",
      static_cast<long long>(count), static_cast<long long>(runs), median(without), median(with),
      floor_of(make_events(count, true)));
  say(text);
  write_down(text, record);
  return 0;
}

}  // namespace spool::bench
