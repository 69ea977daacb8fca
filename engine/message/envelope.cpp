#include "engine/message/envelope.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "engine/base/time.hpp"
#include "engine/message/identity.hpp"
#include "engine/message/json_reader.hpp"

namespace spool::message {
namespace {

// What the headers say; views into the record. Absent and null are the same here.
struct Headers {
  std::string_view id, source, type, specversion, time, subject;
  std::string_view traceparent, plain_traceparent, correlation_id, causation_id;
  std::string_view content_type;
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// `wanted` is in lower case. Producers write headers in lower case nearly always.
bool same_name(std::string_view name, std::string_view wanted) {
  if (name.size() != wanted.size()) return false;
  if (std::memcmp(name.data(), wanted.data(), name.size()) == 0) return true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != wanted[i]) return false;
  }
  return true;
}

struct HeaderName {
  std::string_view name;
  std::string_view Headers::*member;
};

constexpr std::array kHeaderNames{
    HeaderName{"ce_id", &Headers::id},
    HeaderName{"ce_source", &Headers::source},
    HeaderName{"ce_type", &Headers::type},
    HeaderName{"ce_specversion", &Headers::specversion},
    HeaderName{"ce_time", &Headers::time},
    HeaderName{"ce_subject", &Headers::subject},
    HeaderName{"ce_traceparent", &Headers::traceparent},
    HeaderName{"ce_correlationid", &Headers::correlation_id},
    HeaderName{"ce_causationid", &Headers::causation_id},
    HeaderName{"content-type", &Headers::content_type},
    HeaderName{"traceparent", &Headers::plain_traceparent},
};

// Of a name that is given twice the last counts, as everywhere in Kafka.
Headers scan(const Record& record) {
  Headers found;
  for (const Header& header : record.headers) {
    for (const HeaderName& known : kHeaderNames) {
      if (!same_name(header.name, known.name)) continue;
      found.*known.member = header.value.value_or(std::string_view());
      break;
    }
  }
  return found;
}

enum class Mode { binary, structured, refused };

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool starts_with_name(std::string_view text, std::string_view wanted) {
  return text.size() >= wanted.size() && same_name(text.substr(0, wanted.size()), wanted);
}

bool ends_with_name(std::string_view text, std::string_view wanted) {
  return text.size() >= wanted.size() &&
         same_name(text.substr(text.size() - wanted.size()), wanted);
}

bool is_json(std::string_view media) {
  constexpr std::string_view kJson = "application/json";
  if (same_name(media, kJson)) return true;
  if (starts_with_name(media, "application/json+")) return true;
  return starts_with_name(media, "application/") && ends_with_name(media, "+json");
}

// JSON is UTF-8; a parameter that says otherwise means bytes that we would misread.
bool other_charset(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    std::string_view parameter = trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    constexpr std::string_view kCharset = "charset=";
    if (!starts_with_name(parameter, kCharset)) continue;
    parameter.remove_prefix(kCharset.size());
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"')
      parameter = parameter.substr(1, parameter.size() - 2);
    if (!same_name(parameter, "utf-8") && !same_name(parameter, "utf8") &&
        !same_name(parameter, "us-ascii"))
      return true;
  }
  return false;
}

// Empty if the content type can be read in this mode, else why not.
const char* why_refused(std::string_view content_type, Mode& mode) {
  mode = Mode::binary;
  if (content_type.empty() || content_type == "application/json") return nullptr;
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  const std::string_view media = trimmed(content_type.substr(0, end));
  const std::string_view parameters = content_type.substr(std::min(end + 1, content_type.size()));
  mode = Mode::refused;
  if (other_charset(parameters)) return "names a character set other than utf-8";
  if (starts_with_name(media, "application/cloudevents-batch"))
    return "is a batch of events; a record holds one event";
  if (same_name(media, "application/cloudevents+json")) {
    mode = Mode::structured;
    return nullptr;
  }
  if (starts_with_name(media, "application/cloudevents"))
    return "is an event format other than application/cloudevents+json";
  if (!is_json(media)) return "is not JSON";
  mode = Mode::binary;
  return nullptr;
}

std::string_view if_usable(std::string_view text) {
  return usable(text) ? text : std::string_view();
}

NotAnEvent not_an_event(ErrorType type, std::string field, std::string text, std::string_view id,
                        std::string_view source) {
  return {{type, std::move(field), std::move(text)}, if_usable(id), if_usable(source)};
}

// The attributes that every event must have, in either mode.
struct Attributes {
  std::string_view id, source, type, specversion, time;
};

const char* flaw_of(std::string_view part) {
  if (part.empty()) return "is missing";
  if (!usable(part)) return "is not 1..255 bytes of UTF-8 text without NUL";
  return nullptr;
}

// `prefix` is what stands before the attribute's name on the wire.
std::optional<NotAnEvent> check(const Attributes& event, std::string_view prefix) {
  const auto refuse = [&](std::string_view name, std::string text) {
    return not_an_event(ErrorType::schema_violation, std::string(prefix).append(name),
                        std::move(text), event.id, event.source);
  };
  if (const char* flaw = flaw_of(event.id)) return refuse("id", flaw);
  if (const char* flaw = flaw_of(event.source)) return refuse("source", flaw);
  if (const char* flaw = flaw_of(event.type)) return refuse("type", flaw);
  if (event.specversion.empty()) return refuse("specversion", "is missing");
  if (event.specversion != "1.0") return refuse("specversion", "is not 1.0");
  if (!event.time.empty() && !base::parse_rfc3339(event.time))
    return refuse("time", "is not an RFC 3339 date-time");
  return std::nullopt;
}

// Fields of a structured event, in the order of kStructured.
enum Slot : std::size_t {
  kSpecversion,
  kId,
  kSource,
  kType,
  kTime,
  kSubject,
  kDataContentType,
  kTraceparent,
  kCorrelationId,
  kCausationId,
  kData,
  kDataBase64,
  kSlots
};

// A missing or unusable id is refused by check(), which says so in the same words in both modes.
constexpr std::array<JsonField, kSlots> kStructured{{
    {"specversion", JsonKind::text},
    {"id", JsonKind::text},
    {"source", JsonKind::text},
    {"type", JsonKind::text},
    {"time", JsonKind::text},
    {"subject", JsonKind::maybe_text},
    {"datacontenttype", JsonKind::text},
    {"traceparent", JsonKind::maybe_text},
    {"correlationid", JsonKind::maybe_text},
    {"causationid", JsonKind::maybe_text},
    {"data", JsonKind::any},
    {"data_base64", JsonKind::any},
}};

}  // namespace

struct EnvelopeReader::Impl {
  JsonReader json;

  std::variant<Event, NotAnEvent> read_binary(const Headers& headers, std::string_view value);
  std::variant<Event, NotAnEvent> read_structured(const Headers& headers, std::string_view value);
};

std::variant<Event, NotAnEvent> EnvelopeReader::Impl::read_binary(const Headers& headers,
                                                                  std::string_view value) {
  const Attributes attributes{headers.id, headers.source, headers.type, headers.specversion,
                              headers.time};
  if (auto refused = check(attributes, "ce_")) return std::move(*refused);
  if (value.empty())
    return not_an_event(ErrorType::schema_invalid_json, "data", "is empty", headers.id,
                        headers.source);
  Event event;
  event.id = headers.id;
  event.source = headers.source;
  event.type = headers.type;
  event.time = headers.time;
  event.subject = if_usable(headers.subject);
  event.traceparent =
      if_usable(headers.traceparent.empty() ? headers.plain_traceparent : headers.traceparent);
  event.correlation_id = if_usable(headers.correlation_id);
  event.causation_id = if_usable(headers.causation_id);
  event.data = value;
  return event;
}

std::variant<Event, NotAnEvent> EnvelopeReader::Impl::read_structured(const Headers& headers,
                                                                      std::string_view value) {
  std::array<JsonValue, kSlots> values;
  std::optional<Rejection> rejection = json.read(value, kStructured, values);
  const auto text = [&](Slot slot) { return values[slot].text; };
  const auto refuse = [&](ErrorType type, const char* field, const char* why) {
    return not_an_event(type, field, why, text(kId), text(kSource));
  };
  if (rejection)
    return NotAnEvent{std::move(*rejection), if_usable(text(kId)), if_usable(text(kSource))};
  const Attributes attributes{text(kId), text(kSource), text(kType), text(kSpecversion),
                              text(kTime)};
  if (auto refused = check(attributes, "")) return std::move(*refused);
  if (values[kDataBase64].present)
    return refuse(ErrorType::schema_violation, "data_base64",
                  "is for binary data; JSON data stand in `data`");
  const std::string_view content = text(kDataContentType);
  if (!content.empty()) {
    Mode mode{};
    const char* why = why_refused(content, mode);
    if (why == nullptr && mode == Mode::structured) why = "is an event within an event";
    if (why != nullptr) return refuse(ErrorType::schema_violation, "datacontenttype", why);
  }
  if (!values[kData].present) return refuse(ErrorType::schema_violation, "data", "is missing");
  Event event;
  event.id = attributes.id;
  event.source = attributes.source;
  event.type = attributes.type;
  event.time = attributes.time;
  event.subject = if_usable(text(kSubject));
  event.traceparent = if_usable(text(kTraceparent));
  if (event.traceparent.empty()) event.traceparent = if_usable(headers.plain_traceparent);
  event.correlation_id = if_usable(text(kCorrelationId));
  event.causation_id = if_usable(text(kCausationId));
  event.data = text(kData);
  return event;
}

EnvelopeReader::EnvelopeReader() : impl_(std::make_unique<Impl>()) {}
EnvelopeReader::~EnvelopeReader() = default;

std::variant<Event, NotAnEvent> EnvelopeReader::read(const Record& record) {
  const Headers headers = scan(record);
  const auto refuse = [&](ErrorType type, const char* field, const char* why) {
    return not_an_event(type, field, why, headers.id, headers.source);
  };
  if (!record.value)
    return refuse(ErrorType::schema_violation, "data", "is missing: the record has no value");
  if (record.value->size() > kEventBytesMax)
    return refuse(ErrorType::payload_too_large, "data", "has more than 1048576 bytes");
  Mode mode{};
  if (const char* why = why_refused(headers.content_type, mode))
    return refuse(ErrorType::schema_violation, "content-type", why);
  auto result = mode == Mode::structured ? impl_->read_structured(headers, *record.value)
                                         : impl_->read_binary(headers, *record.value);
  if (auto* event = std::get_if<Event>(&result)) event->key = record.key;
  return result;
}

}  // namespace spool::message
