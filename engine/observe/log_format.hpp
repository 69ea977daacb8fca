// One log line as text or as JSON: an event name and fields. Pure, any thread. Whatever the bytes
// of a value, the line stays one line, valid UTF-8 and harmless to a terminal; values are cut at
// kFieldBytesMax.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/time.hpp"
#include "engine/observe/log_level.hpp"

namespace spool::observe {

inline constexpr std::size_t kFieldBytesMax = 1024;

// A view: it lives within the expression that logs. A key is a literal word of ours: [a-z_]+ and
// none of ts, level and event, which every line has; "msg" is the one for a sentence.
struct Field {
  std::string_view key;
  std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view> value;

  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, std::signed_integral auto v)
      : key(k), value(static_cast<std::int64_t>(v)) {}
  Field(std::string_view k, std::unsigned_integral auto v)
      : key(k), value(static_cast<std::uint64_t>(v)) {}
  Field(std::string_view k, std::floating_point auto v) : key(k), value(static_cast<double>(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
};

struct LogLine {
  base::EpochMicros time = 0;
  Level level = Level::info;
  std::string_view event;  // "lane.taken"
  std::span<const Field> fields;
};

// 2026-01-02T03:04:05.678901Z INFO  lane.taken lane=progress_events/3 epoch=3
std::string format_text(const LogLine& line);

// {"ts":"2026-01-02T03:04:05.678901Z","level":"info","event":"lane.taken","epoch":3}
std::string format_json(const LogLine& line);

}  // namespace spool::observe
