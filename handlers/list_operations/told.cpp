#include "handlers/list_operations/told.hpp"

#include <string>

#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"

namespace spool::list_operations {
namespace {

constexpr std::size_t kTextBytesMax = 1'000;

base::JsonObject data_of(const Named& operation) {
  base::JsonObject data;
  data.text("operation_id", base::to_string(operation.id));
  data.text("operation_type", to_string(operation.type));
  data.number("tmdb_user_id", operation.tmdb_user_id);
  if (operation.tmdb_list_id) data.number("tmdb_list_id", *operation.tmdb_list_id);
  if (operation.list_ref) data.text("list_ref", base::to_string(*operation.list_ref));
  return data;
}

}  // namespace

handler::DomainEvent completed_told(std::size_t cause, const Named& operation,
                                    std::string_view reason) {
  base::JsonObject data = data_of(operation);
  if (!reason.empty()) data.text("reason", reason);
  return {cause, "list_operation.completed.v1", base::to_string(operation.id), data.str()};
}

handler::DomainEvent failed_told(std::size_t cause, const Named& operation,
                                 const message::Rejection& why, std::int32_t attempts,
                                 std::int32_t life) {
  base::JsonObject data = data_of(operation);
  data.text("error_type", message::to_string(why.type));
  data.text("error_message", base::printable(why.message(), kTextBytesMax));
  data.number("attempts", attempts);
  data.number("life", life);
  return {cause, "list_operation.failed.v1", base::to_string(operation.id), data.str()};
}

handler::DomainEvent synced_told(std::size_t cause, const Named& operation, const Refreshed& found,
                                 base::EpochMicros at) {
  const Differences& differences = found.differences;
  base::JsonObject data;
  data.number("tmdb_user_id", operation.tmdb_user_id);
  data.number("tmdb_list_id", operation.tmdb_list_id.value_or(0));
  if (operation.list_ref) data.text("list_ref", base::to_string(*operation.list_ref));
  data.json("exists", found.there == Existence::exists ? "true" : "false");
  data.json("changed", differences.any() ? "true" : "false");
  data.number("movies_added", static_cast<std::int64_t>(differences.only_fetched.size()));
  data.number("movies_removed", static_cast<std::int64_t>(differences.only_in_mirror.size()));
  data.text("synced_at", base::format_rfc3339(at));
  return {cause, "list.synced.v1", std::to_string(operation.tmdb_list_id.value_or(0)), data.str()};
}

handler::DomainEvent reauthentication_told(std::size_t cause, std::int32_t tmdb_user_id) {
  base::JsonObject data;
  data.text("service", "tmdb");
  data.number("tmdb_user_id", tmdb_user_id);
  return {cause, "reauthentication.needed.v1", std::to_string(tmdb_user_id), data.str()};
}

}  // namespace spool::list_operations
