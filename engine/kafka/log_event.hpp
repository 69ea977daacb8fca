// A log event of librdkafka as a line of ours. Private to this folder.
#pragma once

#include <optional>
#include <string>

#include "engine/kafka/connection.hpp"
#include "engine/kafka/handles.hpp"

namespace spool::kafka {

inline std::optional<LogLine> log_line(rd_kafka_event_t* event) {
  const char* facility = nullptr;
  const char* text = nullptr;
  int level = 0;
  if (rd_kafka_event_log(event, &facility, &text, &level) != 0) return std::nullopt;
  return LogLine{level, std::string(facility) + ": " + text};
}

}  // namespace spool::kafka
