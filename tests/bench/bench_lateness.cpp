// How late retries are, and that none is early: events fail once each and name the time of their
// next attempt, from 50 ms to 10 s away in any order, with one far longer at the head of each
// partition. Two workers; the clock of the second goes 30 s ahead (libfaketime, if it is
// installed).
//   bench_lateness run [--events 100000] [--rate 5000] [--record FILE]
// `rate`: events a second that are published. Fails if an attempt was early, or missing.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/arguments.hpp"
#include "tests/support/drill_stage.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono_literals;
using test::DrillEvent;
using test::DrillStage;

constexpr std::int32_t kPartitions = 8;
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

std::array<double, 4> quantiles(std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  return {at(0.5), at(0.9), at(0.99), at(1.0)};
}

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
  if (start.empty()) return lateness;
  lateness.start_ms = quantiles(std::move(start));
  lateness.applied_ms = quantiles(std::move(applied));
  return lateness;
}

std::string row_of(const std::string& name, const std::array<double, 4>& ms) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "| %s | %.1f | %.1f | %.1f | %.1f |\n", name.c_str(),
                ms[0], ms[1], ms[2], ms[3]);
  return text.data();
}

// In portions of half a second; the wait between them is a wait for the board, which nobody
// writes to for this.
void publish_at_rate(DrillStage& stage, const std::vector<DrillEvent>& events, std::int64_t rate) {
  const auto begun = std::chrono::steady_clock::now();
  const auto portion = static_cast<std::size_t>(std::max<std::int64_t>(1, rate / 2));
  for (std::size_t from = 0; from < events.size(); from += portion) {
    const auto due =
        begun + std::chrono::milliseconds(from * 1000 / static_cast<std::size_t>(rate));
    stage.wait_until([&] { return std::chrono::steady_clock::now() >= due; });
    const std::size_t to = std::min(events.size(), from + portion);
    stage.publish({events.begin() + static_cast<std::ptrdiff_t>(from),
                   events.begin() + static_cast<std::ptrdiff_t>(to)});
  }
}

int run(Arguments arguments) {
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

  const Lateness lateness = measure(stage);
  std::string text = std::to_string(lateness.measured) + " retries, published at " +
                     std::to_string(rate) + "/s, two workers" +
                     (skewed ? ", one clock 30 s ahead" : " (libfaketime is not installed)") +
                     ". Early: " + std::to_string(lateness.early) +
                     ".\n\n| late by, ms | p50 | p90 | p99 | max |\n|---|--:|--:|--:|--:|\n" +
                     row_of("start of the attempt", lateness.start_ms) +
                     row_of("row written", lateness.applied_ms);
  std::printf("%s", text.c_str());
  if (!record.empty()) std::ofstream(record, std::ios::app) << text;
  return lateness.early == 0 && lateness.measured == count ? 0 : 1;
}

}  // namespace
}  // namespace spool::bench

int main(int argc, char** argv) {
  try {
    return spool::bench::run(spool::bench::Arguments(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_lateness: %s\n", error.what());
    return 1;
  }
}
