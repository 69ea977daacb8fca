// The stage of one scenario: topics and a database of its own on the stack that the environment
// names, workers as processes, the generator's events published, and the comparison with the
// reference. One test's thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/kafka/cluster.hpp"
#include "tests/support/generator.hpp"
#include "tests/support/pg_database.hpp"
#include "tests/support/worker_process.hpp"

namespace spool::test {

struct ScenarioSettings {
  std::int32_t partitions = 8;
  Environment worker = {};  // added to every worker's environment
};

// What stands on the dead-letter topic.
struct DeadLetterTopic {
  std::set<std::pair<std::string, std::string>> identities;  // (source, id) as a set
  std::size_t nameless = 0;  // distinct records without an identity of their own
  std::size_t records = 0;   // repetitions included
};

class Scenario {
 public:
  explicit Scenario(ScenarioSettings settings = {});
  ~Scenario();

  // `spool run` with this scenario's topics and database. `extra` wins.
  WorkerProcess& start_worker(const Environment& extra = {});
  // The same program with stops at labelled points of its transactions: see
  // tests/support/testpoint_main.cpp.
  WorkerProcess& start_worker_with_points(const Environment& extra);
  std::vector<std::unique_ptr<WorkerProcess>>& workers() { return workers_; }

  // Publishes all records in their order, each to its partition; waits for the acknowledgements.
  void publish(const std::vector<GeneratedRecord>& records);
  void publish(const std::vector<GeneratedRecord>& records, std::size_t first, std::size_t last);

  // Deletes the topic and creates it again, empty.
  void recreate_topic();

  // Whether every lane has reached the end of its partition and has published its outbox.
  bool wait_caught_up(std::chrono::seconds limit = kPatience);
  // One number from the database.
  std::int64_t number(const std::string& sql);
  std::string text(const std::string& sql);
  PgDatabase& database() { return database_; }

  // The whole comparison: final table, dead letters (table and topic), counters of every lane.
  void expect_matches(const Generated& generated);
  DeadLetterTopic read_dead_letter_topic();

  const std::string& topic() const { return topic_; }
  const std::string& dead_letter_topic() const { return dead_letter_topic_; }
  const std::string& group() const { return group_; }
  std::string database_url() const { return database_.url(); }
  kafka::Cluster& cluster() { return *cluster_; }
  LineBoard& board() { return board_; }
  Environment worker_environment() const;
  std::int64_t end_offset(std::int32_t partition);
  // The tails of all workers' logs, for a failing test's message.
  std::string logs() const;

 private:
  WorkerProcess& start(const std::string& program, const Environment& extra);
  void expect_rows(const Generated& generated);
  void expect_dead(const Generated& generated);
  void expect_counters(const Generated& generated);

  ScenarioSettings settings_;
  std::string bootstrap_;
  std::string topic_;
  std::string dead_letter_topic_;
  std::string group_;
  PgDatabase database_;
  std::unique_ptr<kafka::Cluster> cluster_;
  LineBoard board_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
};

// Runs `ops/stack <command>` on the stack that the environment names; the test fails if it does.
void stack(const std::string& command);

// A value of the environment; the test aborts with a hint when it is missing.
std::string environment(const char* name);

}  // namespace spool::test
