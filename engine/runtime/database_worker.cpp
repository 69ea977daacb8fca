#include "engine/runtime/database_worker.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "engine/delivery/failure_class.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/delivery/loss.hpp"

namespace spool::runtime {
namespace {

using base::FailureKind;

constexpr std::size_t kFailedLoggedMax = 20;  // of one batch; the tables have all

double seconds_since(delivery::Instant then, delivery::Instant now) {
  return std::chrono::duration<double>(now - then).count();
}

const base::Failure* failure_of(const delivery::Done& done) {
  return std::visit(
      [](const auto& d) -> const base::Failure* {
        return d.outcome.ok() ? nullptr : &d.outcome.failure();
      },
      done);
}

const char* job_name(const delivery::Job& job) {
  constexpr const char* kNames[] = {"take",          "apply",        "drain",   "awaken",
                                    "calls",         "companions",   "command", "read_outbox",
                                    "settle_outbox", "mark_stopped", "let_go"};
  static_assert(std::size(kNames) == std::variant_size_v<delivery::Job>);
  return kNames[job.index()];
}

observe::ErrorKind kind_of(message::ErrorType type) {
  switch (delivery::failure_class(type).kind) {
    case delivery::ErrorKind::transient:
      return observe::ErrorKind::transient;
    case delivery::ErrorKind::permanent:
      return observe::ErrorKind::permanent;
    case delivery::ErrorKind::poison:
      return observe::ErrorKind::poison;
    case delivery::ErrorKind::waiting:
      return observe::ErrorKind::waiting;
  }
  return observe::ErrorKind::permanent;
}

}  // namespace

DatabaseWorker::DatabaseWorker(LaneBoard& board, std::unique_ptr<delivery::Store> store,
                               delivery::Log& log_bounds, delivery::Probe& probe,
                               const std::map<std::string, delivery::Route>& routes,
                               const DatabaseClock& clock,
                               std::map<std::string, HandlerReporting> handlers,
                               observe::Metrics& metrics, observe::Logger& log,
                               JobListener listener)
    : board_(board),
      store_(std::move(store)),
      executor_(*store_, log_bounds, probe, routes),
      clock_(clock),
      handlers_(std::move(handlers)),
      metrics_(metrics),
      log_(log),
      listener_(std::move(listener)),
      thread_([this] { serve(); }) {}

DatabaseWorker::~DatabaseWorker() {
  thread_.join();
}

void DatabaseWorker::serve() {
  while (auto work = board_.wait_for_work()) work_on(std::move(*work));
}

void DatabaseWorker::work_on(delivery::Work work) {
  state_ = State::busy;
  const auto begun = LaneBoard::now();
  delivery::Done done = executor_.run(work.lane, work.job, clock_.now());
  const auto ended = LaneBoard::now();
  report(work, done, seconds_since(begun, ended));
  const base::Failure* failure = failure_of(done);
  const bool lost = failure != nullptr && (failure->kind == FailureKind::unavailable ||
                                           failure->kind == FailureKind::in_doubt);
  const bool taken = failure == nullptr && std::holds_alternative<delivery::TakeJob>(work.job);
  state_ = lost ? State::down : State::idle;
  auto over = board_.with([&](delivery::Dispatcher& lanes) {
    return lanes.finish(std::move(work), std::move(done), ended);
  });
  board_.wake_one();  // somebody may have waited for this job's end
  if (over.publish) listener_.publish(std::move(*over.publish));
  if (lost) listener_.connection_lost();
  if (taken) listener_.lane_taken();
  if (over.at_rest) listener_.at_rest();
  listener_.job_finished();
}

void DatabaseWorker::report(const delivery::Work& work, const delivery::Done& done,
                            double seconds) {
  if (const base::Failure* failure = failure_of(done)) {
    return report_failure(work.lane, job_name(work.job), *failure);
  }
  if (const auto* take = std::get_if<delivery::TakeDone>(&done)) {
    const delivery::LaneState& state = take->outcome->state;
    if (state.set_back) {
      log_.error("lane.database_set_back",
                 {{"lane", delivery::lane_name(work.lane)},
                  {"asked_below", state.doubt_below},
                  {"msg",
                   "the database has lost what it had confirmed: what may have been called "
                   "since is asked about before it is called again"}});
    }
    log_.info("lane.taken", {{"lane", delivery::lane_name(work.lane)},
                             {"epoch", state.epoch},
                             {"next", state.next},
                             {"open", state.counters.open},
                             {"held_keys", state.open.keys.size()},
                             {"suspicious", state.suspicion.any()},
                             {"log_low", take->outcome->bounds.low},
                             {"log_high", take->outcome->bounds.high}});
  } else if (const auto* run = std::get_if<delivery::RunDone>(&done)) {
    report_batch(work.lane, work.job, *run, seconds);
  } else if (const auto* open = std::get_if<delivery::OpenDone>(&done)) {
    report_open(work.lane, work.job, *open->outcome);
  } else if (const auto* settle = std::get_if<delivery::SettleOutboxJob>(&work.job)) {
    log_.debug("outbox.settled", {{"lane", delivery::lane_name(work.lane)},
                                  {"published", settle->published.size()},
                                  {"refused", settle->refused.size()}});
  } else if (const auto* mark = std::get_if<delivery::MarkStoppedJob>(&work.job)) {
    log_.error("lane.stopped", {{"lane", delivery::lane_name(work.lane)},
                                {"reason", mark->reason},
                                {"detail", mark->detail}});
  }
}

void DatabaseWorker::report_open(const delivery::LaneId& lane, const delivery::Job& job,
                                 const delivery::Committed& committed) {
  metrics_.count_replayed(observe::ReplayResult::published, committed.revived);
  if (const auto* command = std::get_if<delivery::CommandJob>(&job)) {
    if (command->command.kind == delivery::CommandKind::replay)
      metrics_.count_replayed(observe::ReplayResult::skipped, committed.count.skipped);
    if (command->command.kind == delivery::CommandKind::discard)
      handlers_.at(lane.handler).metrics->count_discarded(committed.count.done);
    if (command->command.loss && committed.count != delivery::CommandCount{}) {
      log_.warn(committed.moved ? "lane.loss_accepted" : "lane.loss_refused",
                {{"lane", delivery::lane_name(lane)},
                 {"from", command->command.loss->from},
                 {"to", command->command.loss->to},
                 {"lost", committed.moved ? delivery::lost_offsets(*command->command.loss) : 0},
                 {"reason", committed.refusal}});
    }
    log_.info("command.page", {{"lane", delivery::lane_name(lane)},
                               {"command", base::to_string(command->command.id)},
                               {"events", committed.targeted},
                               {"more", committed.more}});
  }
}

void DatabaseWorker::report_failure(const delivery::LaneId& lane, const char* what,
                                    const base::Failure& failure) {
  if (failure.kind == FailureKind::fenced) {
    const HandlerReporting& handler = handlers_.at(lane.handler);
    metrics_.lane({handler.group, handler.topic, lane.partition, lane.handler})
        ->count_fenced_commit();
  } else {
    metrics_.count_db_error(failure.sqlstate);
  }
  const bool grave = failure.kind == FailureKind::schema || failure.kind == FailureKind::bad_data ||
                     failure.kind == FailureKind::position;
  log_.write(grave ? observe::Level::error : observe::Level::warn, "lane.job_failed",
             {{"lane", delivery::lane_name(lane)},
              {"job", what},
              {"kind", base::to_string(failure.kind)},
              {"sqlstate", failure.sqlstate},
              {"error", failure.text}});
}

void DatabaseWorker::report_batch(const delivery::LaneId& lane, const delivery::Job& job,
                                  const delivery::RunDone& done, double seconds) {
  const delivery::RunStatistics& statistics = done.statistics;
  const delivery::Committed& committed = *done.outcome;
  observe::BatchReport report;
  report.dead_lettered = committed.deaths;
  report.retried = static_cast<std::int64_t>(statistics.failed.size()) - committed.deaths -
                   statistics.duplicate_deaths;
  report.stale = statistics.counts.stale;
  report.duplicate =
      statistics.duplicate_deaths + statistics.duplicates + statistics.counts.duplicate;
  report.applied =
      statistics.records - report.dead_lettered - report.retried - report.stale - report.duplicate;
  report.rows = statistics.counts.rows;
  report.seconds = seconds;
  if (const auto* apply = std::get_if<delivery::ApplyJob>(&job))
    measure_waits(*apply, committed, seconds, report);
  for (const std::int32_t attempts : statistics.attempts)
    report.attempts.add(static_cast<double>(attempts));
  const auto first_time =
      report.events() - report.retried - static_cast<std::int64_t>(statistics.attempts.size());
  if (first_time > 0) report.attempts.add(1, static_cast<std::uint32_t>(first_time));
  for (const base::EpochMicros late : statistics.lateness)
    report.lateness.add(static_cast<double>(late) / 1e6);
  const HandlerReporting& handler = handlers_.at(lane.handler);
  handler.flushed->add({1, statistics.records, statistics.counts.coalesced, report.rows,
                        report.dead_lettered, seconds});
  metrics_.count_replayed(observe::ReplayResult::published, committed.revived);
  handler.metrics->batch_committed(report);
  handler.metrics->handler_ran(observe::RunOutcome::applied, seconds);
  if (statistics.lookups > 0) {
    handler.metrics->count_lookups(
        {statistics.lookups - statistics.duplicates, statistics.duplicates, 0, 0});
  }
  report_failed(lane, *handler.metrics, statistics.failed);
  log_.debug("batch.committed", {{"lane", delivery::lane_name(lane)},
                                 {"job", job_name(job)},
                                 {"from", committed.advance.from},
                                 {"to", committed.advance.to},
                                 {"rows", report.rows},
                                 {"retried", report.retried},
                                 {"held", statistics.held},
                                 {"dead", report.dead_lettered},
                                 {"seconds", seconds}});
}

// How long the records of the batch had waited since they were fetched, and since they were
// published.
void DatabaseWorker::measure_waits(const delivery::ApplyJob& job,
                                   const delivery::Committed& committed, double seconds,
                                   observe::BatchReport& report) {
  const auto now = LaneBoard::now();
  const double now_s = static_cast<double>(clock_.now()) / 1e6;
  for (const delivery::Slice& slice : job.slices) {
    const double waited = seconds_since(slice.arrived, now) - seconds;
    for (std::size_t i = 0; i < slice.records.size(); ++i) {
      const std::int64_t offset = slice.records.offset(i);
      // The probe, and what the batch did not get to.
      if (offset < committed.advance.from || offset >= committed.advance.to) continue;
      report.wait.add(waited);
      if (slice.records.timestamp_ms(i) < 0) continue;
      report.age.add(now_s - static_cast<double>(slice.records.timestamp_ms(i)) / 1e3);
    }
  }
}

void DatabaseWorker::report_failed(const delivery::LaneId& lane, observe::HandlerMetrics& metrics,
                                   const std::vector<delivery::FailedEvent>& failed) {
  std::size_t logged = 0;
  for (const delivery::FailedEvent& event : failed) {
    const std::string_view type = message::to_string(event.type);
    metrics.attempts_failed(type, kind_of(event.type));
    const bool dead = event.due == 0;
    if (dead && event.life > 0) metrics_.count_replayed(observe::ReplayResult::failed, 1);
    if (logged++ >= kFailedLoggedMax) continue;
    log_.warn(dead ? "event.dead" : "event.retried",
              {{"lane", delivery::lane_name(lane)},
               {"offset", event.offset},
               {"source", event.source},
               {"event_id", event.id},
               {"life", event.life},
               {"attempt", event.attempt},
               {"error_type", type},
               {"reason", event.reason},
               {"due", dead ? std::string() : base::format_rfc3339(event.due)},
               {"trace", event.traceparent}});
  }
}

observe::PoolConnections connections_of(
    const std::vector<std::unique_ptr<DatabaseWorker>>& workers) {
  observe::PoolConnections pool;
  for (const auto& worker : workers) {
    const DatabaseWorker::State state = worker->state();
    pool.idle += state == DatabaseWorker::State::idle ? 1 : 0;
    pool.busy += state == DatabaseWorker::State::busy ? 1 : 0;
    pool.down += state == DatabaseWorker::State::down ? 1 : 0;
  }
  return pool;
}

}  // namespace spool::runtime
