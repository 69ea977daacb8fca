// Where a dead letter of another system came from, by the headers that it put there: Spring Kafka,
// Spring Cloud Stream, Kafka Connect, Kafka Streams, Karafka, and Kafka's own set (KIP-1191). The
// origin is the first topic, not the last retry tier: of headers that were added again and again
// the first counts; of errors the last. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/message/record_batch.hpp"

namespace spool::message {

struct ForeignOrigin {
  std::string_view family;  // spring, stream, connect, streams, karafka, kafka
  std::string topic;
  std::optional<std::int32_t> partition;
  std::optional<std::int64_t> offset;
  std::string exception;  // the class or the word for it; empty if there is none
  std::string text;       // printable, cut
};

// Empty if no header names a topic.
std::optional<ForeignOrigin> foreign_origin(std::span<const Header> headers);

}  // namespace spool::message
