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
  report.retried = 3;
  report.rows = 5;
  report.seconds = 0.02;
  report.wait.add(0.003);
  report.age.add(1.5);
  report.attempts.add(1, 9);
  report.attempts.add(4);
  report.lateness.add(0.004);
  handler.batch_committed(report);
  handler.handler_ran(RunOutcome::applied, 0.004);
  handler.attempts_failed("schema.violation", ErrorKind::poison);
  handler.count_lookups({.fresh = 5, .replay = 4, .in_progress = 3, .conflict = 2});
  handler.count_discarded(6);
  handler.set_retry_pending({{"30s", 2, 7'500'000}});
  handler.set_dead_letters({{"schema.violation", 4}}, 2'500'000);
  lane.set_progress({.position = 42, .committed = 40, .lag = 8, .oldest_unprocessed = 1'500'000});
  lane.set_paused(PauseReason::database, true);
  lane.set_held({.open_events = 12, .held_keys = 3, .parked_bytes = 4096});
  lane.set_uncovered(0);
  lane.count_fenced_commit();
  metrics.count_rebalance("spool.progress_events", RebalanceEvent::assign);
  metrics.count_db_error("40P01");
  metrics.set_db_connections({.idle = 1, .busy = 3});
  metrics.set_outbox_pending(0);
  metrics.set_outbox_oldest(3'500'000);
  metrics.set_outbox_refused(0);
  metrics.upstream_request("tmdb", "item_add", "success", 0.3);
  metrics.upstream_waited("tmdb", 1.5);
  metrics.set_circuit("tmdb", "closed");
  metrics.set_replay_jobs({{"running", 1}});
  metrics.count_replayed(ReplayResult::skipped, 2);
  metrics.set_ledger_uncovered({{"progress_events", 3, 0}});
  metrics.set_duty_success("list_operations", "cleanup", 5'500'000);
  metrics.set_collector_success(4'500'000);
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
      "histogram spool_attempts{handler}",
      "histogram spool_batch_duration_seconds{handler}",
      "histogram spool_batch_events{handler}",
      "histogram spool_batch_rows{handler}",
      "gauge spool_build_info{libpqxx,librdkafka,revision,version}",
      "gauge spool_collector_last_success_timestamp_seconds{}",
      "gauge spool_consumer_committed_offset{group,partition,topic}",
      "gauge spool_consumer_lag_messages{group,partition,topic}",
      "gauge spool_consumer_oldest_unprocessed_timestamp_seconds{group,partition,topic}",
      "gauge spool_consumer_paused{group,partition,reason,topic}",
      "gauge spool_consumer_position_offset{group,partition,topic}",
      "counter spool_db_errors_total{sqlstate_class}",
      "gauge spool_db_pool_connections{state}",
      "gauge spool_dead_letter_oldest_timestamp_seconds{handler}",
      "gauge spool_dead_letters{error_type,handler}",
      "gauge spool_duty_last_success_timestamp_seconds{duty,handler}",
      "histogram spool_handler_duration_seconds{handler,outcome}",
      "counter spool_idempotency_lookups_total{handler,result}",
      "counter spool_lane_fenced_commits_total{handler,partition}",
      "gauge spool_lane_held_keys{handler,partition}",
      "gauge spool_lane_open_events{handler,partition}",
      "gauge spool_lane_parked_bytes{handler,partition}",
      "gauge spool_lane_uncovered_offsets{check,handler,partition}",
      "counter spool_log_messages_total{level}",
      "histogram spool_message_age_seconds{handler}",
      "counter spool_messages_failed_total{error_type,handler,kind}",
      "counter spool_messages_total{handler,outcome,topic}",
      "gauge spool_outbox_oldest_timestamp_seconds{}",
      "gauge spool_outbox_pending_events{}",
      "gauge spool_outbox_refused_events{}",
      "histogram spool_queue_wait_seconds{handler}",
      "counter spool_rebalances_total{event,group}",
      "gauge spool_replay_jobs{state}",
      "counter spool_replay_records_total{result}",
      "histogram spool_retry_lateness_seconds{handler}",
      "gauge spool_retry_next_due_timestamp_seconds{handler,tier}",
      "gauge spool_retry_pending_messages{handler,tier}",
      "gauge spool_upstream_circuit_state{state,upstream}",
      "histogram spool_upstream_rate_limit_wait_seconds{upstream}",
      "histogram spool_upstream_request_duration_seconds{operation,upstream}",
      "counter spool_upstream_requests_total{operation,status,upstream}",
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
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"retried\""}), "0");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"discarded\""}), "0");
  const auto lane = metrics.lane(kLane);
  touch_everything(metrics, *lane);
  touch_everything(metrics, *lane);
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"applied\""}), "14");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"duplicate\""}), "4");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"stale\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"retried\""}), "6");
  EXPECT_EQ(sample(metrics, "spool_messages_total", {"outcome=\"discarded\""}), "12");
  EXPECT_EQ(sample(metrics, "spool_batch_events_sum", {}), "26");
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

TEST(Metrics, AttemptsAndLatenessOfABatch) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  BatchReport report;
  report.attempts.add(1, 90);
  report.attempts.add(6, 10);
  report.lateness.add(0.0015);
  report.lateness.add(-0.2);
  metrics.handler("progress_events", "progress.v1").batch_committed(report);
  EXPECT_EQ(sample(metrics, "spool_attempts_bucket", {"le=\"5\""}), "90");
  EXPECT_EQ(sample(metrics, "spool_attempts_bucket", {"le=\"8\""}), "100");
  EXPECT_EQ(sample(metrics, "spool_attempts_sum", {}), "150");
  EXPECT_EQ(sample(metrics, "spool_retry_lateness_seconds_bucket", {"le=\"0.001\""}), "1");
  EXPECT_EQ(sample(metrics, "spool_retry_lateness_seconds_bucket", {"le=\"0.002\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_retry_lateness_seconds_sum", {}), "0.0015");
}

TEST(Metrics, EveryKindOfFailureHasItsWord) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  const std::pair<ErrorKind, const char*> words[] = {{ErrorKind::transient, "transient"},
                                                     {ErrorKind::permanent, "permanent"},
                                                     {ErrorKind::poison, "poison"},
                                                     {ErrorKind::waiting, "waiting"}};
  std::int64_t count = 10;
  for (const auto& [kind, word] : words) {
    handler.attempts_failed("_OTHER", kind, ++count);
    EXPECT_EQ(sample(metrics, "spool_messages_failed_total",
                     {"kind=\"" + std::string(word) + "\"", "error_type=\"_OTHER\""}),
              std::to_string(count));
  }
}

TEST(Metrics, LookupsCountByResult) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  const auto looked_up = [&](const std::string& result) {
    return sample(metrics, "spool_idempotency_lookups_total",
                  {"handler=\"progress_events\"", "result=\"" + result + "\""});
  };
  EXPECT_EQ(looked_up("conflict"), "0");
  handler.count_lookups({.fresh = 5, .replay = 4, .in_progress = 3, .conflict = 2});
  handler.count_lookups({.fresh = 1});
  EXPECT_EQ(looked_up("new"), "6");
  EXPECT_EQ(looked_up("replay"), "4");
  EXPECT_EQ(looked_up("in_progress"), "3");
  EXPECT_EQ(looked_up("conflict"), "2");
}

TEST(Metrics, WaitingRetriesAreReplacedAsAWhole) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  handler.set_retry_pending({{"30s", 4, 1'500'000}, {"60s", 1, 2'500'000}});
  EXPECT_EQ(sample(metrics, "spool_retry_pending_messages", {"tier=\"30s\""}), "4");
  EXPECT_EQ(sample(metrics, "spool_retry_next_due_timestamp_seconds", {"tier=\"60s\""}), "2.5");
  handler.set_retry_pending({{"60s", 2, {}}});
  EXPECT_EQ(sample(metrics, "spool_retry_pending_messages", {"tier=\"30s\""}), "absent");
  EXPECT_EQ(sample(metrics, "spool_retry_pending_messages", {"tier=\"60s\""}), "2");
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("spool_retry_next_due_timestamp_seconds{")));
}

TEST(Metrics, DeadLettersAreReplacedAsAWhole) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  HandlerMetrics& handler = metrics.handler("progress_events", "progress.v1");
  handler.set_dead_letters({{"schema.violation", 4}, {"db.constraint", 1}}, 2'500'000);
  EXPECT_EQ(sample(metrics, "spool_dead_letter_oldest_timestamp_seconds", {}), "2.5");
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "4");
  handler.set_dead_letters({{"db.constraint", 2}}, 3'500'000);
  EXPECT_EQ(sample(metrics, "spool_dead_letter_oldest_timestamp_seconds", {}), "3.5");
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "absent");
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"db.constraint"}), "2");
  handler.set_dead_letters({{"schema.violation", 1}}, 3'500'000);
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {"schema.violation"}), "1");
  handler.set_dead_letters({}, {});
  EXPECT_EQ(sample(metrics, "spool_dead_letters", {}), "absent");
  EXPECT_EQ(sample(metrics, "spool_dead_letter_oldest_timestamp_seconds", {}), "absent");
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
  EXPECT_EQ(sample(metrics, "spool_consumer_paused", {"reason=\"dead_letters\""}), "0");
  lane->set_paused(PauseReason::dead_letters, true);
  EXPECT_EQ(sample(metrics, "spool_consumer_paused", {"reason=\"dead_letters\""}), "1");
  lane->set_progress({.position = 43, .committed = {}, .lag = {}, .oldest_unprocessed = {}});
  EXPECT_EQ(sample(metrics, "spool_consumer_lag_messages", {}), "absent");
  EXPECT_EQ(sample(metrics, "spool_consumer_oldest_unprocessed_timestamp_seconds", {}), "absent");
  EXPECT_EQ(sample(metrics, "spool_lane_open_events", {}), "absent");  // not known yet
  lane->set_held({.open_events = 12, .held_keys = 3, .parked_bytes = 4096});
  EXPECT_EQ(sample(metrics, "spool_lane_open_events", {"partition=\"3\""}), "12");
  EXPECT_EQ(sample(metrics, "spool_lane_held_keys", {"partition=\"3\""}), "3");
  EXPECT_EQ(sample(metrics, "spool_lane_parked_bytes", {"partition=\"3\""}), "4096");
  lane->count_fenced_commit();
  lane->set_uncovered(0);
  lane.reset();
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("spool_consumer_")));
  for (const char* gone : {"uncovered", "open_events", "held_keys", "parked_bytes"}) {
    EXPECT_THAT(metrics.expose(), Not(HasSubstr(std::string("spool_lane_") + gone)));
  }
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

TEST(Metrics, TheAuditAndTheCountersOfALaneStandSideBySide) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  auto lane = metrics.lane(kLane);
  const auto uncovered = [&](const std::string& partition, const std::string& check) {
    return sample(metrics, "spool_lane_uncovered_offsets",
                  {"partition=\"" + partition + "\"", "check=\"" + check + "\""});
  };
  lane->set_uncovered(2);
  metrics.set_ledger_uncovered({{"progress_events", 3, -5}, {"progress_events", 4, 0}});
  EXPECT_EQ(uncovered("3", "counters"), "2");
  EXPECT_EQ(uncovered("3", "tables"), "-5");
  EXPECT_EQ(uncovered("4", "tables"), "0");
  lane.reset();
  EXPECT_EQ(uncovered("3", "counters"), "absent");
  EXPECT_EQ(uncovered("3", "tables"), "-5");
  metrics.set_ledger_uncovered({{"progress_events", 4, 0}});
  EXPECT_EQ(uncovered("3", "tables"), "absent");
  EXPECT_EQ(uncovered("4", "tables"), "0");
}

TEST(Metrics, ACircuitIsInOneStateAtATime) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  const auto states = [&](const std::string& upstream) {
    std::string all;
    for (const char* state : {"closed", "open", "half_open"}) {
      all += sample(metrics, "spool_upstream_circuit_state",
                    {"upstream=\"" + upstream + "\"", "state=\"" + std::string(state) + "\""});
    }
    return all;
  };
  metrics.set_circuit("tmdb", "open");
  metrics.set_circuit("trakt", "closed");
  EXPECT_EQ(states("tmdb"), "010");
  EXPECT_EQ(states("trakt"), "100");
  metrics.set_circuit("tmdb", "half_open");
  EXPECT_EQ(states("tmdb"), "001");
}

TEST(Metrics, CallsCountByOperationAndStatus) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  metrics.upstream_request("tmdb", "item_add", "success", 0.3);
  metrics.upstream_request("tmdb", "item_add", "success", 0.2);
  metrics.upstream_request("tmdb", "item_add", "rate_limited", 0.1);
  metrics.upstream_request("tmdb", "list_create", "success", 0.1);
  metrics.upstream_waited("tmdb", 0);
  metrics.upstream_waited("tmdb", 1.5);
  EXPECT_EQ(sample(metrics, "spool_upstream_requests_total", {"item_add", "success"}), "2");
  EXPECT_EQ(sample(metrics, "spool_upstream_requests_total", {"item_add", "rate_limited"}), "1");
  EXPECT_EQ(sample(metrics, "spool_upstream_request_duration_seconds_count", {"item_add"}), "3");
  EXPECT_EQ(sample(metrics, "spool_upstream_request_duration_seconds_bucket",
                   {"item_add", "le=\"0.25\""}),
            "2");
  EXPECT_EQ(sample(metrics, "spool_upstream_rate_limit_wait_seconds_sum", {"tmdb"}), "1.5");
  EXPECT_EQ(sample(metrics, "spool_upstream_rate_limit_wait_seconds_bucket", {"le=\"0.0005\""}),
            "1");
}

TEST(Metrics, ReplaysShowTheirStateAndWhatBecameOfTheRecords) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  EXPECT_EQ(sample(metrics, "spool_replay_records_total", {"result=\"failed\""}), "0");
  metrics.count_replayed(ReplayResult::published, 7);
  metrics.count_replayed(ReplayResult::skipped, 2);
  metrics.count_replayed(ReplayResult::failed, 1);
  EXPECT_EQ(sample(metrics, "spool_replay_records_total", {"result=\"published\""}), "7");
  EXPECT_EQ(sample(metrics, "spool_replay_records_total", {"result=\"skipped\""}), "2");
  EXPECT_EQ(sample(metrics, "spool_replay_records_total", {"result=\"failed\""}), "1");
  metrics.set_replay_jobs({{"running", 2}, {"paused", 1}});
  metrics.set_replay_jobs({{"running", 1}});
  EXPECT_EQ(sample(metrics, "spool_replay_jobs", {"state=\"running\""}), "1");
  EXPECT_EQ(sample(metrics, "spool_replay_jobs", {"state=\"paused\""}), "absent");
}

TEST(Metrics, TheOutboxAndTheCollectorTellTheirTimes) {
  const LogCounts counts;
  Metrics metrics(kBuild, counts);
  EXPECT_EQ(sample(metrics, "spool_collector_last_success_timestamp_seconds", {}), "absent");
  metrics.set_collector_success(4'500'000);
  EXPECT_EQ(sample(metrics, "spool_collector_last_success_timestamp_seconds", {}), "4.5");
  metrics.set_outbox_refused(2);
  EXPECT_EQ(sample(metrics, "spool_outbox_refused_events", {}), "2");
  metrics.set_outbox_oldest(3'500'000);
  EXPECT_EQ(sample(metrics, "spool_outbox_oldest_timestamp_seconds", {}), "3.5");
  metrics.set_outbox_oldest({});  // nothing waits
  EXPECT_EQ(sample(metrics, "spool_outbox_oldest_timestamp_seconds", {}), "absent");
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
