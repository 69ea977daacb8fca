// A scenario of the drill's handlers (tests/drill): topics with ladders of milliseconds, events
// that say how they fail, and what can be found of them afterwards. One test's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/uuid.hpp"
#include "tests/support/history.hpp"
#include "tests/support/stage.hpp"

namespace spool::test {

struct DrillSettings {
  std::int32_t partitions = 4;
  std::vector<std::string> handlers{"drill"};  // those that run
  std::vector<std::chrono::milliseconds> delays{std::chrono::milliseconds(50),
                                                std::chrono::milliseconds(100),
                                                std::chrono::milliseconds(200)};
  Environment worker = {};  // added to every worker's environment
};

// See tests/drill/drill_event.hpp for what the members of its data mean.
struct DrillEvent {
  std::string id;
  std::string key = "k";
  std::int64_t n = 0;
  std::int64_t fail = 0;
  std::string how = {};
  std::string type = {};
  std::optional<std::int64_t> lives = {};
  std::optional<std::int64_t> after_ms = {};
  std::optional<std::int64_t> scheduled_us = {};
  std::string source = "urn:drill";
};

inline constexpr std::int64_t kAlways = 1'000'000;  // DrillEvent::fail

// Its binary-mode record, on the partition of its key.
GeneratedRecord record_of(const DrillEvent& event, std::int32_t partitions);
std::int32_t partition_of(const std::string& key, std::int32_t partitions);

class DrillStage : public Stage {
 public:
  explicit DrillStage(DrillSettings settings = {});
  ~DrillStage();

  WorkerProcess& start_worker(const Environment& extra = {});
  // The same program with other words than `run`, such as {"audit", "ledger"}.
  std::unique_ptr<WorkerProcess> command_line(std::vector<std::string> words);

  std::string topic(const std::string& handler = "drill") const;
  std::string dead_letter_topic(const std::string& handler = "drill") const;
  std::string retry_topic(std::size_t rung, const std::string& handler = "drill") const;
  std::int64_t ladder() const;  // attempts that an event has

  void publish(const std::vector<DrillEvent>& events, const std::string& handler = "drill");
  std::vector<TopicRecord> read(const std::string& topic) {
    return read_topic(topic, settings_.partitions);
  }

  // Whether every lane is at the end of its log, holds nothing back and has announced everything.
  bool wait_settled(std::chrono::seconds limit = kPatience);
  // Whether so many events of the handler have been applied.
  bool wait_applied(std::int64_t events, const std::string& handler = "drill",
                    std::chrono::seconds limit = kPatience);

  // Rows of a handler.
  std::int64_t applied(const std::string& handler = "drill");
  std::int64_t dead(const std::string& state = "open", const std::string& handler = "drill");
  // Everything that was found, of what was produced.
  History history(const std::vector<DrillEvent>& produced, const std::string& handler = "drill");

  // Asks the lanes' owners, as the command line does, to do this with everything that it can be
  // done with, or with what is of this key; the ids of what was asked.
  enum class Command { replay, discard, retry_now, cancel };
  std::vector<base::Uuid> command(Command kind, const std::string& key = {});
  bool wait_finished(const std::vector<base::Uuid>& commands);

  // The service of drill_flaky is away from now on, or back.
  void service_down(bool down);

  std::int32_t partitions() const { return settings_.partitions; }

 private:
  Environment worker_environment() const;
  std::string path(const char* file) const;

  DrillSettings settings_;
  std::string folder_;
};

}  // namespace spool::test
