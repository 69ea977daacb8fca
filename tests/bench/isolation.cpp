// What a stuck key costs the others: events of many keys at a steady rate, and one in a hundred of
// one key more, whose first fails again and again while the later ones wait behind it. In turns
// with runs in which that first event is as good as the rest: from publication to visible effect,
// of the other keys alone.
//   bench_drill isolation [--rate 2000] [--keys 5000] [--seconds 20] [--pairs 5] [--record FILE]
// Fails if an effect is missing, or if the key was not stuck to the end.
#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/commit_times.hpp"
#include "tests/bench/drill_benches.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono_literals;
using test::DrillEvent;
using test::DrillStage;

constexpr const char* kStuck = "stuck";
constexpr std::int64_t kStuckEvery = 100;
constexpr std::int64_t kWarmUpSeconds = 2;
constexpr auto kRetryAfter = 500ms;

struct Load {
  std::int64_t rate = 0;
  std::int64_t keys = 0;
  std::int64_t seconds = 0;

  std::int64_t events() const { return rate * seconds; }
};

struct Run {
  std::array<double, 4> others{};     // ms
  std::array<double, 4> neighbour{};  // those of the stuck key's partition
  std::int64_t attempts = 0;          // at the stuck event
  std::int64_t parked = 0;            // behind it
};

// Two in a second, and so many that it does not run out of them.
std::vector<std::chrono::milliseconds> ladder(const Load& load) {
  return std::vector<std::chrono::milliseconds>(static_cast<std::size_t>(load.seconds + 120) * 2,
                                                kRetryAfter);
}

// `n` is the moment of publication: the table keeps it.
void publish(Publisher& publisher, const Load& load, const char* prefix, std::int64_t events) {
  const auto begun = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < events; ++i) {
    publisher.serve_until(begun + std::chrono::nanoseconds(1'000'000'000 / load.rate * i));
    const std::string number = std::to_string(i);
    const DrillEvent event{
        .id = prefix + number, .key = "k" + std::to_string(i % load.keys), .n = now_us()};
    publisher.publish(test::record_of(event, kPartitions));
    if (i % kStuckEvery == 0)
      publisher.publish(test::record_of({.id = prefix + number + "s", .key = kStuck}, kPartitions));
  }
  publisher.finish();
}

Run measure(DrillStage& stage, const Load& load) {
  const std::string sql = std::string("select order_key, ") + kCommitMicros +
                          " - n from drill.effects where event_id like 'e-%' and order_key <> '" +
                          kStuck + "'";
  const auto rows =
      test::need(stage.database().connect()->execute({"bench_isolation", sql.c_str()}), "effects");
  if (static_cast<std::int64_t>(rows.size()) != load.events())
    throw std::runtime_error(std::to_string(rows.size()) + " effects of " +
                             std::to_string(load.events()) + " events");
  std::vector<double> others;
  std::vector<double> neighbour;
  const std::int32_t partition = test::partition_of(kStuck, kPartitions);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    others.push_back(static_cast<double>(rows.int64(r, 1)) / 1e3);
    if (test::partition_of(rows.text(r, 0), kPartitions) == partition)
      neighbour.push_back(others.back());
  }
  Run run{quantiles(std::move(others)), quantiles(std::move(neighbour))};
  run.attempts = stage.number("select coalesce(max(attempts), 0) from spool.open_events");
  run.parked = stage.number("select count(*) from spool.open_events where state = 'parked'");
  return run;
}

Run run_once(const Load& load, bool stuck) {
  DrillStage stage({.partitions = kPartitions,
                    .delays = ladder(load),
                    .worker = {{"SPOOL__LOG__LEVEL", "info"}}});
  stage.start_worker();
  if (!stage.wait_true("select count(*) = " + std::to_string(kPartitions) + " from spool.lanes"))
    throw std::runtime_error("no lanes:\n" + stage.logs());
  stage.publish({{.id = "first", .key = kStuck, .fail = stuck ? test::kAlways : 0}});
  Publisher publisher(stage.bootstrap(), stage.topic(), 0ms);
  publish(publisher, load, "w-", load.rate * kWarmUpSeconds);
  publish(publisher, load, "e-", load.events());
  const std::string all = std::to_string(stage.end_offsets(stage.topic(), kPartitions));
  if (!stage.wait_true("select sum(next_offset) = " + all + " from spool.lanes"))
    throw std::runtime_error("not at the end:\n" + stage.logs());
  const Run run = measure(stage, load);
  const bool held =
      stage.number("select count(*) from drill.effects where order_key = 'stuck'") == 0;
  if (held != stuck || (stuck && run.attempts < load.seconds))
    throw std::runtime_error("the key was not stuck to the end, or not only where it should be");
  return run;
}

std::vector<double> column(const std::vector<Run>& runs, std::array<double, 4> Run::*group,
                           std::size_t quantile) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back((run.*group)[quantile]);
  return values;
}

std::string row_of(const char* name, const std::vector<Run>& runs) {
  return line("| %s | %s | %s | %s | %s |", name, spread(column(runs, &Run::others, 0), 2).c_str(),
              spread(column(runs, &Run::others, 2), 2).c_str(),
              spread(column(runs, &Run::others, 3), 2).c_str(),
              spread(column(runs, &Run::neighbour, 2), 2).c_str());
}

std::string report(const Load& load, const std::vector<Run>& without,
                   const std::vector<Run>& with) {
  return line(
             "%lld events/s of %lld keys for %lld s, and %lld/s of one key more; stuck: its first "
             "event failed %lld times, %lld waited behind it. Publication to visible effect of "
             "the other keys, ms, medians of %zu runs in turns [min..max].\n\n"
             "| | p50 | p99 | max | p99 in the stuck key's partition |\n|---|--:|--:|--:|--:|",
             static_cast<long long>(load.rate), static_cast<long long>(load.keys),
             static_cast<long long>(load.seconds), static_cast<long long>(load.rate / kStuckEvery),
             static_cast<long long>(with.back().attempts),
             static_cast<long long>(with.back().parked), with.size()) +
         row_of("nothing stuck", without) + row_of("one key stuck", with) +
         line("\nstuck / not stuck, p99: %s.",
              ratios(column(with, &Run::others, 2), column(without, &Run::others, 2)).c_str()) +
         line(
             "\nThe same in the stuck key's partition: %s.",
             ratios(column(with, &Run::neighbour, 2), column(without, &Run::neighbour, 2)).c_str());
}

}  // namespace

int isolation(Arguments arguments) {
  const Load load{arguments.number("rate", 2'000), arguments.number("keys", 5'000),
                  arguments.number("seconds", 20)};
  const std::int64_t pairs = arguments.number("pairs", 5);
  const std::string record = arguments.text("record", "");
  arguments.done();
  std::vector<Run> without;
  std::vector<Run> with;
  for (std::int64_t i = 0; i < 2 * pairs; ++i) {
    const bool stuck = (i + 1) / 2 % 2 == 1;  // without with, with without, ...
    const Run run = run_once(load, stuck);
    (stuck ? with : without).push_back(run);
    say(line("%-14s p50 %.2f  p90 %.2f  p99 %.2f  max %.2f ms; %lld attempts, %lld parked",
             stuck ? "one key stuck" : "nothing stuck", run.others[0], run.others[1], run.others[2],
             run.others[3], static_cast<long long>(run.attempts),
             static_cast<long long>(run.parked)));
  }
  const std::string text = report(load, without, with);
  say("\n" + text);
  write_down(text, record);
  return 0;
}

}  // namespace spool::bench
