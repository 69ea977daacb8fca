#include "tests/support/worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace spool::test {
namespace {

constexpr std::size_t kTailLines = 40;

bool contains_all(const std::string& line, const std::vector<std::string>& pieces) {
  for (const std::string& piece : pieces) {
    if (line.find(piece) == std::string::npos) return false;
  }
  return true;
}

std::vector<std::string> merged(const Environment& environment) {
  std::vector<std::string> merged;
  for (const char* name : {"PATH", "HOME"}) {
    if (const char* value = std::getenv(name)) merged.push_back(std::string(name) + "=" + value);
  }
  for (const auto& [name, value] : environment) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

WorkerProcess::WorkerProcess(std::vector<std::string> command, const Environment& environment,
                             LineBoard& board)
    : board_(board) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  std::vector<std::string> variables = merged(environment);
  auto argv = pointers(command);
  auto envp = pointers(variables);
  const int failed =
      ::posix_spawn(&pid_, command[0].c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) throw std::runtime_error("cannot start " + command[0]);
  reader_ = std::thread([this, fd = ends[0]] { read_lines(fd); });
}

WorkerProcess::~WorkerProcess() {
  kill();
  reader_.join();
}

void WorkerProcess::read_lines(int fd) {
  std::string pending;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t start = 0;
    for (std::size_t end = pending.find('\n'); end != std::string::npos;
         end = pending.find('\n', start)) {
      {
        const std::lock_guard lock(mutex_);
        lines_.push_back(pending.substr(start, end - start));
      }
      board_.line_written();
      start = end + 1;
    }
    pending.erase(0, start);
  }
  ::close(fd);
  drained_ = true;
  board_.line_written();  // the end of a process is news too
}

int WorkerProcess::count(const std::vector<std::string>& pieces) const {
  const std::lock_guard lock(mutex_);
  int found = 0;
  for (const std::string& line : lines_) found += contains_all(line, pieces) ? 1 : 0;
  return found;
}

bool WorkerProcess::says(const std::vector<std::string>& pieces, std::chrono::seconds limit) {
  return board_.wait_until([&] { return count(pieces) > 0; }, limit);
}

void WorkerProcess::signal(int number) {
  if (!exit_) ::kill(pid_, number);
}

void WorkerProcess::kill() {
  signal(SIGKILL);
  wait_exit();
}

std::optional<int> WorkerProcess::wait_exit(std::chrono::seconds limit) {
  if (exit_) return exit_;
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd waiting{handle, POLLIN, 0};
  const auto limit_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  const bool gone = ::poll(&waiting, 1, static_cast<int>(limit_ms)) == 1;
  ::close(handle);
  if (!gone) return std::nullopt;
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
  // The pipe ends with the process; what it said last must have been read.
  board_.wait_until([&] { return drained_.load(); }, limit);
  exit_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return exit_;
}

bool WorkerProcess::wait_stopped() {
  siginfo_t info{};
  const int failed = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
  return failed == 0 && info.si_code == CLD_STOPPED;
}

std::string WorkerProcess::tail() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  const std::size_t first = lines_.size() > kTailLines ? lines_.size() - kTailLines : 0;
  for (std::size_t i = first; i < lines_.size(); ++i) text += lines_[i] + "\n";
  return text;
}

int WorkerProcess::admin_port() {
  if (!says({"admin.listening"})) return 0;
  const std::lock_guard lock(mutex_);
  for (const std::string& line : lines_) {
    const std::size_t at = line.find("\"port\":");
    if (at != std::string::npos && contains_all(line, {"admin.listening"}))
      return std::atoi(line.c_str() + at + 7);
  }
  return 0;
}

}  // namespace spool::test
