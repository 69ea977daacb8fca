#include <algorithm>

#include "tests/bench/race.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

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
  return line("| %s | %zu | %s | %.2f | %.2f | %.0f |", to_string(kind), rate.size(),
              spread(rate, 0).c_str(), median(cpu), median(server),
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
  text += line("\nWorker / loop: %s.", ratios(worker, loop).c_str());
  const bool equal = std::all_of(result.runs.begin(), result.runs.end(),
                                 [](const RaceRun& run) { return run.difference.empty(); });
  text += equal ? "Every final table equals the generator's.\n"
                : "SOME FINAL TABLE DIFFERS from the generator's.\n";
  return text;
}

}  // namespace spool::bench
