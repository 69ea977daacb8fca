// A scenario of the playback handler: the generator's events published to its topic, workers that
// serve it, and the comparison with the reference. One test's thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/generator.hpp"
#include "tests/support/stage.hpp"

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

class Scenario : public Stage {
 public:
  explicit Scenario(ScenarioSettings settings = {});

  // `spool run` with this scenario's topics and database. `extra` wins.
  WorkerProcess& start_worker(const Environment& extra = {});
  // The same program with stops at labelled points of its transactions: see
  // tests/support/testpoint_main.cpp.
  WorkerProcess& start_worker_with_points(const Environment& extra);

  // Publishes all records in their order, each to its partition; waits for the acknowledgements.
  void publish(const std::vector<GeneratedRecord>& records);
  void publish(const std::vector<GeneratedRecord>& records, std::size_t first, std::size_t last);

  void recreate_topic() { Stage::recreate_topic(topic_, settings_.partitions); }

  // Whether every lane has reached the end of its partition and has published its outbox.
  bool wait_caught_up(std::chrono::seconds limit = kPatience);

  // The whole comparison: final table, dead letters (table and topic), counters of every lane.
  void expect_matches(const Generated& generated);
  DeadLetterTopic read_dead_letter_topic();

  const std::string& topic() const { return topic_; }
  const std::string& dead_letter_topic() const { return dead_letter_topic_; }
  const std::string& group() const { return group_; }
  Environment worker_environment() const;
  std::int64_t end_offset(std::int32_t partition) { return Stage::end_offset(topic_, partition); }

 private:
  WorkerProcess& start_program(const std::string& program, const Environment& extra);
  void expect_rows(const Generated& generated);
  void expect_dead(const Generated& generated);
  void expect_counters(const Generated& generated);

  ScenarioSettings settings_;
  std::string topic_;
  std::string dead_letter_topic_;
  std::string events_topic_;
  std::string group_;
};

}  // namespace spool::test
