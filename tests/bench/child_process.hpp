// A measured program: started with an environment of its own, its output in a file, killed when
// this goes. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace spool::bench {

class ChildProcess {
 public:
  struct Ended {
    int code = 0;            // exit code, or 128 + signal
    double cpu_seconds = 0;  // user and system, of its whole life
  };

  // `environment` is added to PATH and HOME; output is appended to `log`.
  ChildProcess(const std::vector<std::string>& command,
               const std::map<std::string, std::string>& environment, const std::string& log);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);
  // Whether it has ended by now.
  bool ended() { return wait(std::chrono::milliseconds(0)).has_value(); }
  // Empty when the limit passed first.
  std::optional<Ended> wait(std::chrono::milliseconds limit);
  // The kernel's high-water mark. (ru_maxrss would start at ours, the parent's.) 0 once it has
  // ended.
  std::int64_t peak_rss_kb() const;
  std::int64_t rss_kb() const;

 private:
  std::int64_t status_kb(const char* field) const;

  pid_t pid_ = -1;
  std::optional<Ended> ended_;
};

}  // namespace spool::bench
