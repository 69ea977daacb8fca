#include "handlers/list_operations/operation_request.hpp"

#include <array>
#include <limits>
#include <utility>
#include <variant>

#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::list_operations {
namespace {

using base::Failure;
using base::FailureKind;
using base::JsonObject;
using base::Result;
using base::Status;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

constexpr std::array kListOptions{"name", "description", "public", "language"};
constexpr std::array kTextOptions{"name", "description", "language"};

Failure invalid(std::string text) {
  return {FailureKind::invalid, std::move(text)};
}

Status has_its_own_options(const app::Arguments& arguments, OperationType type) {
  const auto foreign = [&](const char* option) {
    return invalid("--" + std::string(option) + " does not go with " +
                   std::string(to_string(type)));
  };
  const bool fields = type == OperationType::create_list || type == OperationType::update_list;
  for (const char* option : kListOptions) {
    if (arguments.has(option) && !fields) return foreign(option);
  }
  const bool movie = type == OperationType::add_movie || type == OperationType::remove_movie;
  if (arguments.has("movie") && !movie) return foreign("movie");
  if (!movie || arguments.has("movie")) return {};
  return invalid("--movie is needed: which movie");
}

// Whether the event's own rules take the number is theirs to say.
Status add_number(JsonObject& object, const char* name, const app::Arguments& arguments,
                  const char* option) {
  const auto value = arguments.number(option, kMin, kMax);
  if (!value) return value.failure();
  if (*value) object.number(name, **value);
  return {};
}

Result<std::string> operation_data(const app::Arguments& arguments) {
  JsonObject object;
  for (const char* option : kTextOptions) {
    const auto text = arguments.get(option);
    if (!text) continue;
    if (base::printable(*text, text->size()) != *text)
      return invalid("--" + std::string(option) + ": not UTF-8");
    object.text(option, *text);
  }
  if (const auto word = arguments.get("public")) object.json("public", *word);
  if (auto done = add_number(object, "movie_id", arguments, "movie"); !done) return done.failure();
  return object.str();
}

Result<base::Uuid> uuid_of(const app::Arguments& arguments, const char* option,
                           const base::Uuid& otherwise) {
  const auto text = arguments.get(option);
  if (!text) return otherwise;
  const auto uuid = base::parse_uuid(*text);
  if (!uuid) return invalid("--" + std::string(option) + ": \"" + *text + "\" is not a uuid");
  return *uuid;
}

Status add_list(JsonObject& object, const app::Arguments& arguments, OperationType type,
                const base::Uuid& id) {
  if (arguments.has("list") && arguments.has("ref"))
    return invalid("--list or --ref, not both: a list has one name");
  const bool create = type == OperationType::create_list;
  if (!create && !arguments.has("list") && !arguments.has("ref"))
    return invalid("--list ID or --ref UUID is needed: which list");
  if (auto done = add_number(object, "tmdb_list_id", arguments, "list"); !done) return done;
  const auto ref = uuid_of(arguments, "ref", id);
  if (!ref) return ref.failure();
  if (create || arguments.has("ref")) object.text("list_ref", base::to_string(*ref));
  return {};
}

Result<Operation> decoded(const std::string& data, const base::Uuid& id) {
  std::string padded = data;
  padded.append(message::kReadAheadBytes, ' ');
  auto operation = Decoder().decode(std::string_view(padded).substr(0, data.size()), id);
  if (const auto* refused = std::get_if<message::Rejection>(&operation))
    return invalid(refused->message());
  return std::get<Operation>(std::move(operation));
}

}  // namespace

Result<OperationRequest> read_request(const app::Arguments& arguments, const base::Uuid& fresh) {
  const std::string word = arguments.get_or("TYPE", "");
  const auto type = parse_operation_type(word);
  if (!type)
    return invalid("TYPE: \"" + word +
                   "\" is none of create_list, update_list, delete_list, clear_list, add_movie, "
                   "remove_movie, refresh_list");
  if (!arguments.has("user")) return invalid("--user N is needed: whose list it is");
  if (auto done = has_its_own_options(arguments, *type); !done) return done.failure();
  const auto id = uuid_of(arguments, "id", fresh);
  if (!id) return id.failure();
  JsonObject object;
  object.text("operation_type", word);
  if (auto done = add_number(object, "tmdb_user_id", arguments, "user"); !done)
    return done.failure();
  if (auto done = add_list(object, arguments, *type, *id); !done) return done.failure();
  const auto data = operation_data(arguments);
  if (!data) return data.failure();
  object.json("operation_data", *data);
  if (const auto at = arguments.get("at")) {
    if (!base::parse_rfc3339(*at))
      return invalid("--at: \"" + base::printable(*at, at->size()) +
                     "\" is not a time such as 2026-01-02T03:04:05Z");
    object.text("scheduled_for", *at);
  }
  auto operation = decoded(object.str(), *id);
  if (!operation) return operation.failure();
  return OperationRequest{*id, std::move(*operation), object.str()};
}

}  // namespace spool::list_operations
