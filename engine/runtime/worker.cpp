#include "engine/runtime/worker.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <utility>

#include "engine/admin/admin_routes.hpp"
#include "engine/admin/admin_server.hpp"
#include "engine/kafka/reader.hpp"
#include "engine/runtime/cluster_log.hpp"
#include "engine/runtime/companions.hpp"
#include "engine/runtime/database_worker.hpp"
#include "engine/runtime/housekeeper.hpp"
#include "engine/runtime/intake.hpp"
#include "engine/runtime/loop.hpp"
#include "engine/runtime/relay.hpp"
#include "engine/runtime/upstreams.hpp"
#include "engine/runtime/worker_plan.hpp"

namespace spool::runtime {
namespace {

constexpr std::chrono::milliseconds kLeaveTimeout{5'000};
constexpr std::chrono::milliseconds kMetadataTimeout{5'000};
constexpr std::chrono::milliseconds kShutdownPeriod{100};
constexpr std::chrono::milliseconds kFlushReportPeriod{60'000};
constexpr std::chrono::seconds kLoopStillMax{30};  // starting included
constexpr int kStoppedAtOnce = 130;
constexpr std::size_t kPrefetchBytesMin = 1024UL * 1024;

}  // namespace

struct Worker::Impl {
  WorkerSettings settings;
  delivery::Probe& probe;
  observe::Metrics& metrics;
  observe::Logger& log;

  // In the order in which they need each other.
  Loop loop;
  DatabaseClock clock;
  LaneBoard board;
  observe::Health health;
  std::map<std::string, FlushStatistics> flushed;  // by handler
  std::unique_ptr<kafka::Cluster> cluster;
  std::unique_ptr<kafka::Producer> producer;
  std::unique_ptr<ClusterLog> cluster_log;
  std::unique_ptr<Relay> relay;
  std::vector<std::unique_ptr<Intake>> intakes;
  std::unique_ptr<Companions> companions;
  std::unique_ptr<Housekeeper> housekeeper;
  std::unique_ptr<DutyRota> rota;
  Upstreams upstreams;
  std::vector<std::unique_ptr<DatabaseWorker>> workers;
  std::vector<store::PgStore*> stores;  // of the workers, while the loop runs
  std::unique_ptr<admin::AdminServer> admin_server;
  std::atomic<bool> pump_posted{false};
  std::atomic<delivery::Instant> loop_turned{LaneBoard::now()};

  enum class Stage { running, draining, leaving, left };
  Stage stage = Stage::running;
  delivery::Instant stage_deadline{};
  WorkerEnd end = WorkerEnd::drained;

  Impl(WorkerSettings s, delivery::Probe& p, observe::Metrics& m, observe::Logger& l)
      : settings(std::move(s)),
        probe(p),
        metrics(m),
        log(l),
        board(lanes_of(settings), settings.breakers, clock),
        upstreams(settings, board, metrics, log) {}

  base::Status start();
  base::Status start_kafka();
  void start_database();
  base::Status start_intakes();
  base::Status start_admin();
  std::map<std::string, HandlerReporting> reporting();
  std::unique_ptr<store::PgStore> make_store();

  void pump_soon();
  void pump();
  void begin_drain(int signal);
  void progress_shutdown();
  void leave();
  void fail(const base::Failure& failure);
  void update_health();
  observe::CheckState loop_state() const;
  void report_circuits();
  std::chrono::milliseconds call_limit() const;
  void interrupt_stuck_calls(std::chrono::milliseconds limit);
  std::size_t unfinished(std::size_t& outbox);
  void shut_down();
};

std::map<std::string, HandlerReporting> Worker::Impl::reporting() {
  std::map<std::string, HandlerReporting> found;
  for (const HandlerRoute& h : settings.handlers) {
    const std::string& name = h.handler->spec.name;
    found.emplace(
        name, HandlerReporting{&metrics.handler(name, h.topic), &flushed[name], h.group, h.topic});
  }
  return found;
}

std::unique_ptr<store::PgStore> Worker::Impl::make_store() {
  store::PgStoreSettings store;
  store.connection = settings.database;
  store.take_lock_timeout = settings.take_lock_timeout;
  store.retention = settings.retention;
  return std::make_unique<store::PgStore>(std::move(store), contexts_of(settings));
}

base::Status Worker::Impl::start() {
  // First: a signal that arrives while the rest starts is served as soon as the loop runs.
  loop.on_termination([this](int signal) { begin_drain(signal); });
  health.add(observe::Probe::live, "loop", [this] { return loop_state(); });
  health.add(observe::Probe::ready, "database");
  health.add(observe::Probe::ready, "kafka");
  health.add(observe::Probe::ready, "lanes");
  if (auto started = start_admin(); !started) return started;
  if (auto started = start_kafka(); !started) return started;
  if (auto started = upstreams.start(); !started) return started;
  start_database();
  if (auto started = start_intakes(); !started) return started;
  loop.every(kShutdownPeriod, [this] {
    loop_turned = LaneBoard::now();
    update_health();
    metrics.set_db_connections(connections_of(workers));
    report_circuits();
    interrupt_stuck_calls(call_limit());
    progress_shutdown();
  });
  loop.every(kFlushReportPeriod, [this] { log_flushed(flushed, log); });
  return {};
}

base::Status Worker::Impl::start_kafka() {
  auto opened = kafka::Cluster::open(settings.cluster);
  if (!opened) return opened.failure();
  cluster = std::move(*opened);
  cluster_log = std::make_unique<ClusterLog>(*cluster, sources_of(settings));
  auto made = kafka::Producer::open(settings.producer);
  if (!made) return made.failure();
  producer = std::move(*made);
  for (const std::string& topic : topics_published_to(settings)) producer->prepare(topic);
  relay = std::make_unique<Relay>(loop, board, *producer, settings.events_topic, log);
  kafka::ReaderSettings reading;
  reading.bootstrap_servers = settings.consumer.bootstrap_servers;
  reading.client_id = settings.consumer.client_id;
  reading.properties = settings.consumer.properties;
  auto reader = kafka::Reader::open(reading);
  if (!reader) return reader.failure();
  companions =
      std::make_unique<Companions>(loop, board, std::move(*reader), retry_topics_of(settings), log);
  return {};
}

void Worker::Impl::start_database() {
  board.with([](delivery::Dispatcher& lanes) { lanes.await_switches(); });
  housekeeper =
      std::make_unique<Housekeeper>(board, make_store(), clock, settings.check_interval,
                                    reporting(), metrics, health, log, [this] { pump_soon(); });
  const auto look = [this] { housekeeper->hurry(); };
  const JobListener listener{
      [this] { pump_soon(); },
      [this](delivery::ToPublish rows) { relay->hand_over(std::move(rows)); }, look, look, look};
  rota = std::make_unique<DutyRota>(rota_of(settings), metrics, log);
  for (std::size_t i = 0; i < settings.database_workers; ++i) {
    auto store = make_store();
    stores.push_back(store.get());
    workers.push_back(std::make_unique<DatabaseWorker>(board, std::move(store), *cluster_log, probe,
                                                       routes_of(settings), clock, reporting(),
                                                       metrics, log, listener));
  }
}

base::Status Worker::Impl::start_intakes() {
  for (const HandlerRoute& h : settings.handlers) {
    kafka::ConsumerSettings consumer = settings.consumer;
    consumer.group = h.group;
    consumer.topic = h.topic;
    // The whole budget over all partitions that could come to us; unknown while the topic is not
    // there yet.
    auto partitions = cluster->partition_count(h.topic, kMetadataTimeout);
    const std::size_t share = settings.prefetch_bytes / settings.handlers.size() /
                              static_cast<std::size_t>(partitions ? *partitions : 8);
    consumer.prefetch_bytes_per_partition = std::max(kPrefetchBytesMin, share);
    if (!partitions) {
      log.warn("topic.unknown", {{"topic", h.topic}, {"error", partitions.failure().text}});
    }
    auto opened = kafka::Consumer::open(consumer);
    if (!opened) return opened.failure();
    IntakeSettings intake{h.handler->spec.name, h.group, h.topic, settings.drain_timeout,
                          settings.commit_interval};
    intake.slice_records_max = std::min(intake.slice_records_max, h.lane.batch_events_max);
    intakes.push_back(std::make_unique<Intake>(
        loop, board, std::move(*opened), std::move(intake), metrics, log,
        [this](const base::Failure& f) { fail(f); },
        [this](delivery::ToCall calls) { upstreams.hand_over(std::move(calls)); }));
  }
  return {};
}

base::Status Worker::Impl::start_admin() {
  admin::AdminSettings admin_settings;
  admin_settings.listen = settings.admin_listen;
  const auto answer = [this](observe::Probe which, bool verbose) {
    const observe::HealthReport report = health.report(which);
    return admin::ProbeAnswer{report.ok, observe::render(report, verbose)};
  };
  admin::AdminSources sources;
  sources.live = [answer](bool verbose) { return answer(observe::Probe::live, verbose); };
  sources.ready = [answer](bool verbose) { return answer(observe::Probe::ready, verbose); };
  sources.ready_check = [this](const std::string& name) -> std::optional<admin::ProbeAnswer> {
    const auto check = health.check(observe::Probe::ready, name);
    if (!check) return std::nullopt;
    return admin::ProbeAnswer{check->ok, check->text};
  };
  sources.metrics = [this] { return metrics.expose(); };
  sources.version = [this] { return settings.version_json; };
  admin_server =
      std::make_unique<admin::AdminServer>(admin_settings, admin::admin_routes(std::move(sources)));
  if (auto started = admin_server->start(); !started) return started;
  log.info("admin.listening", {{"port", admin_server->port()}});
  return {};
}

// The server ends a statement by itself, and TCP a dead connection; a call beyond both will never
// come back.
std::chrono::milliseconds Worker::Impl::call_limit() const {
  return longest_statement(settings) + settings.database.tcp_user_timeout;
}

void Worker::Impl::interrupt_stuck_calls(std::chrono::milliseconds limit) {
  for (store::PgStore* store : stores) store->interrupt(limit);
  if (housekeeper) housekeeper->interrupt(limit);
  if (rota) rota->interrupt(limit);
  upstreams.interrupt(limit);
}

// Database workers end jobs far more often than the loop has to look.
void Worker::Impl::pump_soon() {
  if (pump_posted.exchange(true)) return;
  loop.post([this] {
    pump_posted = false;
    pump();
  });
}

void Worker::Impl::pump() {
  for (const auto& intake : intakes) intake->pump();
  progress_shutdown();
}

// Asked by the admin server's thread: does the thread that fetches still turn?
observe::CheckState Worker::Impl::loop_state() const {
  const auto still = LaneBoard::now() - loop_turned.load();
  if (still < kLoopStillMax) return {true, "serving"};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(still).count();
  return {false, "has not turned for " + std::to_string(seconds) + " s"};
}

void Worker::Impl::update_health() {
  bool assigned = !intakes.empty();
  for (const auto& intake : intakes) assigned = assigned && intake->assigned();
  health.set("kafka",
             {assigned && stage == Stage::running, stage != Stage::running ? "shutting down"
                                                   : assigned              ? "assigned"
                                                              : "waits for the group"});
  bool trouble = false;  // what an operator has paused is none
  std::string standing;
  board.with([&](delivery::Dispatcher& lanes) {
    lanes.for_each([&](const delivery::Lane& lane) {
      const delivery::PauseReason reason = lane.pause_reason();
      if (reason == delivery::PauseReason::none || reason == delivery::PauseReason::backpressure)
        return;
      trouble = trouble || reason != delivery::PauseReason::operator_;
      standing += (standing.empty() ? "" : ", ") + lane.id().handler + "/" +
                  std::to_string(lane.id().partition) + " " + delivery::to_string(reason);
    });
  });
  health.set("lanes", {!trouble, standing.empty() ? "running" : standing});
}

void Worker::Impl::report_circuits() {
  for (const HandlerRoute& h : settings.handlers) {
    for (const std::string& service : h.handler->spec.dependencies) {
      const auto state = board.with([&](delivery::Dispatcher& lanes) {
        const delivery::Breaker* breaker = lanes.breakers().find(service);
        return breaker ? delivery::to_string(breaker->state(LaneBoard::now())) : "closed";
      });
      metrics.set_circuit(service, state);
    }
  }
}

void Worker::Impl::begin_drain(int signal) {
  if (stage != Stage::running) {
    log.warn("worker.stopped_at_once", {{"signal", signal}});
    std::_Exit(kStoppedAtOnce);
  }
  log.info("worker.draining", {{"signal", signal}, {"timeout_ms", settings.drain_timeout.count()}});
  stage = Stage::draining;
  stage_deadline = LaneBoard::now() + settings.drain_timeout;
  for (const auto& intake : intakes) intake->stop_intake();
  board.with([](delivery::Dispatcher& lanes) { lanes.stop_calls(); });
  update_health();
  progress_shutdown();
}

std::size_t Worker::Impl::unfinished(std::size_t& outbox) {
  std::size_t records = 0;
  outbox = 0;
  board.with([&](delivery::Dispatcher& lanes) {
    lanes.for_each([&](const delivery::Lane& lane) {
      records += (lane.held_up() ? 0 : lane.buffered_records()) + (lane.busy() ? 1 : 0);
      records += lane.calls_unsettled();
      outbox += lane.outbox_quiet() ? 0 : 1;
    });
  });
  return records;
}

void Worker::Impl::progress_shutdown() {
  const bool late = LaneBoard::now() >= stage_deadline;
  if (stage == Stage::draining) {
    std::size_t outbox = 0;
    const std::size_t records = unfinished(outbox);
    if (records + outbox > 0 && !late) return;
    if (records + outbox > 0) {
      end = WorkerEnd::left_work;
      log.warn("worker.left_work",
               {{"records", records},
                {"lanes_with_outbox", outbox},
                {"msg", "they are in the log and the database: the next owner goes on"}});
    }
    return leave();
  }
  if (stage == Stage::leaving) {
    bool all_left = true;
    for (const auto& intake : intakes) all_left = all_left && intake->left();
    if (all_left || late) {
      stage = Stage::left;
      loop.stop();
    }
  }
}

void Worker::Impl::leave() {
  stage = Stage::leaving;
  stage_deadline = LaneBoard::now() + kLeaveTimeout;
  for (const auto& intake : intakes) intake->leave();
}

void Worker::Impl::fail(const base::Failure& failure) {
  log.error("worker.failed", {{"kind", base::to_string(failure.kind)}, {"error", failure.text}});
  end = WorkerEnd::failed;
  stage = Stage::left;
  loop.stop();
}

void Worker::Impl::shut_down() {
  log_flushed(flushed, log);
  board.close();
  // A call that does not come back would keep the process for ever; what was drained has none.
  for (store::PgStore* store : stores) store->close();
  if (housekeeper) housekeeper->close();
  rota.reset();
  workers.clear();
  upstreams.close();
  housekeeper.reset();
  intakes.clear();
  companions.reset();
  relay.reset();
  if (admin_server) admin_server->stop();
  log.info("worker.stopped");
}

Worker::Worker(WorkerSettings settings, delivery::Probe& probe, observe::Metrics& metrics,
               observe::Logger& log)
    : impl_(std::make_unique<Impl>(std::move(settings), probe, metrics, log)) {}

Worker::~Worker() = default;

WorkerEnd Worker::run() {
  if (const auto started = impl_->start(); !started) {
    impl_->fail(started.failure());
    impl_->shut_down();
    return impl_->end;
  }
  impl_->log.info("worker.started", {{"owner", impl_->settings.owner}});
  impl_->loop.run();
  impl_->shut_down();
  return impl_->end;
}

}  // namespace spool::runtime
