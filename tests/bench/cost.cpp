#include "tests/bench/cost.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/bench/race.hpp"
#include "tests/bench/report.hpp"

namespace spool::bench {
namespace {

struct Side {
  const char* name;
  Means means;
  std::vector<RaceRun> runs = {};
};

template <typename Field>
std::vector<double> per_million(const Side& side, std::size_t events, Field field) {
  std::vector<double> values;
  for (const RaceRun& run : side.runs)
    values.push_back(field(run) / (static_cast<double>(events) / 1e6));
  return values;
}

double of_worker(const RaceRun& run) {
  return run.cpu_seconds;
}
double of_server(const RaceRun& run) {
  return run.server_cpu_seconds;
}
double of_transactions(const RaceRun& run) {
  return static_cast<double>(run.transactions);
}
double of_both(const RaceRun& run) {
  return run.cpu_seconds + run.server_cpu_seconds;
}

std::string report(const Side& before, const Side& after, std::size_t events) {
  std::string text = line(
      "Backlog of %zu playback events of which none fails, %zu pairs in alternating order;"
      " processor seconds per million events, median [min..max].\n\n| | old | new |\n|---|--:|--:|",
      events, after.runs.size());
  std::string quotients;
  constexpr std::pair<const char*, double (*)(const RaceRun&)> kFields[] = {
      {"worker", of_worker}, {"database", of_server}, {"both", of_both}};
  for (const auto& [name, field] : kFields) {
    const auto was = per_million(before, events, field);
    const auto is = per_million(after, events, field);
    text += line("| %s | %s | %s |", name, spread(was, 3).c_str(), spread(is, 3).c_str());
    quotients += line("\nnew / old, %s: %s.", name, ratios(is, was).c_str());
  }
  text += line("| transactions | %s | %s |",
               spread(per_million(before, events, of_transactions), 0).c_str(),
               spread(per_million(after, events, of_transactions), 0).c_str());
  return text + quotients;
}

}  // namespace

int cost(Arguments arguments) {
  const std::int64_t events = arguments.number("events", 1'000'000);
  const std::int64_t pairs = arguments.number("pairs", 10);
  Side before{"old", {}};
  Side after{"new", {}};
  before.means.worker = arguments.text("old", "");
  after.means.worker = arguments.text("new", after.means.worker);
  before.means.log = after.means.log = arguments.text("log", "/dev/null");
  const std::string record = arguments.text("record", "");
  arguments.done();
  if (before.means.worker.empty())
    throw std::runtime_error("--old names the program of an earlier build");

  const Course course(events, 0);
  bool equal = true;
  for (std::int64_t i = 0; i < 2 * pairs; ++i) {
    Side& side = (i + 1) / 2 % 2 == 0 ? before : after;  // old new, new old, ...
    side.runs.push_back(run_once(Kind::worker, course, side.means));
    say(told(side.name, side.runs.back(), course.events));
    equal = equal && side.runs.back().difference.empty();
  }
  std::string text = report(before, after, course.events);
  if (!equal) text += "SOME FINAL TABLE DIFFERS from the generator's.\n";
  say("\n" + text);
  write_down(text, record);
  return equal ? 0 : 1;
}

}  // namespace spool::bench
