// What a service that is away costs the handlers that do not need it: two handlers in one worker,
// one of them (drill_flaky) depends on the service. How fast does the other one (drill) drain its
// backlog while every attempt of the first fails? To be compared with drill_flaky subscribed and
// without traffic: a handler that cannot work should cost no more than one with nothing to do. With
// the service healthy both share the machine; that is told beside it. The breaker tries again every
// second, not every thirty as it does by default, so that a run sees several trials.
//   bench_drill dependency [--events 1000000] [--rounds 5] [--record FILE]
// `events`: the backlog of each handler. Fails if an effect is missing, or if the service was not
// away to the end.
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/commit_times.hpp"
#include "tests/bench/drill_benches.hpp"
#include "tests/bench/publisher.hpp"
#include "tests/bench/report.hpp"

namespace spool::bench {
namespace {

using namespace std::chrono_literals;
using test::DrillStage;

constexpr std::int64_t kKeys = 50'000;
constexpr const char* kFlaky = "drill_flaky";

enum class Service { unused, away, healthy };

const char* to_string(Service service) {
  switch (service) {
    case Service::unused:
      return "drill_flaky without traffic";
    case Service::away:
      return "its service away";
    case Service::healthy:
      return "its service healthy";
  }
  return "";
}

struct Run {
  double rate = 0;          // of drill: events a second, from its first lane taken to its end
  double later = 0;         // the same of the second half of its events: the breaker is open
  std::int64_t others = 0;  // events of drill_flaky applied until drill was through
  std::int64_t open = 0;    // of drill_flaky: waiting for another attempt, or behind one
};

void publish(const DrillStage& stage, const std::string& handler, std::int64_t events) {
  Publisher publisher(stage.bootstrap(), stage.topic(handler), 20ms);
  for (std::int64_t i = 0; i < events; ++i)
    publisher.publish(test::record_of(
        {.id = std::to_string(i), .key = "k" + std::to_string(i * 7'919 % kKeys)}, kPartitions));
  publisher.finish();
}

void measure(DrillStage& stage, std::int64_t events, Run& run) {
  const std::int64_t taken = stage.number(
      "select (extract(epoch from min(taken_at)) * 1000000)::bigint from spool.lanes"
      " where handler = 'drill'");
  const std::vector<Commit> all = commits(stage);
  const auto rate = [&](std::int64_t applied, std::int64_t since_us) {
    return static_cast<double>(applied) * 1e6 / static_cast<double>(all.back().at_us - since_us);
  };
  run.rate = rate(events, taken);
  std::int64_t applied = 0;
  for (std::size_t i = 0; i < all.size() && run.later == 0; ++i) {
    applied += all[i].applied;
    if (applied >= events / 2) run.later = rate(events - applied, all[i].at_us);
  }
}

Run run_once(Service service, std::int64_t events) {
  DrillStage stage(
      {.partitions = kPartitions,
       .handlers = {"drill", kFlaky},
       .delays = {1s, 2s, 4s, 8s, 16s},
       .worker = {{"SPOOL__LOG__LEVEL", "error"}, {"SPOOL__BREAKER__OPEN_FOR", "1s"}}});
  publish(stage, "drill", events);
  if (service != Service::unused) publish(stage, kFlaky, events);
  stage.service_down(service == Service::away);
  stage.database().execute("checkpoint");
  stage.start_worker();
  const std::string all = std::to_string(events);
  if (!stage.wait_true("select coalesce(sum(next_offset) = " + all +
                           ", false) from spool.lanes where handler = 'drill'",
                       600s))
    throw std::runtime_error("not at the end:\n" + stage.logs());
  Run run;
  run.others = stage.applied(kFlaky);
  run.open =
      stage.number("select coalesce(sum(open), 0) from spool.lanes where handler = 'drill_flaky'");
  if (stage.applied() != events) throw std::runtime_error("effects are missing");
  measure(stage, events, run);
  if (service == Service::away && run.others + stage.dead("open", kFlaky) > 0)
    throw std::runtime_error("the service was not away to the end");
  return run;
}

std::vector<double> column(const std::vector<Run>& runs, double Run::*field) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(run.*field);
  return values;
}

std::string report(std::int64_t events, const std::map<Service, std::vector<Run>>& runs) {
  const std::vector<Run>& away = runs.at(Service::away);
  const std::vector<Run>& unused = runs.at(Service::unused);
  std::string text = line(
      "Two handlers in one worker; %lld events of drill are drained, and as many wait of"
      " drill_flaky where it has traffic. %zu rounds, median [min..max]. With the service away %lld"
      " events of drill_flaky were attempted or waited behind such; the others stayed in the"
      " log.\n\n| drill_flaky | drill, events/s | its second half |\n|---|--:|--:|",
      static_cast<long long>(events), away.size(), static_cast<long long>(away.back().open));
  for (const auto& [service, of] : runs) {
    text += line("| %s | %s | %s |", to_string(service), spread(column(of, &Run::rate), 0).c_str(),
                 spread(column(of, &Run::later), 0).c_str());
  }
  return text +
         line("\nService away / no traffic: %s.",
              ratios(column(away, &Run::rate), column(unused, &Run::rate)).c_str()) +
         line("\nThe same of the second half: %s.",
              ratios(column(away, &Run::later), column(unused, &Run::later)).c_str());
}

}  // namespace

int dependency(Arguments arguments) {
  const std::int64_t events = arguments.number("events", 1'000'000);
  const std::int64_t rounds = arguments.number("rounds", 5);
  const std::string record = arguments.text("record", "");
  arguments.done();
  std::map<Service, std::vector<Run>> runs;
  for (std::int64_t i = 0; i < rounds; ++i) {
    std::vector<Service> order{Service::unused, Service::away, Service::healthy};
    if (i % 2 == 1) std::swap(order[0], order[1]);
    for (const Service service : order) {
      const Run run = run_once(service, events);
      runs[service].push_back(run);
      say(
          line("%-28s %8.0f events/s of drill, second half %8.0f; drill_flaky: %lld applied,"
               " %lld open",
               to_string(service), run.rate, run.later, static_cast<long long>(run.others),
               static_cast<long long>(run.open)));
    }
  }
  const std::string text = report(events, runs);
  say("\n" + text);
  write_down(text, record);
  return 0;
}

}  // namespace spool::bench
