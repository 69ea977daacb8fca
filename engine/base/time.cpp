#include "engine/base/time.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace spool::base {
namespace {

constexpr EpochMicros kMicrosPerSecond = 1'000'000;

// Reads exactly `digits` decimal digits and moves on; -1 if they are not there.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || (text.front() | 0x20) != (wanted | 0x20)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_fraction_micros(std::string_view& text) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  std::int64_t micros = 0;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 6) micros = micros * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) micros *= 10;
  return micros;
}

// Seconds east of UTC; the whole rest of the text must be the zone.
std::optional<std::int64_t> take_zone_seconds(std::string_view text) {
  if (take_char(text, 'Z')) return text.empty() ? std::optional<std::int64_t>(0) : std::nullopt;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const std::int64_t sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const int hours = take_number(text, 2);
  if (hours < 0 || hours > 23 || text.empty() || text.front() != ':') return std::nullopt;
  text.remove_prefix(1);
  const int minutes = take_number(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<EpochMicros> parse_rfc3339(std::string_view text) {
  const auto dash = [&] {
    if (text.empty() || text.front() != '-') return false;
    text.remove_prefix(1);
    return true;
  };
  const auto colon = [&] {
    if (text.empty() || text.front() != ':') return false;
    text.remove_prefix(1);
    return true;
  };
  const int year = take_number(text, 4);
  if (year < 0 || !dash()) return std::nullopt;
  const int month = take_number(text, 2);
  if (month < 0 || !dash()) return std::nullopt;
  const int day = take_number(text, 2);
  if (day < 0) return std::nullopt;
  if (text.empty() || (text.front() != 'T' && text.front() != 't' && text.front() != ' '))
    return std::nullopt;
  text.remove_prefix(1);
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !colon()) return std::nullopt;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !colon()) return std::nullopt;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return std::nullopt;
  const auto micros = take_fraction_micros(text);
  if (!micros) return std::nullopt;
  const auto zone = take_zone_seconds(text);
  if (!zone) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + hour * 3600L + minute * 60L + second - *zone;
  return seconds * kMicrosPerSecond + *micros;
}

std::string format_rfc3339(EpochMicros time) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> point{std::chrono::microseconds{time}};
  const auto midnight = floor<std::chrono::days>(point);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss clock{point - midnight};
  std::array<char, 48> out{};
  const int length = std::snprintf(
      out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {out.data(), static_cast<std::size_t>(length)};
}

}  // namespace spool::base
