#include "engine/runtime/kafka_log.hpp"

namespace spool::runtime {

void log_kafka_line(observe::Logger& log, std::string_view client, const kafka::LogLine& line) {
  constexpr int kSyslogWarning = 4;  // smaller is graver
  const auto level = line.level < kSyslogWarning    ? observe::Level::error
                     : line.level == kSyslogWarning ? observe::Level::warn
                                                    : observe::Level::debug;
  log.write(level, "kafka.log", {{"client", client}, {"text", line.text}});
}

}  // namespace spool::runtime
