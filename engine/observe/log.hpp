// Structured log lines: an event name and fields, as text on a terminal and as JSON elsewhere. One
// logger per process, made at start and passed by reference; any thread. Writes line by line,
// synchronously; a reader that does not drain its pipe costs a line after a short wait, never the
// worker.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/observe/log_format.hpp"
#include "engine/observe/log_level.hpp"

namespace spool::observe {

enum class LogFormat { automatic, text, json };

// "auto", "text", "json"; "debug", "info", "warn", "error".
base::Result<LogFormat> parse_log_format(std::string_view word);
base::Result<Level> parse_log_level(std::string_view word);

struct LogSettings {
  LogFormat format = LogFormat::automatic;      // text if `fd` is a terminal, else JSON
  Level level = Level::info;                    // the least level that is written
  int fd = 2;                                   // not closed by the logger
  std::function<base::EpochMicros()> now = {};  // empty: the system's clock
};

class Logger {
 public:
  using Fields = std::initializer_list<Field>;

  explicit Logger(LogSettings settings);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

  void write(Level level, std::string_view event, Fields fields) {
    write(level, event, std::span<const Field>(fields.begin(), fields.size()));
  }
  void write(Level level, std::string_view event, std::span<const Field> fields);

  bool enabled(Level level) const;
  void set_level(Level level);

  // Lines written, by level.
  const LogCounts& counts() const;
  // Lines given up because nobody drained the descriptor.
  std::uint64_t dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::observe
