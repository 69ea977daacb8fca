// The duties of this worker's handlers, on a thread and a connection of their own. All workers of
// the deployment have the same rota in spool.duties; a duty that is due goes to whoever locks its
// row first, until the end of its transaction, so that the duty of a worker that died is free at
// once. One that fails is tried again after a pause; the worker's health does not depend on it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/observe/log.hpp"
#include "engine/observe/metrics.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/runtime/duty_publisher.hpp"
#include "engine/store/duty_book.hpp"

namespace spool::runtime {

struct DutyRoute {
  std::string handler;
  std::string topic;
  handler::Duty* duty = nullptr;  // outlives the rota
};

struct RotaSettings {
  std::vector<DutyRoute> duties;
  postgres::ConnectionSettings database;
  kafka::ProducerSettings producer;
  // Of one run's events. Meanwhile its transaction is idle: below what the database allows that.
  std::chrono::milliseconds publish_limit{5'000};
  std::string owner;  // shown to operators
};

class DutyRota {
 public:
  // References outlive it.
  DutyRota(RotaSettings settings, observe::Metrics& metrics, observe::Logger& log);
  ~DutyRota();  // ends what runs, by a rollback, and waits
  DutyRota(const DutyRota&) = delete;
  DutyRota& operator=(const DutyRota&) = delete;

  // Any thread: ends a call to the database that has lasted longer than `limit`.
  void interrupt(std::chrono::milliseconds limit);

 private:
  enum class Outcome { done, more, not_ours, failed };

  void serve();
  // Runs what is due, each once; how long to rest then.
  std::chrono::milliseconds round();
  Outcome run(std::size_t index);
  base::Result<Outcome> run(std::size_t index, store::DutyTurn& turn);
  Outcome failed(std::size_t index, const store::DutyTurn& turn, const base::Failure& why);
  base::Result<postgres::Connection*> connection();

  RotaSettings settings_;
  observe::Metrics& metrics_;
  observe::Logger& log_;
  std::vector<store::DutyPlan> plans_;  // of settings_.duties, one by one
  int stop_fd_;                         // an eventfd
  DutyPublisher publisher_;
  bool looked_ = true;  // as last logged
  std::mutex connection_mutex_;
  std::unique_ptr<postgres::Connection> connection_;
  std::atomic<bool> stop_{false};
  std::thread thread_;  // uses everything above; none if there is nothing to do
};

}  // namespace spool::runtime
