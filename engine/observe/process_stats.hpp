// What the process uses, read from /proc when asked (some tens of microseconds). Any thread.
#pragma once

#include <optional>
#include <string_view>

namespace spool::observe {

struct ProcessStats {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double open_fds = 0;
  double start_time_seconds = 0;  // since the Unix epoch
};

// The fields of /proc/self/stat that count, in the kernel's units. Pure.
struct StatLine {
  unsigned long long user_ticks = 0;
  unsigned long long system_ticks = 0;
  unsigned long long start_ticks = 0;  // since boot
  unsigned long long resident_pages = 0;
};
std::optional<StatLine> parse_stat_line(std::string_view text);

// The line "btime N" of /proc/stat: boot, seconds since the Unix epoch. Pure.
std::optional<double> parse_boot_time(std::string_view text);

// Empty where there is no /proc.
std::optional<ProcessStats> read_process_stats();

}  // namespace spool::observe
