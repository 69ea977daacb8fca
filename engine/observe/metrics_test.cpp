#include "engine/observe/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace spool::observe {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;

const BuildInfo kBuild{"0.1.0", "abc", "2.0.2", "6.4.5"};
const LaneLabels kLane{"spool.progress_events", "progress.v1", 3, "progress_events"};

// Uses every metric once, so that every family has a series.
void touch_everything(Metrics& metrics, LaneMetrics& lane) {
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  BatchReport report;
  report.applied = 7;
  report.duplicate = 2;
  report.stale = 1;
  report.rows = 5;
  report.seconds = 0.02;
  report.wait.add(0.003);
  report.age.add(1.5);
  handler.batch_committed(report);
  handler.handler_ran(RunOutcome::applied, 0.004);
  handler.attempts_failed("schema.violation", ErrorKind::poison);
  handler.set_dead_letters({{"schema.violation", 4}});
  lane.set_progress({.position = 42, .committed = 40, .lag = 8, .oldest_unprocessed = 1'500'000});
  lane.set_paused(PauseReason::database, true);
  lane.set_uncovered(0);
  lane.count_fenced_commit();
  metrics.count_rebalance("spool.progress_events", RebalanceEvent::assign);
  metrics.count_db_error("40P01");
  metrics.set_db_connections({.idle = 1, .busy = 3});
  metrics.set_outbox_pending(0);
}

// "type name{label,label}" of every family; its help text must be there.
std::vector<std::string> shape(const std::string& text) {
  std::map<std::string, std::string> types;
  std::map<std::string, std::set<std::string>> labels;
  std::set<std::string> helped;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark, kind, name, type;
    words >> mark;
    if (mark == "#") {
      words >> kind >> name >> type;
      if (kind == "TYPE") types[name] = type;
      if (kind == "HELP" && !type.empty()) helped.insert(name);
      continue;
    }
    name = line.substr(0, line.find_first_of("{ "));
    for (const std::string suffix : {"_bucket", "_count", "_sum"}) {
      if (types.contains(name)) break;
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    std::set<std::string>& found = labels[name];
    for (std::size_t at = line.find("=\""); at != std::string::npos;
         at = line.find("=\"", at + 2)) {
      const std::size_t start = line.find_last_of("{,", at) + 1;
      const std::string label = line.substr(start, at - start);
      if (label != "le") found.insert(label);
    }
  }
  std::vector<std::string> out;
  for (const auto& [name, type] : types) {
    std::string entry = type + " " + name + "{";
    for (const std::string& label : labels[name]) {
      entry += (entry.back() == '{' ? "" : ",") + label;
    }
    out.push_back(entry + "}" + (helped.contains(name) ? "" : " without help"));
  }
  return out;
}

TEST(Metrics, NamesTypesAndLabelsAreThese) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  const auto lane = metrics.lane(kLane);
  touch_everything(metrics, *lane);
  const std::vector<std::string> golden = {
      "counter process_cpu_seconds_total{}",
      "gauge process_open_fds{}",
      "gauge process_resident_memory_bytes{}",
      "gauge process_start_time_seconds{}",
      "histogram spool_batch_duration_seconds{handler}",
      "histogram spool_batch_events{handler}",
      "histogram spool_batch_rows{handler}",
      "gauge spool_build_info{libpqxx,librdkafka,revision,version}",
      "gauge spool_consumer_committed_offset{group,partition,topic}",
      "gauge spool_consumer_lag_messages{group,partition,topic}",
      "gauge spool_consumer_oldest_unprocessed_timestamp_seconds{group,partition,topic}",
      "gauge spool_consumer_paused{group,partition,reason,topic}",
      "gauge spool_consumer_position_offset{group,partition,topic}",
      "counter spool_db_errors_total{sqlstate_class}",
      "gauge spool_db_pool_connections{state}",
      "gauge spool_dead_letters{error_type,handler}",
      "histogram spool_handler_duration_seconds{handler,outcome}",
      "counter spool_lane_fenced_commits_total{handler,partition}",
      "gauge spool_lane_uncovered_offsets{handler,partition}",
      "counter spool_log_messages_total{level}",
      "histogram spool_message_age_seconds{handler}",
      "counter spool_messages_failed_total{error_type,handler,kind}",
      "counter spool_messages_total{handler,outcome,topic}",
      "gauge spool_outbox_pending_events{}",
      "histogram spool_queue_wait_seconds{handler}",
      "counter spool_rebalances_total{event,group}",
  };
  EXPECT_THAT(shape(metrics.expose()), ElementsAreArray(golden));
}

// The sample's value as text, or "absent". `series` is the part before the value.
std::string sample(const Metrics& metrics, const std::string& name,
                   const std::vector<std::string>& labels) {
  std::istringstream lines(metrics.expose());
  for (std::string line; std::getline(lines, line);) {
    bool matches = line.starts_with(name + "{") || line.starts_with(name + " ");
    for (const std::string& label : labels) matches = matches && line.find(label) != line.npos;
    if (matches) return line.substr(line.rfind(' ') + 1);
  }
  return "absent";
}

TEST(Metrics, ABatchCountsEachOfItsEvents) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  EXPECT_EQ(&handler, &metrics.handler("progress_events", "progress.v1"));
  // Series exist before their first event, so that a rate sees the step from 0.
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"dead_lettered\""}), "0");
  const auto lane = metrics.lane(kLane);
  touch_everything(metrics, *lane);
  touch_everything(metrics, *lane);
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"applied\""}), "14");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"duplicate\""}), "4");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"stale\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_batch_events_sum", {}), "20");
  EXPECT_EQ(sample(metrics, "spool_batch_events_count", {}), "2");
  EXPECT_EQ(sample(metrics, "spool_batch_rows_sum", {}), "10");
  EXPECT_EQ(sample(metrics, "spool_message_age_seconds_sum", {}), "3");
  EXPECT_EQ(sample(metrics, "spool_message_age_seconds_bucket", {"le=\"1\""}), "0");
  EXPECT_EQ(sample(metrics, "spool_message_age_seconds_bucket", {"le=\"2.5\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_handler_duration_seconds_count", {"outcome=\"applied\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_handler_duration_seconds_count", {"outcome=\"failed\""}), "0");
  EXPECT_EQ(sample(metrics, "spool_messages_failed_total",
                   {"error_type=\"schema.violation\"", "kind=\"poison\""}),
            "2");
}

TEST(Metrics, DeadLettersAreReplacedAsAWhole) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  handler.set_dead_letters({{"schema.violation", 4}, {"db.constraint", 1}});
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "4");
  handler.set_dead_letters({{"db.constraint", 2}});
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "absent");
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"db.constraint"}), "2");
  handler.set_dead_letters({{"schema.violation", 1}});
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "1");
}

TEST(Metrics, ALanesGaugesComeAndGoWithIt) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  auto lane = metrics.lane(kLane);
  EXPECT_EQ(sample(metrics, "spool_consumer_lag_messages", {}), "absent");  // not known yet
  lane->set_progress({.position = 42, .committed = 40, .lag = -3, .oldest_unprocessed = 1'500'000});
  EXPECT_EQ(sample(metrics, "spool_consumer_position_offset", {"partition=\"3\""}), "42");
  EXPECT_EQ(sample(metrics, "spool_consumer_committed_offset", {"partition=\"3\""}), "40");
  EXPECT_EQ(sample(metrics, "spool_consumer_lag_messages", {"partition=\"3\""}), "0");
  EXPECT_EQ(sample(metrics, "spool_consumer_oldest_unprocessed_timestamp_seconds", {}), "1.5");
  EXPECT_EQ(sample(metrics, "spool_consumer_paused", {"reason=\"operator\""}), "0");
  lane->set_paused(PauseReason::position_lost, true);
  EXPECT_EQ(sample(metrics, "spool_consumer_paused", {"reason=\"position_lost\""}), "1");
  lane->set_progress({.position = 43, .committed = {}, .lag = {}, .oldest_unprocessed = {}});
  EXPECT_EQ(sample(metrics, "spool_consumer_lag_messages", {}), "absent");
  EXPECT_EQ(sample(metrics, "spool_consumer_oldest_unprocessed_timestamp_seconds", {}), "absent");
  lane->count_fenced_commit();
  lane->set_uncovered(0);
  lane.reset();
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("spool_consumer_")));
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("spool_lane_uncovered")));
  EXPECT_EQ(sample(metrics, "spool_lane_fenced_commits_total", {"partition=\"3\""}), "1");
}

TEST(Metrics, ALaneTakenAgainKeepsItsSeriesUntilTheLastHandleDies) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  auto before = metrics.lane(kLane);
  auto after = metrics.lane(kLane);
  after->set_progress({.position = 7, .committed = {}, .lag = {}, .oldest_unprocessed = {}});
  before.reset();
  EXPECT_EQ(sample(metrics, "spool_consumer_position_offset", {}), "7");
  after->set_paused(PauseReason::schema, true);
  after.reset();
  EXPECT_EQ(sample(metrics, "spool_consumer_position_offset", {}), "absent");
}

TEST(Metrics, ALaneMayOutliveTheMetrics) {
  const LogCounts counts;
  auto metrics = std::make_unique<Metrics>(kBuild, counts);
  const auto lane = metrics->lane(kLane);
  metrics.reset();
  lane->set_progress({.position = 1, .committed = {}, .lag = {}, .oldest_unprocessed = {}});
}

TEST(Metrics, TheProcessDescribesItself) {
  LogCounts counts;
  Metrics metrics(kBuild, counts);
  counts.count(Level::warn);
  metrics.count_db_error("40P01");
  metrics.count_db_error("");
  metrics.count_db_error("<'>\n!");
  EXPECT_EQ(sample(metrics, "spool_outbox_pending_events", {}), "absent");  // not known yet
  metrics.set_outbox_pending(3);
  metrics.set_db_connections({.idle = 1, .busy = 2, .down = 0});
  EXPECT_EQ(sample(metrics, "spool_build_info", {"version=\"0.1.0\"", "libpqxx=\"6.4.5\""}), "1");
  EXPECT_EQ(sample(metrics, "spool_log_messages_total", {"warn"}), "1");
  EXPECT_EQ(sample(metrics, "spool_log_messages_total", {"error"}), "0");
  EXPECT_EQ(sample(metrics, "spool_db_errors_total", {"\"40\""}), "1");
  EXPECT_EQ(sample(metrics, "spool_db_errors_total", {"\"none\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_outbox_pending_events", {}), "3");
  EXPECT_EQ(sample(metrics, "spool_db_pool_connections", {"busy"}), "2");
  EXPECT_NE(sample(metrics, "process_open_fds", {}), "absent");
}

TEST(Metrics, ThreadsMayReportAndScrapeAtOnce) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&metrics] {
        for (int i = 0; i < 50; ++i) touch_everything(metrics, *metrics.lane(kLane));
      });
    }
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(metrics.expose().empty());
  }
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"applied\""}), "1050");
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("spool_consumer_")));
}

}  // namespace
}  // namespace spool::observe
