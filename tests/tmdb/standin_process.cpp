#include "tests/tmdb/standin_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <simdjson.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

#include "tests/tmdb/plain_http.hpp"

namespace spool::test {
namespace {

namespace dom = simdjson::dom;

constexpr int kStartPatienceMs = 60'000;

// What the program says until its second line has ended.
std::string read_two_lines(int fd) {
  std::string said;
  std::array<char, 256> buffer{};
  while (std::ranges::count(said, '\n') < 2) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, kStartPatienceMs) != 1) break;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    said.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return said;
}

std::uint16_t port_after(const std::string& said, const std::string& word) {
  const std::size_t at = said.find(word);
  if (at == std::string::npos) throw std::runtime_error("the stand-in did not start: " + said);
  return static_cast<std::uint16_t>(std::atoi(said.c_str() + at + word.size()));
}

std::string text_of(const dom::element& object, const char* name) {
  std::string_view value;
  return object[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::int64_t number_of(const dom::element& object, const char* name) {
  std::int64_t value = 0;
  return object[name].get(value) == simdjson::SUCCESS ? value : 0;
}

bool flag_of(const dom::element& object, const char* name) {
  bool value = false;
  return object[name].get(value) == simdjson::SUCCESS && value;
}

double time_of(const dom::element& object, const char* name = "at_ms") {
  double value = 0;
  return object[name].get(value) == simdjson::SUCCESS ? value : 0;
}

// `take` for each line of NDJSON.
template <typename Take>
void each_line(const std::string& lines, Take take) {
  dom::parser parser;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at);
    const dom::element row = parser.parse(lines.data() + at, end - at, true);
    take(row);
    at = end + 1;
  }
}

}  // namespace

StandinProcess::StandinProcess(std::vector<std::string> arguments)
    : tls_(std::ranges::count(arguments, "--tls-cert") > 0) {
  std::vector<std::string> words{SPOOL_TMDB_STANDIN_PROGRAM, "--listen", "127.0.0.1:0", "--control",
                                 "127.0.0.1:0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int failed = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  const std::string said = failed == 0 ? read_two_lines(ends[0]) : std::string("no such program");
  ::close(ends[0]);
  try {
    port_ = port_after(said, "listening ");
    control_port_ = port_after(said, "control ");
  } catch (...) {
    if (failed == 0) {
      ::kill(pid_, SIGKILL);
      wait_exit();
    }
    throw;
  }
}

StandinProcess::~StandinProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait_exit();
}

int StandinProcess::wait_exit() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int StandinProcess::stop() {
  ::kill(pid_, SIGTERM);
  return wait_exit();
}

std::string StandinProcess::url() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::string StandinProcess::control(const std::string& method, const std::string& path,
                                    const std::string& body) {
  Exchange answer = exchange(control_port_, method, path, body);
  if (answer.end != Exchange::End::answered || answer.status >= 300) {
    throw std::runtime_error(method + " " + path + ": " + std::to_string(answer.status) + " " +
                             answer.body);
  }
  return std::move(answer.body);
}

StandinUser StandinProcess::add_user(std::int64_t id) {
  dom::parser parser;
  const std::string made =
      control("POST", "/_standin/users", "{\"user_id\":" + std::to_string(id) + "}");
  const dom::element user = parser.parse(made);
  return {id, text_of(user, "session_id"), text_of(user, "access_token"),
          text_of(user, "account_object_id")};
}

void StandinProcess::set_faults(const std::string& json) {
  control("POST", "/_standin/faults", json);
}
void StandinProcess::clear_faults() {
  control("DELETE", "/_standin/faults");
}
void StandinProcess::refuse() {
  control("POST", "/_standin/refuse");
}
void StandinProcess::resume() {
  control("POST", "/_standin/resume");
}
void StandinProcess::reset() {
  control("POST", "/_standin/reset");
}

std::vector<StandinEffect> StandinProcess::ledger(std::int64_t since) {
  std::vector<StandinEffect> effects;
  each_line(
      control("GET", "/_standin/ledger?since=" + std::to_string(since)),
      [&](const dom::element& row) {
        effects.push_back({number_of(row, "n"), time_of(row), number_of(row, "user"),
                           number_of(row, "list_id"), text_of(row, "kind"),
                           text_of(row, "media_type"), number_of(row, "media_id"),
                           text_of(row, "name"), flag_of(row, "changed"), text_of(row, "origin")});
      });
  return effects;
}

std::vector<StandinRequest> StandinProcess::requests(std::int64_t since) {
  std::vector<StandinRequest> all;
  each_line(
      control("GET", "/_standin/requests?since=" + std::to_string(since)),
      [&](const dom::element& row) {
        all.push_back({time_of(row), text_of(row, "route"), text_of(row, "target"),
                       static_cast<int>(number_of(row, "status")), time_of(row, "leaves_ms")});
      });
  return all;
}

std::vector<StandinList> StandinProcess::state() {
  std::vector<StandinList> lists;
  dom::parser parser;
  const std::string state = control("GET", "/_standin/state");
  for (const dom::element user : parser.parse(state)["users"].get_array()) {
    for (const dom::element list : user["lists"].get_array()) {
      StandinList one{number_of(list, "id"),        number_of(list, "user"), text_of(list, "name"),
                      text_of(list, "description"), flag_of(list, "public"), {}};
      for (const dom::element item : list["items"].get_array()) {
        one.media_ids.push_back(number_of(item, "media_id"));
      }
      lists.push_back(std::move(one));
    }
  }
  return lists;
}

}  // namespace spool::test
