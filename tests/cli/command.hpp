// One run of the program: its words, environment and stdin in; stdout, stderr and the exit code
// out. Owned by the test's thread, which waits for the end.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace spool::test {

using Environment = std::map<std::string, std::string>;

struct Ended {
  int code = -1;  // 128 + signal if one ended it
  std::string out;
  std::string err;
};

// Ends the test program with a word when the process cannot be started or lives longer than
// anything takes.
Ended run_program(const std::vector<std::string>& words, const Environment& environment,
                  const std::string& in = {});

// The program while it runs; it is killed when this goes.
class Running {
 public:
  Running(const std::vector<std::string>& words, const Environment& environment);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // The next line on stderr that contains `piece`; "" when the process ended without one.
  std::string line_with(const std::string& piece);
  void signal(int number) const;
  // Waits for the end, reading what it still writes.
  int wait();

 private:
  bool read_more();

  int pid_ = -1;
  int err_ = -1;
  bool ended_ = false;
  int code_ = -1;
  std::string pending_;
};

}  // namespace spool::test
