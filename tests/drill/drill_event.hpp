// What the data of a drill event says: how the attempts at it end. That depends on the event, its
// life and the number of the attempt alone, so that a test can tell beforehand what must become of
// it. Copied out of the event; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/base/time.hpp"
#include "engine/handler/handler.hpp"
#include "engine/message/json_reader.hpp"

namespace spool::drill {

// In which way an attempt fails.
enum class How {
  report,  // named in ApplyCounts::failed
  reject,  // refused by stage()
  throw_in_stage,
  throw_in_apply,
  constraint,  // the table refuses its row
  slow,        // its statement outlasts every timeout
  abort,       // the process ends
  overflow,    // ... because its stack is full
};

struct Event {
  std::string source;
  std::string id;
  std::string key;
  std::int64_t n = 0;      // its place among the events of its key
  std::int64_t fail = 0;   // so many first attempts of each life fail
  std::int64_t lives = 0;  // in this life and later ones none does
  How how = How::report;
  message::ErrorType type = message::ErrorType::upstream_timeout;
  std::optional<std::int64_t> after_ms;  // Retry-After
  std::optional<base::EpochMicros> due;  // scheduled
  handler::Attempt attempt;

  bool fails() const { return attempt.life < lives && attempt.number <= fail; }
};

class EventReader {
 public:
  std::variant<Event, message::Rejection> read(const message::Event& event,
                                               const handler::Attempt& attempt);

 private:
  message::JsonReader json_;
};

}  // namespace spool::drill
