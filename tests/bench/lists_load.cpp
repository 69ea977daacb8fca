#include "tests/bench/lists_load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "tests/bench/lists_loop.hpp"
#include "tests/bench/server_usage.hpp"
#include "tests/support/list_stage.hpp"

namespace spool::bench {
namespace {

using test::ListOperation;
using test::ListStage;

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Lists at the stand-in, one of each user, and in the mirror; what is to be added, list by list.
std::vector<Addition> prepare(const ListLoad& load, const test::PgDatabase& database,
                              test::StandinProcess& standin) {
  std::string rows;
  for (std::int32_t user = 1; user <= load.users; ++user) {
    const std::string name = "list of " + std::to_string(user);
    standin.control("POST", "/_standin/lists",
                    R"({"user_id":)" + std::to_string(user) + R"(,"name":")" + name + "\"}");
  }
  const auto lists = standin.state();
  std::vector<Addition> additions;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) + 1;
    rows += (rows.empty() ? "(" : ",(") + std::to_string(row) + "," +
            std::to_string(lists[i].user) + "," + std::to_string(lists[i].id) + ",'exists',true,'" +
            lists[i].name + "')";
    for (std::int32_t movie = 1; movie <= load.movies; ++movie)
      additions.push_back({row, lists[i].id, static_cast<std::int32_t>(lists[i].user), movie});
  }
  database.execute(
      "insert into media.lists (id, tmdb_user_id, tmdb_list_id, existence, complete, name)"
      " overriding system value values " +
      rows);
  database.execute("vacuum (analyze)");
  return additions;
}

void check(const ListLoad& load, const test::PgDatabase& database, test::StandinProcess& standin) {
  const std::string wanted = std::to_string(load.operations());
  const auto ledger = standin.ledger();
  const auto added = std::ranges::count_if(
      ledger, [](const auto& effect) { return effect.kind == "add" && effect.changed; });
  const std::string found = database.value(
      "select count(*) from media.queued_list_operations where status = 'completed'");
  const std::string mirror = database.value("select count(*) from media.user_list_items");
  if (std::to_string(added) != wanted || found != wanted || mirror != wanted)
    throw std::runtime_error(wanted + " operations, " + std::to_string(added) + " effects, " +
                             found + " completed, " + mirror + " in the mirror");
}

// Movies one by one over all lists, as many users at once would do.
std::vector<ListOperation> published(std::vector<Addition> additions) {
  std::ranges::stable_sort(additions, {}, &Addition::movie);
  std::vector<ListOperation> operations;
  operations.reserve(additions.size());
  for (const Addition& one : additions) {
    ListOperation operation;
    operation.id = std::to_string(one.list_row) + "/" + std::to_string(one.movie);
    operation.type = "add_movie";
    operation.user = one.user;
    operation.raw = R"({"operation_type":"add_movie","tmdb_user_id":)" + std::to_string(one.user) +
                    R"(,"tmdb_list_id":)" + std::to_string(one.tmdb_list_id) +
                    R"(,"operation_data":{"movie_id":)" + std::to_string(one.movie) + "}}";
    operations.push_back(std::move(operation));
  }
  return operations;
}

void stop(test::WorkerProcess& worker) {
  worker.signal(SIGTERM);
  if (worker.wait_exit() != 0) throw std::runtime_error("the worker failed:\n" + worker.tail());
}

}  // namespace

ListRun worker_run(const ListLoad& load, const test::Environment& environment) {
  ListStage stage({.users = load.users, .worker = environment});
  stage.publish(published(prepare(load, stage.database(), stage.standin())));
  const pid_t server = postmaster(stage.database());
  const double server_before = server_cpu_seconds(server);
  const double before = cpu_seconds(RUSAGE_CHILDREN);
  test::WorkerProcess& worker = stage.start_worker({{"SPOOL__LOG__LEVEL", "info"}});
  if (!stage.wait_done()) throw std::runtime_error(stage.undone() + stage.logs());
  ListRun run;
  run.server_cpu_seconds = server_cpu_seconds(server) - server_before;
  stop(worker);
  run.cpu_seconds = cpu_seconds(RUSAGE_CHILDREN) - before;
  run.seconds = static_cast<double>(stage.number(
                    "select (extract(epoch from (select max(finished_at)"
                    " from media.queued_list_operations) - min(taken_at)) * 1000000)::bigint"
                    " from spool.lanes")) /
                1e6;
  check(load, stage.database(), stage.standin());
  return run;
}

ListRun loop_run(const ListLoad& load, int threads, bool synchronous_commit) {
  const test::PgDatabase database;
  test::StandinProcess standin({"--open"});
  const std::vector<Addition> additions = prepare(load, database, standin);
  LoopSettings settings;
  settings.database = database.settings();
  settings.database.synchronous_commit_off = !synchronous_commit;
  settings.standin_port = standin.port();
  settings.threads = threads;
  const pid_t server = postmaster(database);
  const double server_before = server_cpu_seconds(server);
  const double before = cpu_seconds(RUSAGE_SELF);
  ListRun run;
  run.seconds = run_lists_loop(settings, additions);
  run.cpu_seconds = cpu_seconds(RUSAGE_SELF) - before;
  run.server_cpu_seconds = server_cpu_seconds(server) - server_before;
  check(load, database, standin);
  return run;
}

double slow_service_run(std::int32_t users, std::int32_t concurrency) {
  const std::string calls = std::to_string(concurrency);
  ListStage stage({.users = users,
                   .worker = {{"SPOOL__LOG__LEVEL", "info"},
                              {"SPOOL__HANDLERS__LIST_OPERATIONS__CONCURRENCY", calls},
                              {"SPOOL__UPSTREAM__TMDB__CONNECTIONS_MAX", calls}}});
  stage.standin().set_faults(R"([{"route": "*", "kind": "latency_ms", "ms": 100}])");
  std::vector<ListOperation> operations;
  for (std::int32_t user = 1; user <= users; ++user) {
    const std::string name = "list of " + std::to_string(user);
    operations.push_back(
        {.id = name, .type = "create_list", .user = user, .ref = user, .name = name});
  }
  stage.publish(operations);
  test::WorkerProcess& worker = stage.start_worker();
  if (!stage.wait_done()) throw std::runtime_error(stage.undone() + stage.logs());
  stop(worker);
  const auto requests = stage.standin().requests();
  if (requests.size() != static_cast<std::size_t>(users) || stage.operations("completed") != users)
    throw std::runtime_error(std::to_string(requests.size()) + " requests of " +
                             std::to_string(users) + " operations");
  const auto last = std::ranges::max_element(requests, {}, &test::StandinRequest::leaves_ms);
  return (last->leaves_ms - requests.front().at_ms) / 1e3;
}

}  // namespace spool::bench
