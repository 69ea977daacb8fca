#include "tests/soak/process_memory.hpp"

#include <fstream>
#include <string>

namespace spool::soak {

std::int64_t peak_rss_kb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::int64_t kb = 0;
  for (std::string word; file >> word;) {
    if (word == "VmHWM:" && file >> kb) break;
  }
  return kb;
}

}  // namespace spool::soak
