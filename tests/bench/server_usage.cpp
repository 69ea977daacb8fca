#include "tests/bench/server_usage.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace spool::bench {
namespace {

struct Ticks {
  pid_t parent = 0;
  long own = 0;
  long reaped = 0;
};

// The fields of /proc/PID/stat behind the command name, which may hold spaces. Empty for one that
// is gone.
Ticks ticks_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  Ticks ticks;
  long user = 0, system = 0, reaped_user = 0, reaped_system = 0;
  fields >> skipped >> ticks.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  fields >> user >> system >> reaped_user >> reaped_system;
  ticks.own = user + system;
  ticks.reaped = reaped_user + reaped_system;
  return ticks;
}

}  // namespace

pid_t postmaster(const test::PgDatabase& database) {
  return static_cast<pid_t>(
      std::stoi(database.value("select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)")));
}

double server_cpu_seconds(pid_t postmaster) {
  long sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (!std::all_of(pid.begin(), pid.end(), [](unsigned char c) { return std::isdigit(c); }))
      continue;
    const Ticks ticks = ticks_of(pid);
    if (pid == std::to_string(postmaster)) sum += ticks.own + ticks.reaped;
    if (ticks.parent == postmaster) sum += ticks.own;
  }
  return static_cast<double>(sum) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace spool::bench
