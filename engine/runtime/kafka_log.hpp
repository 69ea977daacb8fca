// librdkafka's own log lines in the words of our log. Any thread.
#pragma once

#include <string_view>

#include "engine/kafka/connection.hpp"
#include "engine/observe/log.hpp"

namespace spool::runtime {

// `client`: whose line it is, e.g. a group or "producer".
void log_kafka_line(observe::Logger& log, std::string_view client, const kafka::LogLine& line);

}  // namespace spool::runtime
