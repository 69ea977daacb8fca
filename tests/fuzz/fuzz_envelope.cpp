// Bytes become headers and a value. Whatever they are: an event has a usable identity, what is no
// event has a reason, and where a structured event is accepted, a second parser reads the same
// attributes. Input: lines "name:value" ("name" alone: null) up to an empty line, then the value
// ("-" alone before it: no value).
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/message/envelope.hpp"
#include "engine/message/identity.hpp"

namespace {

using namespace spool::message;

std::string_view take_line(std::string_view& input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return line;
}

void check_event(const Event& event) {
  SPOOL_ASSERT(usable(event.id) && usable(event.source) && usable(event.type), "a usable identity");
  SPOOL_ASSERT(!event.data.empty(), "data");
  for (const std::string_view text :
       {event.subject, event.traceparent, event.correlation_id, event.causation_id})
    SPOOL_ASSERT(text.empty() || usable(text), "a printable attribute");
}

void check_refusal(const NotAnEvent& refused) {
  SPOOL_ASSERT(!refused.why.text.empty(), "a reason");
  SPOOL_ASSERT(refused.id.empty() || usable(refused.id), "a usable id or none");
  SPOOL_ASSERT(refused.source.empty() || usable(refused.source), "a usable source or none");
}

bool inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_structured(const Event& event, std::string_view value) {
  SPOOL_ASSERT(inside(event.data, value), "the data of a structured event are within its value");
  static simdjson::dom::parser parser;
  simdjson::dom::element root;
  // Numbers too large for the second parser are no difference of opinion about the rest.
  if (const auto error = parser.parse(value.data(), value.size()).get(root)) {
    SPOOL_ASSERT(error == simdjson::NUMBER_ERROR, "both parsers accept the document");
    return;
  }
  const auto same = [&](const char* name, std::string_view text) {
    std::string_view other;
    return !root[name].get(other) && other == text;
  };
  SPOOL_ASSERT(same("id", event.id), "both parsers read the id");
  SPOOL_ASSERT(same("source", event.source), "both parsers read the source");
  SPOOL_ASSERT(same("type", event.type), "both parsers read the type");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(bytes), size);
  std::vector<Header> headers;
  Record record;
  bool tombstone = false;
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    if (line.empty()) break;
    if (line == "-") {
      tombstone = true;
      continue;
    }
    const std::size_t colon = line.find(':');
    Header& header = headers.emplace_back();
    header.name = line.substr(0, colon);
    if (colon != std::string_view::npos) header.value = line.substr(colon + 1);
  }
  if (!tombstone) record.value = input;
  record.headers = headers;
  RecordBatch batch;
  batch.append(record);
  static EnvelopeReader reader;
  const auto result = reader.read(batch.record(0));
  if (const auto* refused = std::get_if<NotAnEvent>(&result)) {
    check_refusal(*refused);
    return 0;
  }
  const Event& event = std::get<Event>(result);
  const std::string_view value = *batch.record(0).value;
  check_event(event);
  if (event.data.data() != value.data()) check_structured(event, value);
  return 0;
}
