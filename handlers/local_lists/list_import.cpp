#include "handlers/local_lists/list_import.hpp"

#include <utility>
#include <variant>

#include "engine/base/json_object.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::local_lists {
namespace {

using base::JsonObject;
using base::name_uuid;
using base::Result;
using list_operations::Change;
using list_operations::ListFields;
using list_operations::OperationType;

JsonObject beginning(OperationType type, std::int32_t user) {
  JsonObject object;
  object.text("operation_type", list_operations::to_string(type));
  object.number("tmdb_user_id", user);
  return object;
}

// The fields as they are after the rules, with what is left out filled in.
Result<ListFields> checked(const std::string& data, const base::Uuid& id) {
  std::string padded = data;
  padded.append(message::kReadAheadBytes, ' ');
  auto operation =
      list_operations::Decoder().decode(std::string_view(padded).substr(0, data.size()), id);
  if (const auto* refused = std::get_if<message::Rejection>(&operation))
    return base::Failure(base::FailureKind::invalid, refused->message());
  return std::get<list_operations::Operation>(std::move(operation)).change.fields;
}

std::string create_data(const ImportRequest& request, const ListFields& fields,
                        const base::Uuid& ref) {
  JsonObject words;
  if (fields.name) words.text("name", *fields.name);
  if (fields.description) words.text("description", *fields.description);
  if (fields.is_public) words.json("public", *fields.is_public ? "true" : "false");
  if (fields.language) words.text("language", *fields.language);
  JsonObject object = beginning(OperationType::create_list, request.user);
  object.text("list_ref", base::to_string(ref));
  object.json("operation_data", words.str());
  return object.str();
}

std::string add_data(const ImportRequest& request, const base::Uuid& ref, std::int32_t movie_id) {
  JsonObject object = beginning(OperationType::add_movie, request.user);
  if (!request.to) {
    object.text("list_ref", base::to_string(ref));
  } else if (request.to->tmdb_list_id) {
    object.number("tmdb_list_id", *request.to->tmdb_list_id);
  } else {
    object.text("list_ref", base::to_string(*request.to->list_ref));
  }
  Change change;
  change.type = OperationType::add_movie;
  change.movie_id = movie_id;
  object.json("operation_data", list_operations::data_json(change));
  return object.str();
}

// What the person calls the list that is meant.
std::string target(const ImportRequest& request, const ListFields& fields) {
  if (!request.to) return "name:" + fields.name.value_or("");
  if (request.to->tmdb_list_id) return "id:" + std::to_string(*request.to->tmdb_list_id);
  return "ref:" + base::to_string(*request.to->list_ref);
}

}  // namespace

Result<Import> plan_import(const ListFile& file, const ImportRequest& request) {
  Import plan;
  plan.fields = file.fields;
  plan.fields.overlay(request.fields);
  const std::string user = std::to_string(request.user);
  const std::string digest = base::to_string(name_uuid("list-import content", request.content));
  const std::string list = target(request, plan.fields);
  const auto id = [&](std::string_view what) {
    return name_uuid("list-import " + user, digest, list, what);
  };
  plan.list = id("list");
  if (!request.to) {
    std::string data = create_data(request, plan.fields, plan.list);
    auto fields = checked(data, plan.list);
    if (!fields) return fields.failure();
    plan.fields = std::move(*fields);
    plan.events.push_back({base::to_string(id("create")), std::move(data)});
  }
  for (const FileMovie& movie : file.movies)
    plan.events.push_back({base::to_string(id("add " + std::to_string(movie.movie_id))),
                           add_data(request, plan.list, movie.movie_id)});
  return plan;
}

}  // namespace spool::local_lists
