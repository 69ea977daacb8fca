// A scenario of list operations: the program's own worker, a stand-in for TMDB with a ledger of
// what it really did, users with sessions, topics with a ladder of milliseconds. One test's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/stage.hpp"
#include "tests/tmdb/standin_process.hpp"

namespace spool::test {

struct ListSettings {
  std::int32_t partitions = 8;
  std::int32_t users = 1;  // 1..users, each with a session
  std::vector<std::string> delays{"100ms", "200ms", "400ms", "800ms", "1600ms"};
  Environment worker = {};  // added to every worker's environment
};

// One operation as it is published. Its list is named by `ref`, a number that stands for a uuid.
struct ListOperation {
  std::string id;
  std::string type;  // create_list, ...
  std::int32_t user = 1;
  std::int32_t ref = 1;
  std::int32_t movie = 0;
  std::string name = {};  // of create_list and update_list
  std::string raw = {};   // in place of the whole data
};

std::string uuid_of(std::int32_t ref);

class ListStage : public Stage {
 public:
  explicit ListStage(ListSettings settings = {});

  WorkerProcess& start_worker(const Environment& extra = {});
  // The same program with other words than `run`.
  std::unique_ptr<WorkerProcess> command_line(std::vector<std::string> words);

  void publish(const std::vector<ListOperation>& operations);

  // Whether no operation is left to be done, every lane is at the end of its log and everything
  // that was to be told is told.
  bool wait_done(std::chrono::seconds limit = kPatience);
  std::int64_t operations(const std::string& status);
  // What is not done, for a failing test's message.
  std::string undone();
  // Sets the user's session anew and makes due what waited for it, as a login does.
  void log_in(std::int32_t user, const std::string& session_id);

  // The movies of each list by its ref: as the database's mirror has them, and as the stand-in.
  using Lists = std::map<std::string, std::set<std::int64_t>>;  // by the list's name
  Lists mirror();
  Lists service();

  StandinProcess& standin() { return standin_; }
  std::string topic() const { return name() + ".list-operations"; }
  std::string events_topic() const { return name() + ".events"; }

 private:
  Environment environment(const Environment& extra) const;
  void log_in(postgres::Transaction& transaction, std::int32_t user, const std::string& session_id);

  ListSettings settings_;
  StandinProcess standin_;
};

}  // namespace spool::test
