#include "tests/drill/drill_event.hpp"

#include <array>
#include <limits>
#include <utility>

namespace spool::drill {
namespace {

using message::ErrorType;
using message::JsonField;
using message::JsonKind;
using message::JsonValue;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kTextMax = 255;

enum Field { kN, kKey, kFail, kLives, kHow, kType, kAfter, kScheduled, kPad, kFields };

constexpr std::array<JsonField, kFields> kTable{{
    {"n", JsonKind::integer, true},
    {"key", JsonKind::text, true, 1, kTextMax},
    {"fail", JsonKind::integer},
    {"lives", JsonKind::integer},
    {"how", JsonKind::text, false, 1, kTextMax},
    {"type", JsonKind::text, false, 1, kTextMax},
    {"after_ms", JsonKind::integer},
    {"scheduled_us", JsonKind::integer},
    {"pad", JsonKind::any},  // bytes that nobody reads
}};

std::optional<How> parse_how(std::string_view word) {
  constexpr std::pair<std::string_view, How> kWords[] = {{"report", How::report},
                                                         {"reject", How::reject},
                                                         {"throw_in_stage", How::throw_in_stage},
                                                         {"throw_in_apply", How::throw_in_apply},
                                                         {"constraint", How::constraint},
                                                         {"slow", How::slow},
                                                         {"abort", How::abort},
                                                         {"overflow", How::overflow}};
  for (const auto& [known, how] : kWords) {
    if (known == word) return how;
  }
  return std::nullopt;
}

message::Rejection unknown_word(const char* field) {
  return {ErrorType::schema_violation, field, "not a word that the drill knows"};
}

std::optional<std::int64_t> number_of(const JsonValue& value) {
  return value.present ? std::optional(value.integer) : std::nullopt;
}

}  // namespace

std::variant<Event, message::Rejection> EventReader::read(const message::Event& event,
                                                          const handler::Attempt& attempt) {
  std::array<JsonValue, kFields> values;
  if (auto why = json_.read(event.data, kTable, values)) return std::move(*why);
  Event drill;
  drill.source = event.source;
  drill.id = event.id;
  drill.key = values[kKey].text;
  drill.n = values[kN].integer;
  drill.fail = values[kFail].integer;
  drill.lives = values[kLives].present ? values[kLives].integer : kMost;
  drill.after_ms = number_of(values[kAfter]);
  drill.due = number_of(values[kScheduled]);
  drill.attempt = attempt;
  if (values[kHow].present) {
    const auto how = parse_how(values[kHow].text);
    if (!how) return unknown_word("how");
    drill.how = *how;
  }
  if (values[kType].present) {
    const auto type = message::parse_error_type(values[kType].text);
    if (!type) return unknown_word("type");
    drill.type = *type;
  }
  return drill;
}

}  // namespace spool::drill
