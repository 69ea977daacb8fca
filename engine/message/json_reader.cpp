#include "engine/message/json_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "engine/base/assert.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::message {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(kReadAheadBytes >= simdjson::SIMDJSON_PADDING);

// Deeper than any event of ours; bounds the recursion whatever a producer sends.
constexpr int kDepthMax = 64;
constexpr std::size_t kCapacityMin = 4UL * 1024;
constexpr std::size_t kUnknown = ~std::size_t{0};

Rejection invalid_json(std::string field, std::string text) {
  return {ErrorType::schema_invalid_json, std::move(field), std::move(text)};
}

Rejection violation(std::string_view field, std::string text) {
  return {ErrorType::schema_violation, std::string(field), std::move(text)};
}

std::string bounds(const JsonField& field) {
  return std::to_string(field.min) + ".." + std::to_string(field.max);
}

// One pass over one document.
class Pass {
 public:
  Pass(ondemand::document& document, std::span<const JsonField> fields, std::span<JsonValue> values)
      : document_(document), fields_(fields), values_(values) {}

  std::optional<Rejection> run();

 private:
  std::optional<Rejection> take(std::size_t index, ondemand::value& value);
  std::optional<Rejection> take_integer(const JsonField& field, ondemand::value& value,
                                        JsonValue& out);
  std::optional<Rejection> take_text(const JsonField& field, ondemand::value& value,
                                     JsonValue& out);
  std::optional<Rejection> take_any(const JsonField& field, ondemand::value& value, JsonValue& out);
  std::optional<Rejection> check_whole();
  bool at_end();
  simdjson::error_code index_of(ondemand::field& member, std::size_t& index);
  simdjson::error_code walk(ondemand::value& value, int depth);
  simdjson::error_code walk_container(ondemand::value& value, bool object, int depth);

  ondemand::document& document_;
  std::span<const JsonField> fields_;
  std::span<JsonValue> values_;
  std::uint64_t seen_ = 0;
  std::size_t expected_ = 0;  // producers keep the order of their fields
};

bool Pass::at_end() {
  const char* where = nullptr;
  return document_.current_location().get(where) == simdjson::OUT_OF_BOUNDS;
}

bool starts_with_key(const char* raw, std::string_view name) {
  // Reading on is safe: a key is followed by at least its quote, a colon, a value and the
  // read-ahead.
  return std::memcmp(raw, name.data(), name.size()) == 0 && raw[name.size()] == '"';
}

simdjson::error_code Pass::index_of(ondemand::field& member, std::size_t& index) {
  const char* raw = member.key().raw();
  const std::size_t count = fields_.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    if (expected_ == count) expected_ = 0;
    if (starts_with_key(raw, fields_[expected_].name)) {
      index = expected_++;
      return simdjson::SUCCESS;
    }
    ++expected_;
  }
  // Either a field that nobody asked for, or one of ours written with escapes.
  std::string_view name;
  if (const auto error = member.unescaped_key().get(name)) return error;
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const JsonField& field) { return field.name == name; });
  index = found == fields_.end() ? kUnknown : static_cast<std::size_t>(found - fields_.begin());
  return simdjson::SUCCESS;
}

// Visits a value to its last token, which is how the lazy parser finds out that it is well-formed.
simdjson::error_code Pass::walk(ondemand::value& value, int depth) {
  ondemand::json_type type{};
  if (const auto error = value.type().get(type)) return error;
  switch (type) {
    case ondemand::json_type::object:
      return walk_container(value, true, depth);
    case ondemand::json_type::array:
      return walk_container(value, false, depth);
    case ondemand::json_type::string:
      return value.get_string().error();
    case ondemand::json_type::number:
      return value.get_double().error();
    case ondemand::json_type::boolean:
      return value.get_bool().error();
    case ondemand::json_type::null: {
      bool is_null = false;
      if (const auto error = value.is_null().get(is_null)) return error;
      return is_null ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
    }
  }
  return simdjson::TAPE_ERROR;
}

simdjson::error_code Pass::walk_container(ondemand::value& value, bool object, int depth) {
  if (depth >= kDepthMax) return simdjson::DEPTH_ERROR;
  if (object) {
    ondemand::object members;
    if (const auto error = value.get_object().get(members)) return error;
    for (auto member : members) {
      if (member.error()) return member.error();
      std::string_view name;
      if (const auto error = member.unescaped_key().get(name)) return error;
      ondemand::value child;
      if (const auto error = member.value().get(child)) return error;
      if (const auto error = walk(child, depth + 1)) return error;
    }
  } else {
    ondemand::array elements;
    if (const auto error = value.get_array().get(elements)) return error;
    for (auto element : elements) {
      ondemand::value child;
      if (const auto error = element.get(child)) return error;
      if (const auto error = walk(child, depth + 1)) return error;
    }
  }
  // The parser does not look itself whether tokens are left; the root's own bracket must be.
  return at_end() ? simdjson::INCOMPLETE_ARRAY_OR_OBJECT : simdjson::SUCCESS;
}

std::optional<Rejection> Pass::take_integer(const JsonField& field, ondemand::value& value,
                                            JsonValue& out) {
  std::int64_t number = 0;
  if (value.get_int64().get(number)) {
    bool is_null = false;
    if (!value.is_null().get(is_null) && is_null) return std::nullopt;
    if (walk(value, 1)) return invalid_json(std::string(field.name), "not a JSON value");
    return violation(field.name, "is not an integer within " + bounds(field));
  }
  if (number < field.min || number > field.max)
    return violation(field.name, std::to_string(number) + " is not within " + bounds(field));
  out.integer = number;
  out.present = true;
  return std::nullopt;
}

std::optional<Rejection> Pass::take_text(const JsonField& field, ondemand::value& value,
                                         JsonValue& out) {
  ondemand::json_type type{};
  if (value.type().get(type)) return invalid_json(std::string(field.name), "not a JSON value");
  if (type != ondemand::json_type::string) {
    if (walk(value, 1)) return invalid_json(std::string(field.name), "not a JSON value");
    if (type == ondemand::json_type::null || field.kind == JsonKind::maybe_text)
      return std::nullopt;
    return violation(field.name, "is not a string");
  }
  std::string_view text;
  if (value.get_string().get(text))
    return invalid_json(std::string(field.name), "not a well-formed string");
  const auto size = static_cast<std::int64_t>(text.size());
  const bool fits = size >= field.min && size <= field.max;
  const bool clean = std::memchr(text.data(), '\0', text.size()) == nullptr;
  if (!fits || !clean) {
    if (field.kind == JsonKind::maybe_text) return std::nullopt;
    if (fits) return violation(field.name, "has a NUL character");
    return violation(field.name,
                     std::to_string(size) + " bytes of text are not within " + bounds(field));
  }
  out.text = text;
  out.present = true;
  return std::nullopt;
}

std::optional<Rejection> Pass::take_any(const JsonField& field, ondemand::value& value,
                                        JsonValue& out) {
  const char* first = value.raw_json_token().data();
  if (walk(value, 1)) return invalid_json(std::string(field.name), "not a JSON value");
  const char* last = nullptr;  // where the next token begins
  if (document_.current_location().get(last))
    return invalid_json(std::string(field.name), "the object ends early");
  while (last > first &&
         (last[-1] == ' ' || last[-1] == '\n' || last[-1] == '\r' || last[-1] == '\t'))
    --last;
  out.text = {first, static_cast<std::size_t>(last - first)};
  out.present = true;
  return std::nullopt;
}

std::optional<Rejection> Pass::take(std::size_t index, ondemand::value& value) {
  const JsonField& field = fields_[index];
  JsonValue& out = values_[index];
  const std::uint64_t bit = std::uint64_t{1} << index;
  if ((seen_ & bit) != 0) {
    out = {};
    return violation(field.name, "is given twice");
  }
  seen_ |= bit;
  switch (field.kind) {
    case JsonKind::integer:
      return take_integer(field, value, out);
    case JsonKind::text:
    case JsonKind::maybe_text:
      return take_text(field, value, out);
    case JsonKind::any:
      return take_any(field, value, out);
  }
  return std::nullopt;
}

std::optional<Rejection> Pass::check_whole() {
  if (!at_end()) return invalid_json("", "there is something behind the object");
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].required && !values_[i].present) return violation(fields_[i].name, "is missing");
  }
  return std::nullopt;
}

std::optional<Rejection> Pass::run() {
  ondemand::json_type type{};
  if (document_.type().get(type) || type != ondemand::json_type::object)
    return invalid_json("", "not a JSON object");
  ondemand::object members;
  if (document_.get_object().get(members)) return invalid_json("", "the object does not end");
  for (auto result : members) {
    ondemand::field member;
    if (std::move(result).get(member)) return invalid_json("", "a field is not well-formed");
    std::size_t index = kUnknown;
    if (index_of(member, index)) return invalid_json("", "a field's name is not well-formed");
    if (index != kUnknown) {
      if (auto rejection = take(index, member.value())) return rejection;
    } else if (walk(member.value(), 1)) {
      return invalid_json("", "an unknown field is not well-formed");
    }
  }
  return check_whole();
}

}  // namespace

struct JsonReader::Impl {
  ondemand::parser parser;
};

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

std::optional<Rejection> JsonReader::read(std::string_view json, std::span<const JsonField> fields,
                                          std::span<JsonValue> values) {
  SPOOL_ASSERT(fields.size() == values.size() && fields.size() <= 64, "a value for each field");
  std::fill(values.begin(), values.end(), JsonValue{});
  ondemand::parser& parser = impl_->parser;
  if (json.size() > parser.capacity() || parser.capacity() == 0) {
    // In powers of two, or events that grow byte by byte would allocate each time.
    if (parser.allocate(std::bit_ceil(std::max(json.size(), kCapacityMin))))
      return invalid_json("", "too large to be read");
  }
  ondemand::document document;
  const auto error =
      parser.iterate(json.data(), json.size(), json.size() + kReadAheadBytes).get(document);
  if (error == simdjson::EMPTY) return invalid_json("", "empty");
  if (error) return invalid_json("", simdjson::error_message(error));
  return Pass(document, fields, values).run();
}

}  // namespace spool::message
