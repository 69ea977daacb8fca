// How late retries are, and that none is early: events fail once each and name the time of their
// next attempt, from 50 ms to 10 s away in any order, with one far longer at the head of each
// partition. Two workers; the clock of the second goes 30 s ahead (libfaketime, if it is
// installed).
//   bench_drill lateness [--events 100000] [--rate 5000] [--record FILE]
// `rate`: events a second that are published. Fails if an attempt was early, or missing.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
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

constexpr std::int64_t kShortest = 50;
constexpr std::int64_t kLongest = 10'000;
constexpr std::int64_t kHead = 30'000;
constexpr const char* kFakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

std::vector<DrillEvent> make_events(std::int64_t count) {
  std::mt19937_64 random(1);
  std::vector<DrillEvent> events;
  events.reserve(static_cast<std::size_t>(count));
  std::array<bool, kPartitions> begun{};
  for (std::int64_t i = 0; i < count; ++i) {
    DrillEvent event{.id = std::to_string(i), .key = "k" + std::to_string(i), .fail = 1};
    bool& first = begun[static_cast<std::size_t>(test::partition_of(event.key, kPartitions))];
    event.after_ms =
        first ? kShortest + static_cast<std::int64_t>(random() % (kLongest - kShortest)) : kHead;
    first = true;
    events.push_back(std::move(event));
  }
  return events;
}

struct Lateness {
  std::int64_t measured = 0;
  std::int64_t early = 0;
  std::array<double, 4> start_ms{};    // p50, p90, p99, max: the attempt's start after its time
  std::array<double, 4> applied_ms{};  // the row, by the server's clock
};

Lateness measure(DrillStage& stage) {
  const test::History history = stage.history({});
  std::map<test::EventName, std::int64_t> due;
  for (const test::Attempted& attempted : history.attempted)
    due[attempted.name] = std::max(due[attempted.name], attempted.not_before_us);
  Lateness lateness;
  std::vector<double> start;
  std::vector<double> applied;
  for (const test::Effect& effect : history.effects) {
    const std::int64_t time = due[effect.name];
    lateness.early += effect.attempted_us < time || effect.applied_us < time ? 1 : 0;
    start.push_back(static_cast<double>(effect.attempted_us - time) / 1e3);
    applied.push_back(static_cast<double>(effect.applied_us - time) / 1e3);
  }
  lateness.measured = static_cast<std::int64_t>(start.size());
  lateness.start_ms = quantiles(std::move(start));
  lateness.applied_ms = quantiles(std::move(applied));
  return lateness;
}

std::string row_of(const char* name, const std::array<double, 4>& ms) {
  return line("| %s | %.1f | %.1f | %.1f | %.1f |", name, ms[0], ms[1], ms[2], ms[3]);
}

void publish_at_rate(const DrillStage& stage, const std::vector<DrillEvent>& events,
                     std::int64_t rate) {
  Publisher publisher(stage.bootstrap(), stage.topic(), 5ms);
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i % 100 == 0)
      publisher.serve_until(
          begun + std::chrono::microseconds(i * 1'000'000 / static_cast<std::size_t>(rate)));
    publisher.publish(test::record_of(events[i], kPartitions));
  }
  publisher.finish();
}

}  // namespace

int lateness(Arguments arguments) {
  const std::int64_t count = arguments.number("events", 100'000);
  const std::int64_t rate = arguments.number("rate", 5'000);
  const std::string record = arguments.text("record", "");
  arguments.done();

  DrillStage stage({.partitions = kPartitions,
                    .delays = {50ms, 500ms, 2s, 10s},
                    .worker = {{"SPOOL__LOG__LEVEL", "info"}}});
  const bool skewed = std::filesystem::exists(kFakeTime);
  test::Environment ahead;
  if (skewed)
    ahead = {
        {"LD_PRELOAD", kFakeTime}, {"FAKETIME", "+30s"}, {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  test::WorkerProcess& first = stage.start_worker();
  test::WorkerProcess& second = stage.start_worker(ahead);
  if (!first.says({"lane.taken"}) || !second.says({"lane.taken"}))
    throw std::runtime_error("a worker has no lanes:\n" + stage.logs());
  publish_at_rate(stage, make_events(count), rate);
  if (!stage.wait_settled(600s)) throw std::runtime_error("not settled:\n" + stage.logs());

  const Lateness late = measure(stage);
  const std::string text =
      line(
          "%lld retries, published at %lld/s, two workers%s. Early: %lld.\n\n"
          "| late by, ms | p50 | p90 | p99 | max |\n|---|--:|--:|--:|--:|",
          static_cast<long long>(late.measured), static_cast<long long>(rate),
          skewed ? ", one clock 30 s ahead" : " (libfaketime is not installed)",
          static_cast<long long>(late.early)) +
      row_of("start of the attempt", late.start_ms) + row_of("row written", late.applied_ms);
  say(text);
  write_down(text, record);
  return late.early == 0 && late.measured == count ? 0 : 1;
}

}  // namespace spool::bench
