// What every scenario stands on: the broker and the database server that the environment names, a
// database and topics of its own, workers as processes. One test's thread; what cannot be made ends
// the test with an exception.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/kafka/cluster.hpp"
#include "tests/support/generator.hpp"
#include "tests/support/need.hpp"
#include "tests/support/pg_database.hpp"
#include "tests/support/worker_process.hpp"

namespace spool::test {

// A record as it stands in a topic.
struct TopicRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  // The last of that name; "" if there is none or it has no value.
  std::string header(const std::string& name) const;
};

class Stage {
 public:
  Stage();
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Distinct from every other stage's: the beginning of its topics and groups.
  const std::string& name() const { return name_; }

  // Deleted together with the stage.
  void create_topics(const std::vector<std::string>& topics, std::int32_t partitions);
  // Deletes the topic and creates it again, empty.
  void recreate_topic(const std::string& topic, std::int32_t partitions);
  // Records [first, last) in their order, each to its partition; waits for the acknowledgements.
  void publish_to(const std::string& topic, const std::vector<GeneratedRecord>& records,
                  std::size_t first, std::size_t last);
  void publish_to(const std::string& topic, const std::vector<GeneratedRecord>& records) {
    publish_to(topic, records, 0, records.size());
  }
  std::int64_t end_offset(const std::string& topic, std::int32_t partition);
  std::int64_t end_offsets(const std::string& topic, std::int32_t partitions);  // their sum
  // Everything that it holds by now, partition by partition.
  std::vector<TopicRecord> read_topic(const std::string& topic, std::int32_t partitions);

  // `program run` with the addresses of broker and database; `environment` wins.
  WorkerProcess& start(const std::string& program, const Environment& environment);
  std::vector<std::unique_ptr<WorkerProcess>>& workers() { return workers_; }

  // The first field of the answer, over a connection that is kept; "" for NULL and for no row.
  std::string text(const std::string& sql);
  std::int64_t number(const std::string& sql);
  // Whether the database answers `t` within the deadline.
  bool wait_true(const std::string& sql, std::chrono::seconds limit = kPatience);
  // Whether it became so within the deadline; asked again and again.
  bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = kPatience) {
    return board_.wait_until(condition, limit);
  }
  // Whether a line of the worker's /metrics matches within the deadline.
  bool wait_metric(WorkerProcess& worker, const std::string& pattern);
  // Conservation: counters, tables and the transactions' own counts add up.
  void expect_conserved();

  // Keeps the database as it is, or sets it back to that. No worker runs meanwhile.
  void save_database();
  void restore_database();

  const std::string& bootstrap() const { return bootstrap_; }
  std::string database_url() const { return database_.url(); }
  PgDatabase& database() { return database_; }
  kafka::Cluster& cluster() { return *cluster_; }
  LineBoard& board() { return board_; }
  // The tails of all workers' logs, for a failing test's message.
  std::string logs() const;

 private:
  base::Result<std::string> ask(const std::string& sql);

  std::string bootstrap_;
  std::string name_;
  PgDatabase database_;
  std::unique_ptr<kafka::Cluster> cluster_;
  std::vector<std::string> topics_;
  std::unique_ptr<postgres::Connection> connection_;
  std::map<std::string, std::string> statements_;  // names of what was asked, by its text
  LineBoard board_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
};

// Runs `ops/stack <command>` on the stack that the environment names; the test fails if it does.
void stack(const std::string& command);

}  // namespace spool::test
