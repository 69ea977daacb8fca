// The stand-in as a process of its own: started on a free port, steered through its control
// address, asked what really took place. Owned by the test's thread; killed when it goes. What
// fails that should not is an exception.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace spool::test {

struct StandinUser {
  std::int64_t id = 0;
  std::string session_id;
  std::string access_token;
  std::string account_object_id;
};

struct StandinEffect {
  std::int64_t n = 0;
  double at_ms = 0;  // CLOCK_MONOTONIC, as std::chrono::steady_clock of this process
  std::int64_t user = 0;
  std::int64_t list_id = 0;
  std::string kind;
  std::string media_type;  // empty where no item is concerned
  std::int64_t media_id = 0;
  std::string name;
  bool changed = false;
  std::string origin;
};

struct StandinRequest {
  double at_ms = 0;
  std::string route;
  std::string target;    // the id in its path: the list's, the account's
  int status = 0;        // 0: closed without an answer, -1: not answered yet
  double leaves_ms = 0;  // when the answer may have left at the earliest
};

struct StandinList {
  std::int64_t id = 0;
  std::int64_t user = 0;
  std::string name;
  std::string description;
  bool is_public = true;
  std::vector<std::int64_t> media_ids;  // in the order of the list
};

class StandinProcess {
 public:
  // `arguments` of the program beyond --listen and --control.
  explicit StandinProcess(std::vector<std::string> arguments = {});
  ~StandinProcess();
  StandinProcess(const StandinProcess&) = delete;
  StandinProcess& operator=(const StandinProcess&) = delete;

  // "http://127.0.0.1:41234" (https with a certificate); the versions /3 and /4 stand below.
  std::string url() const;
  std::uint16_t port() const { return port_; }
  std::uint16_t control_port() const { return control_port_; }

  // The body of the answer. `path`: "/_standin/users".
  std::string control(const std::string& method, const std::string& path,
                      const std::string& body = {});
  StandinUser add_user(std::int64_t id);
  void set_faults(const std::string& json);
  void clear_faults();
  // Nobody can connect any more, and connections are reset, until resume().
  void refuse();
  void resume();
  void reset();

  std::vector<StandinEffect> ledger(std::int64_t since = 0);
  std::vector<StandinRequest> requests(std::int64_t since = 0);
  std::vector<StandinList> state();

  // SIGTERM; the exit code, or 128 + signal.
  int stop();

 private:
  int wait_exit();

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t control_port_ = 0;
  bool tls_ = false;
};

}  // namespace spool::test
