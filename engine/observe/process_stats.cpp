#include "engine/observe/process_stats.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

namespace spool::observe {
namespace {

std::string read_file(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = text.find_first_not_of(" \n"); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(" \n", end);
  }
  return out;
}

double count_open_fds() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  // One of them was the directory itself.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

std::optional<StatLine> parse_stat_line(std::string_view text) {
  // The second field is the program's name in parentheses and may hold blanks and parentheses
  // itself.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  // Fields are numbered from 1 in proc(5); the first word after the name is field 3.
  const std::vector<std::string_view> fields = words(text.substr(name_end + 1));
  const auto field = [&](std::size_t n) -> std::optional<unsigned long long> {
    return n - 3 < fields.size() ? number<unsigned long long>(fields[n - 3]) : std::nullopt;
  };
  const auto user = field(14);
  const auto system = field(15);
  const auto start = field(22);
  const auto resident = field(24);
  if (!user || !system || !start || !resident) return std::nullopt;
  return StatLine{*user, *system, *start, *resident};
}

std::optional<double> parse_boot_time(std::string_view text) {
  constexpr std::string_view kKey = "\nbtime ";
  const std::size_t at = text.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + kKey.size());
  return number<double>(rest.substr(0, rest.find('\n')));
}

std::optional<ProcessStats> read_process_stats() {
  const auto line = parse_stat_line(read_file("/proc/self/stat"));
  const auto boot = parse_boot_time(read_file("/proc/stat"));
  if (!line || !boot) return std::nullopt;
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessStats stats;
  stats.cpu_seconds = static_cast<double>(line->user_ticks + line->system_ticks) / ticks;
  stats.resident_bytes =
      static_cast<double>(line->resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  stats.open_fds = count_open_fds();
  stats.start_time_seconds = *boot + static_cast<double>(line->start_ticks) / ticks;
  return stats;
}

}  // namespace spool::observe
