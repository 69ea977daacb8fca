#include "engine/observe/log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

namespace spool::observe {
namespace {

using base::Failure;
using base::FailureKind;

// How long a line waits for a full pipe before it is given up.
constexpr int kFullPipeWaitMs = 100;

// Writes whole lines to a descriptor. The lines come formatted: spdlog supplies the levels and the
// lock.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    line_.assign(msg.payload.data(), msg.payload.size());
    line_ += '\n';
    if (!write_all(line_)) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}

 private:
  bool write_all(std::string_view rest) const {
    while (!rest.empty()) {
      const ssize_t written = ::write(fd_, rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        pollfd ready{fd_, POLLOUT, 0};
        if (::poll(&ready, 1, kFullPipeWaitMs) <= 0) return false;
      } else if (written == 0 || errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  const int fd_;
  std::string line_;
  std::atomic<std::uint64_t> dropped_{0};
};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

base::EpochMicros system_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool wants_json(const LogSettings& settings) {
  if (settings.format != LogFormat::automatic) return settings.format == LogFormat::json;
  return ::isatty(settings.fd) != 1;
}

}  // namespace

base::Result<LogFormat> parse_log_format(std::string_view word) {
  if (word == "auto") return LogFormat::automatic;
  if (word == "text") return LogFormat::text;
  if (word == "json") return LogFormat::json;
  return Failure(FailureKind::invalid, "a log format is auto, text or json");
}

base::Result<Level> parse_log_level(std::string_view word) {
  for (const Level level : kLevels) {
    if (word == to_string(level)) return level;
  }
  return Failure(FailureKind::invalid, "a log level is debug, info, warn or error");
}

struct Logger::Impl {
  explicit Impl(LogSettings settings)
      : json(wants_json(settings)),
        now(settings.now ? std::move(settings.now) : system_now),
        sink(std::make_shared<DescriptorSink>(settings.fd)),
        spd("spool", sink) {
    spd.set_level(spdlog_level(settings.level));
  }

  const bool json;
  const std::function<base::EpochMicros()> now;
  const std::shared_ptr<DescriptorSink> sink;
  spdlog::logger spd;
  LogCounts counts;
};

Logger::Logger(LogSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}

Logger::~Logger() = default;

void Logger::write(Level level, std::string_view event, std::span<const Field> fields) {
  if (!enabled(level)) return;
  const LogLine line{impl_->now(), level, event, fields};
  const std::string text = impl_->json ? format_json(line) : format_text(line);
  impl_->spd.log(spdlog_level(level), spdlog::string_view_t(text));
  impl_->counts.count(level);
}

bool Logger::enabled(Level level) const {
  return impl_->spd.should_log(spdlog_level(level));
}

void Logger::set_level(Level level) {
  impl_->spd.set_level(spdlog_level(level));
}

const LogCounts& Logger::counts() const {
  return impl_->counts;
}

std::uint64_t Logger::dropped() const {
  return impl_->sink->dropped();
}

}  // namespace spool::observe
