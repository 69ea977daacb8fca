#include "tests/bench/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace spool::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command,
                           const std::map<std::string, std::string>& environment,
                           const std::string& log) {
  std::vector<std::string> words = command;
  std::vector<std::string> variables;
  for (const char* name : {"PATH", "HOME"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int failed = posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                                 pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " + words[0]);
}

ChildProcess::~ChildProcess() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::signal(int number) {
  if (!ended_) ::kill(pid_, number);
}

std::optional<ChildProcess::Ended> ChildProcess::wait(std::chrono::milliseconds limit) {
  if (ended_) return ended_;
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd waiting{handle, POLLIN, 0};
  const bool gone = ::poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
  ::close(handle);
  if (!gone) return std::nullopt;
  int status = 0;
  rusage usage{};
  ::wait4(pid_, &status, 0, &usage);
  ended_ = Ended{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                 seconds(usage.ru_utime) + seconds(usage.ru_stime)};
  return ended_;
}

std::int64_t ChildProcess::peak_rss_kb() const {
  return status_kb("VmHWM:");
}
std::int64_t ChildProcess::rss_kb() const {
  return status_kb("VmRSS:");
}

std::int64_t ChildProcess::status_kb(const char* field) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  std::int64_t kb = 0;
  for (std::string word; file >> word;) {
    if (word == field && file >> kb) break;
  }
  return kb;
}

}  // namespace spool::bench
