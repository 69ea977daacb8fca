// The worker: waits until the database answers, refuses one whose schema it does not know, then
// runs until it is told to stop.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include "engine/admin/admin_routes.hpp"
#include "engine/admin/admin_server.hpp"
#include "engine/app/build_info.hpp"
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/base/uuid.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/observe/health.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/postgres/migrator.hpp"
#include "engine/runtime/worker.hpp"
#include "engine/runtime/worker_plan.hpp"

namespace spool::app {
namespace {

using base::FailureKind;
using std::chrono::milliseconds;

constexpr milliseconds kWaitFirst{200};
constexpr milliseconds kWaitMax{5'000};
constexpr milliseconds kTopicLimit{5'000};
constexpr milliseconds kMigrationLockDeadline{1'000};

class NoProbe : public delivery::Probe {
 public:
  void reach(const delivery::LaneId&, delivery::Point) override {}
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    if (comma > at) words.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return words;
}

WorkerIdentity identity() {
  const BuildFacts facts = build_facts();
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string version_json = to_json(Record{{"version", std::string(facts.version)},
                                                  {"revision", std::string(facts.revision)},
                                                  {"librdkafka", std::string(facts.librdkafka)},
                                                  {"libpqxx", std::string(facts.libpqxx)}});
  // Told from every other process that ever was: in a container the number of the process is always
  // the same, and a lane must know whether its last owner has died.
  const std::string once = base::to_string(base::random_uuid()).substr(0, 8);
  return {std::string(host.data()) + "/" + std::to_string(::getpid()) + "/" + once, facts.version,
          version_json};
}

// The signals that end a worker, held back from every thread begun meanwhile, so that the wait
// below sees them.
class HeldSignals {
 public:
  HeldSignals() {
    sigemptyset(&held_);
    sigaddset(&held_, SIGTERM);
    sigaddset(&held_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  // Whether one came within that time.
  bool arrived_within(milliseconds time) const {
    const timespec limit{time.count() / 1000, (time.count() % 1000) * 1'000'000};
    return sigtimedwait(&held_, nullptr, &limit) > 0;
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
};

// What a worker answers before it has begun: alive, and not ready because of the database.
class WaitingRoom {
 public:
  WaitingRoom(const runtime::WorkerSettings& settings, observe::Metrics& metrics)
      : server_({settings.admin_listen},
                admin::admin_routes(sources(metrics, settings.version_json))) {
    health_.add(observe::Probe::live, "loop", [] {
      return observe::CheckState{true, "waits for the database"};
    });
    health_.add(observe::Probe::ready, "database");
  }

  base::Status open() { return server_.start(); }
  std::uint16_t port() const { return server_.port(); }
  void says(const std::string& why) { health_.set("database", {false, why}); }

 private:
  admin::AdminSources sources(observe::Metrics& metrics, const std::string& version) {
    const auto answer = [this](observe::Probe which, bool verbose) {
      const observe::HealthReport report = health_.report(which);
      return admin::ProbeAnswer{report.ok, observe::render(report, verbose)};
    };
    admin::AdminSources sources;
    sources.live = [answer](bool verbose) { return answer(observe::Probe::live, verbose); };
    sources.ready = [answer](bool verbose) { return answer(observe::Probe::ready, verbose); };
    sources.ready_check = [this](const std::string& name) -> std::optional<admin::ProbeAnswer> {
      const auto check = health_.check(observe::Probe::ready, name);
      if (!check) return std::nullopt;
      return admin::ProbeAnswer{check->ok, check->text};
    };
    sources.metrics = [&metrics] { return metrics.expose(); };
    sources.version = [version] { return version; };
    return sources;
  }

  observe::Health health_;
  admin::AdminServer server_;
};

base::Status compatible(const postgres::ConnectionSettings& settings) {
  auto connection = postgres::Connection::open(settings);
  if (!connection) return connection.failure();
  return postgres::Migrator(**connection, postgres::embedded_migrations(), kMigrationLockDeadline)
      .compatibility();
}

bool will_pass(const base::Failure& failure) {
  return failure.kind == FailureKind::unavailable || failure.kind == FailureKind::slow ||
         failure.kind == FailureKind::in_doubt || failure.kind == FailureKind::conflict;
}

// Fails with `stopped` when a signal ended the wait, else with what waiting does not mend.
base::Status await_database(const runtime::WorkerSettings& settings, const HeldSignals& signals,
                            observe::Metrics& metrics, observe::Logger& log) {
  base::Status outcome = compatible(settings.database);
  if (outcome || !will_pass(outcome.failure())) return outcome;
  WaitingRoom room(settings, metrics);
  if (auto opened = room.open(); !opened) return opened;
  log.info("admin.listening", {{"port", room.port()}});
  milliseconds wait = kWaitFirst;
  while (!outcome && will_pass(outcome.failure())) {
    room.says(outcome.failure().text);
    log.warn("worker.waits_for_database",
             {{"error", outcome.failure().text}, {"again_in_ms", wait.count()}});
    if (signals.arrived_within(wait))
      return base::Failure(FailureKind::stopped, "stopped before the database answered");
    wait = std::min(wait * 2, kWaitMax);
    outcome = compatible(settings.database);
  }
  return outcome;
}

// A topic that is missing now may be created later: the worker goes on, and says so.
void warn_of_missing_topics(const runtime::WorkerSettings& settings, observe::Logger& log) {
  const auto cluster = kafka::Cluster::open(settings.cluster);
  if (!cluster) return;  // the worker tells it, with more
  std::vector<std::string> topics = runtime::topics_published_to(settings);
  for (const runtime::HandlerRoute& route : settings.handlers) topics.push_back(route.topic);
  for (const std::string& topic : topics) {
    const auto count = (*cluster)->partition_count(topic, kTopicLimit);
    if (count) continue;
    log.warn("topic.not_found", {{"topic", topic},
                                 {"error", count.failure().text},
                                 {"msg", "create it: spool topics apply"}});
    if (count.failure().kind == FailureKind::unavailable) return;
  }
}

// Everything that may take long before the worker hears signals itself.
base::Status prepare(const runtime::WorkerSettings& settings, observe::Metrics& metrics,
                     observe::Logger& log) {
  const HeldSignals signals;
  if (auto ready = await_database(settings, signals, metrics, log); !ready) return ready;
  warn_of_missing_topics(settings, log);
  if (signals.arrived_within(milliseconds(0)))
    return base::Failure(FailureKind::stopped, "stopped before it began");
  return {};
}

int exit_code_of(runtime::WorkerEnd end) {
  return end == runtime::WorkerEnd::drained ? kOk : kFailed;
}

int run(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const auto registry = context.program().handlers(loaded->settings);
  if (!registry) return context.fail(registry.failure());
  auto settings = worker_settings(loaded->settings, *registry,
                                  split(context.arguments().get_or("only", "")), identity());
  if (!settings) return context.fail(settings.failure());
  const auto log_settings_or = log_settings(loaded->settings.log);
  if (!log_settings_or) return context.fail(log_settings_or.failure());
  // A reader of our log that goes away must not end us.
  std::signal(SIGPIPE, SIG_IGN);
  observe::Logger log(*log_settings_or);
  const BuildFacts facts = build_facts();
  observe::Metrics metrics({facts.version, facts.revision, facts.librdkafka, facts.libpqxx},
                           log.counts());
  const base::Status ready = prepare(*settings, metrics, log);
  if (!ready && ready.failure().kind == FailureKind::stopped) {
    log.info("worker.stopped", {{"msg", ready.failure().text}});
    return kOk;
  }
  if (!ready) return context.fail(ready.failure());
  NoProbe nobody;
  delivery::Probe* probe = context.program().probe;
  runtime::Worker worker(std::move(*settings), probe == nullptr ? nobody : *probe, metrics, log);
  return exit_code_of(worker.run());
}

}  // namespace

std::vector<Command> run_commands() {
  return {
      {.path = "run",
       .help = "Run the worker until SIGTERM or SIGINT",
       .options = {{"--only", "HANDLER,...", "Only these handlers (default: every enabled one)"}},
       .footer = "The first signal finishes what is begun, within consumer.drain_timeout; a second "
                 "one ends\n"
                 "the process at once. Waits while the database is away; refuses one whose schema "
                 "it does\n"
                 "not know. Exit codes: 0 all was finished, 1 work was left or it failed.\n"
                 "Examples:\n"
                 "  spool -c spool.toml run\n"
                 "  spool run --only progress_events --set log.level=debug",
       .run = run}};
}

}  // namespace spool::app
