// CloudEvents 1.0 over Kafka: binary mode (ce_* headers, the value is the data) and structured mode
// (content-type application/cloudevents+json, the value is the whole event). JSON data in both. An
// EnvelopeReader belongs to one thread. What it returns points into the record, or into the reader
// itself until its next read().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "engine/message/record_batch.hpp"
#include "engine/message/rejection.hpp"

namespace spool::message {

// An event's value is at most this long; retry and dead-letter topics take 64 KiB more.
inline constexpr std::size_t kEventBytesMax = 1024UL * 1024;

struct Event {
  std::string_view id;      // unique per source; 1..255 bytes of UTF-8 without NUL
  std::string_view source;  // 1..255 bytes likewise
  std::string_view type;
  std::string_view time;     // as sent, empty if absent
  std::string_view subject;  // likewise, as the four below
  std::string_view traceparent;
  std::string_view correlation_id;
  std::string_view causation_id;
  // JSON text; kReadAheadBytes may be read behind it. Not yet parsed in binary mode, never empty.
  std::string_view data;
  std::optional<std::string_view> key = {};  // of the record
};

// What is known of a record that is no event: as much of its identity as could be read.
struct NotAnEvent {
  Rejection why;
  std::string_view id;      // empty if there is none, or none that can be used
  std::string_view source;  // likewise
};

class EnvelopeReader {
 public:
  EnvelopeReader();
  ~EnvelopeReader();

  std::variant<Event, NotAnEvent> read(const Record& record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::message
