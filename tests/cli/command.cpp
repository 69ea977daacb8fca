#include "tests/cli/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace spool::test {
namespace {

constexpr int kPatienceMs = 60'000;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "run of the program: %s\n", why.c_str());
  std::abort();
}

struct Pipe {
  int read = -1;
  int write = -1;
};
Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("no pipe");
  return {ends[0], ends[1]};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// -1 stands for /dev/null.
int start(const std::vector<std::string>& words, const Environment& environment, int in, int out,
          int err) {
  std::vector<std::string> command = {SPOOL_BINARY};
  command.insert(command.end(), words.begin(), words.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::array<int, 3> wanted = {in, out, err};
  for (int fd = 0; fd < 3; ++fd) {
    const int from = wanted[static_cast<std::size_t>(fd)];
    if (from < 0) {
      posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY, 0);
    } else {
      posix_spawn_file_actions_adddup2(&actions, from, fd);
    }
  }
  auto argv = pointers(command);
  auto envp = pointers(variables);
  pid_t pid = -1;
  if (::posix_spawn(&pid, SPOOL_BINARY, &actions, nullptr, argv.data(), envp.data()) != 0)
    give_up("cannot start " SPOOL_BINARY);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// Appends what is there; false at the end.
bool read_some(int fd, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

int exit_of(int pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void read_both(int pid, int out, int err, Ended& ended) {
  std::array<pollfd, 2> waiting = {{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), kPatienceMs) == 0) {
      ::kill(pid, SIGKILL);
      give_up("no end; it said: " + ended.out + ended.err);
    }
    if (waiting[0].revents != 0 && !read_some(out, ended.out)) waiting[0].fd = -1;
    if (waiting[1].revents != 0 && !read_some(err, ended.err)) waiting[1].fd = -1;
  }
}

}  // namespace

Ended run_program(const std::vector<std::string>& words, const Environment& environment,
                  const std::string& in) {
  // A pipe holds 64 KiB: what a test hands over fits without a reader.
  const Pipe input = make_pipe();
  const Pipe output = make_pipe();
  const Pipe errors = make_pipe();
  if (::write(input.write, in.data(), in.size()) != static_cast<ssize_t>(in.size()))
    give_up("stdin is too long");
  const int pid = start(words, environment, input.read, output.write, errors.write);
  for (const int fd : {input.read, input.write, output.write, errors.write}) ::close(fd);
  Ended ended;
  read_both(pid, output.read, errors.read, ended);
  ::close(output.read);
  ::close(errors.read);
  ended.code = exit_of(pid);
  return ended;
}

Running::Running(const std::vector<std::string>& words, const Environment& environment) {
  const Pipe errors = make_pipe();
  pid_ = start(words, environment, -1, -1, errors.write);
  ::close(errors.write);
  err_ = errors.read;
}

Running::~Running() {
  if (!ended_) {
    signal(SIGKILL);
    wait();
  }
  ::close(err_);
}

bool Running::read_more() {
  pollfd waiting{err_, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) == 0) {
    signal(SIGKILL);
    give_up("silent; it said: " + pending_);
  }
  return read_some(err_, pending_);
}

std::string Running::line_with(const std::string& piece) {
  for (;;) {
    for (std::size_t end = pending_.find('\n'); end != std::string::npos;
         end = pending_.find('\n')) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.find(piece) != std::string::npos) return line;
    }
    if (!read_more()) return {};
  }
}

void Running::signal(int number) const {
  ::kill(pid_, number);
}

int Running::wait() {
  while (!ended_ && read_more()) {
  }
  if (!ended_) code_ = exit_of(pid_);
  ended_ = true;
  return code_;
}

}  // namespace spool::test
