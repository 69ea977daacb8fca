#include "handlers/list_operations/operation.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"

namespace spool::list_operations {
namespace {

using message::ErrorType;
using message::JsonField;
using message::JsonKind;
using message::JsonValue;
using message::Rejection;

constexpr std::int64_t kIdMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kBytesPerCodePoint = 4;
// What TMDB itself assumes; sent with every create, so that nothing depends on it.
constexpr std::string_view kLanguageDefault = "en";
constexpr bool kPublicDefault = true;
constexpr std::string_view kData = "operation_data";

constexpr std::array<std::string_view, 7> kTypeWords{"create_list", "update_list", "delete_list",
                                                     "clear_list",  "add_movie",   "remove_movie",
                                                     "refresh_list"};

enum Slot : std::size_t {
  kType,
  kUserId,
  kListId,
  kListRef,
  kOperationData,
  kScheduledFor,
  kPriority,
  kSlots
};

constexpr std::array<JsonField, kSlots> kFields{{
    {"operation_type", JsonKind::text, true},
    {"tmdb_user_id", JsonKind::integer, true, 1, kIdMax},
    {"tmdb_list_id", JsonKind::integer, false, 1, kIdMax},
    {"list_ref", JsonKind::text, false},
    {kData, JsonKind::any, false},
    {"scheduled_for", JsonKind::text, false},
    {"priority", JsonKind::integer, false, 0, kPriorityMax},
}};

using Values = std::array<JsonValue, kSlots>;

enum ListSlot : std::size_t { kName, kDescription, kPublic, kLanguage, kListSlots };

constexpr std::array<JsonField, kListSlots> kListFields{{
    {"name", JsonKind::text, false, 1, kNameMax* kBytesPerCodePoint},
    {"description", JsonKind::text, false, 0, kDescriptionMax* kBytesPerCodePoint},
    {"public", JsonKind::any, false},
    {"language", JsonKind::text, false, 2, 2},
}};

constexpr std::array<JsonField, 1> kMovieFields{{
    {"movie_id", JsonKind::integer, true, 1, kIdMax},
}};

constexpr std::array<JsonField, 1> kRefreshFields{{
    {"compare_only", JsonKind::any, false},
}};

Rejection violation(Slot slot, std::string text) {
  return {ErrorType::schema_violation, std::string(kFields[slot].name), std::move(text)};
}

Rejection violation(ListSlot slot, std::string text) {
  return {ErrorType::schema_violation, std::string(kListFields[slot].name), std::move(text)};
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::optional<Rejection> take_text(const JsonValue& value, ListSlot slot, std::size_t max,
                                   std::optional<std::string>& out) {
  if (!value.present) return std::nullopt;
  if (const std::size_t count = code_points(value.text); count > max)
    return violation(slot, std::to_string(count) + " characters, at most " + std::to_string(max));
  out = value.text;
  return std::nullopt;
}

std::optional<Rejection> take_flag(const JsonValue& value, std::string_view name,
                                   std::optional<bool>& out) {
  if (!value.present || value.text == "null") return std::nullopt;
  if (value.text != "true" && value.text != "false")
    return Rejection{ErrorType::schema_violation, std::string(name), "is neither true nor false"};
  out = value.text == "true";
  return std::nullopt;
}

std::optional<Rejection> take_language(const JsonValue& value, std::optional<std::string>& out) {
  if (!value.present) return std::nullopt;
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (!std::all_of(value.text.begin(), value.text.end(), lower))
    return violation(kLanguage, "is not two lower-case letters (ISO 639-1)");
  out = value.text;
  return std::nullopt;
}

std::optional<Rejection> take_fields(std::span<const JsonValue> values, ListFields& out) {
  if (auto rejection = take_text(values[kName], kName, kNameMax, out.name)) return rejection;
  if (auto rejection =
          take_text(values[kDescription], kDescription, kDescriptionMax, out.description))
    return rejection;
  if (auto rejection = take_flag(values[kPublic], kListFields[kPublic].name, out.is_public))
    return rejection;
  return take_language(values[kLanguage], out.language);
}

// Which members `operation_data` has, by type.
std::span<const JsonField> data_fields(OperationType type) {
  switch (type) {
    case OperationType::create_list:
    case OperationType::update_list:
      return kListFields;
    case OperationType::add_movie:
    case OperationType::remove_movie:
      return kMovieFields;
    case OperationType::refresh_list:
      return kRefreshFields;
    case OperationType::delete_list:
    case OperationType::clear_list:
      break;
  }
  return {};
}

std::optional<Rejection> take_data(std::span<const JsonValue> values, Change& out) {
  const bool create = out.type == OperationType::create_list;
  if (create || out.type == OperationType::update_list) {
    if (auto rejection = take_fields(values, out.fields)) return rejection;
    if (create && !out.fields.name) return violation(kName, "is missing");
    if (out.fields.empty())
      return Rejection{ErrorType::schema_violation, "", "names nothing that is to be changed"};
    if (create) {
      ListFields all{std::nullopt, "", kPublicDefault, std::string(kLanguageDefault)};
      all.overlay(out.fields);
      out.fields = std::move(all);
    }
  } else if (out.type == OperationType::refresh_list) {
    std::optional<bool> compare_only;
    if (auto rejection = take_flag(values[0], kRefreshFields[0].name, compare_only))
      return rejection;
    out.compare_only = compare_only.value_or(false);
  } else if (!values.empty()) {
    out.movie_id = static_cast<std::int32_t>(values[0].integer);
  }
  return std::nullopt;
}

// The same, said of the whole event.
Rejection within_data(Rejection rejection) {
  rejection.type = ErrorType::schema_violation;
  rejection.field = std::string(kData) + (rejection.field.empty() ? "" : "." + rejection.field);
  return rejection;
}

std::optional<Rejection> take_list(const Values& values, const base::Uuid& event, Operation& out) {
  const bool has_id = values[kListId].present;
  if (values[kListRef].present) {
    out.list_ref = base::parse_uuid(values[kListRef].text);
    if (!out.list_ref) return violation(kListRef, "is not a uuid");
  }
  if (has_id) out.tmdb_list_id = static_cast<std::int32_t>(values[kListId].integer);
  if (out.change.type == OperationType::create_list) {
    if (has_id) return violation(kListId, "is given, but a list that is to be created has none");
    if (!out.list_ref) out.list_ref = event;
    return std::nullopt;
  }
  if (has_id && out.list_ref) return violation(kListRef, "is given besides tmdb_list_id");
  if (!has_id && !out.list_ref) return violation(kListId, "is missing, and so is list_ref");
  return std::nullopt;
}

std::optional<Rejection> take_schedule(const Values& values, Operation& out) {
  if (values[kScheduledFor].present) {
    out.scheduled_for = base::parse_rfc3339(values[kScheduledFor].text);
    if (!out.scheduled_for) return violation(kScheduledFor, "is not an RFC 3339 date-time");
  }
  if (values[kPriority].present)
    out.priority = static_cast<std::int32_t>(values[kPriority].integer);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(OperationType type) {
  return kTypeWords[static_cast<std::size_t>(type)];
}

std::optional<OperationType> parse_operation_type(std::string_view word) {
  const auto* const found = std::find(kTypeWords.begin(), kTypeWords.end(), word);
  if (found == kTypeWords.end()) return std::nullopt;
  return static_cast<OperationType>(found - kTypeWords.begin());
}

void ListFields::overlay(const ListFields& later) {
  if (later.name) name = later.name;
  if (later.description) description = later.description;
  if (later.is_public) is_public = later.is_public;
  if (later.language) language = later.language;
}

std::variant<Change, Rejection> Decoder::decode_data(OperationType type, std::string_view json) {
  const std::span<const JsonField> fields = data_fields(type);
  std::array<JsonValue, kListSlots> memory{};
  const std::span<JsonValue> values{memory.data(), fields.size()};
  if (!json.empty()) {
    if (auto rejection = nested_.read(json, fields, values))
      return within_data(std::move(*rejection));
  } else if (!fields.empty() && type != OperationType::refresh_list) {
    return Rejection{ErrorType::schema_violation, std::string(kData), "is missing"};
  }
  Change change{.type = type};
  if (auto rejection = take_data(values, change)) return within_data(std::move(*rejection));
  return change;
}

std::variant<Operation, Rejection> Decoder::decode(std::string_view data, const base::Uuid& event) {
  Values values;
  if (auto rejection = json_.read(data, kFields, values)) return std::move(*rejection);
  const auto type = parse_operation_type(values[kType].text);
  if (!type) return violation(kType, "is none of the operations on lists");
  const std::string_view json = values[kOperationData].text;
  auto change = decode_data(*type, json == "null" ? std::string_view{} : json);
  if (auto* rejection = std::get_if<Rejection>(&change)) return std::move(*rejection);
  Operation operation{.change = std::get<Change>(std::move(change))};
  operation.tmdb_user_id = static_cast<std::int32_t>(values[kUserId].integer);
  if (auto rejection = take_list(values, event, operation)) return std::move(*rejection);
  if (auto rejection = take_schedule(values, operation)) return std::move(*rejection);
  return operation;
}

std::string data_json(const Change& change) {
  base::JsonObject json;
  const ListFields& fields = change.fields;
  if (fields.name) json.text("name", *fields.name);
  if (fields.description) json.text("description", *fields.description);
  if (fields.is_public) json.json("public", *fields.is_public ? "true" : "false");
  if (fields.language) json.text("language", *fields.language);
  if (change.movie_id != 0) json.number("movie_id", change.movie_id);
  if (change.compare_only) json.json("compare_only", "true");
  return json.str();
}

std::optional<Rejection> check_key(const Operation& operation, std::string_view kafka_key) {
  const std::string user = std::to_string(operation.tmdb_user_id);
  if (kafka_key == user) return std::nullopt;
  return Rejection{ErrorType::schema_violation, "key",
                   "\"" + base::printable(kafka_key, 64) + "\" is not the tmdb_user_id " + user};
}

}  // namespace spool::list_operations
