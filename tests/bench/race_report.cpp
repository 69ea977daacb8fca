#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/bench/race.hpp"
#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

template <typename... Values>
std::string line(const char* format, Values... values) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return std::string(text.data()) + "\n";
}

template <typename Field>
std::vector<double> column(const RaceResult& result, Kind kind, Field field) {
  std::vector<double> values;
  for (const RaceRun& run : result.runs) {
    if (run.kind == kind) values.push_back(field(run));
  }
  return values;
}

std::vector<double> rates(const RaceResult& result, Kind kind) {
  const auto events = static_cast<double>(result.events);
  return column(result, kind, [events](const RaceRun& run) { return events / run.seconds; });
}

std::string row(const RaceResult& result, Kind kind) {
  const std::vector<double> rate = rates(result, kind);
  if (rate.empty()) return "";
  const double millions = static_cast<double>(result.events) / 1e6;
  const auto cpu =
      column(result, kind, [=](const RaceRun& run) { return run.cpu_seconds / millions; });
  const auto server =
      column(result, kind, [=](const RaceRun& run) { return run.server_cpu_seconds / millions; });
  const auto rss = column(result, kind, [](const RaceRun& run) { return run.peak_rss_mb; });
  return line("| %s | %zu | %.0f [%.0f..%.0f] | %.2f | %.2f | %.0f |", to_string(kind), rate.size(),
              median(rate), *std::min_element(rate.begin(), rate.end()),
              *std::max_element(rate.begin(), rate.end()), median(cpu), median(server),
              *std::max_element(rss.begin(), rss.end()));
}

}  // namespace

std::string report(const RaceResult& result) {
  std::string text = line(
      "Backlog of %zu events, %zu items, %d partitions; %lld connections and"
      " threads each, %lld MiB of prefetch.\n",
      result.events, result.rows, kPartitions, static_cast<long long>(result.means.connections),
      static_cast<long long>(result.means.prefetch_bytes >> 20));
  text +=
      "| program | runs | events/s, median [min..max] | CPU-s per 1M | of the database |"
      " peak RSS, MB |\n|---|--:|--:|--:|--:|--:|\n";
  for (const Kind kind : {Kind::worker, Kind::loop, Kind::deep_loop}) text += row(result, kind);
  const std::vector<double> worker = rates(result, Kind::worker);
  const std::vector<double> loop = rates(result, Kind::loop);
  if (worker.empty() || loop.empty()) return text;
  std::string pairs;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(worker.size(), loop.size()); ++i) {
    ratios.push_back(worker[i] / loop[i]);
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "%s%.2f", i == 0 ? "" : " ", ratios.back());
    pairs += number.data();
  }
  text += line("\nWorker / loop: %.2f of the medians; per pair %s, median %.2f.",
               median(worker) / median(loop), pairs.c_str(), median(ratios));
  const bool equal = std::all_of(result.runs.begin(), result.runs.end(),
                                 [](const RaceRun& run) { return run.difference.empty(); });
  text += equal ? "Every final table equals the generator's.\n"
                : "SOME FINAL TABLE DIFFERS from the generator's.\n";
  return text;
}

}  // namespace spool::bench
