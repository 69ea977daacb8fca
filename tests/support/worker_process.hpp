// A worker as a process of its own, as operators run it: started with an environment, heard through
// its log, signalled and waited for. Owned by the test's thread; killed when it goes.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/line_board.hpp"

namespace spool::test {

using Environment = std::map<std::string, std::string>;

class WorkerProcess {
 public:
  // `command`: the program and its arguments. The process gets PATH and HOME of ours and
  // `environment`.
  WorkerProcess(std::vector<std::string> command, const Environment& environment, LineBoard& board);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Whether some line (JSON) contains all of these pieces by now, or within the deadline.
  bool says(const std::vector<std::string>& pieces, std::chrono::seconds limit = kPatience);
  int count(const std::vector<std::string>& pieces) const;

  void signal(int number);
  // SIGKILL, and waits until the process is gone.
  void kill();
  // Exit code, or 128 + signal; empty when the deadline passed first.
  std::optional<int> wait_exit(std::chrono::seconds limit = kPatience);
  // Waits until the process has stopped itself (SIGSTOP); false if it ended instead.
  bool wait_stopped();

  pid_t pid() const { return pid_; }
  // The last lines, for a failing test's message.
  std::string tail() const;
  // The port of the admin server; waits until it listens.
  int admin_port();

 private:
  void read_lines(int fd);

  LineBoard& board_;
  pid_t pid_ = -1;
  std::optional<int> exit_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::atomic<bool> drained_{false};  // everything that the process said has been read
  std::thread reader_;
};

}  // namespace spool::test
