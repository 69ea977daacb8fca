#include "handlers/list_operations/operation_input.hpp"

#include <limits>

#include "handlers/list_operations/list_query.hpp"

namespace spool::list_operations {
namespace {

using app::Arguments;
using app::Cell;
using base::Result;

constexpr std::int64_t kUserMax = std::numeric_limits<std::int32_t>::max();

}  // namespace

std::vector<app::Option> selection_options() {
  return {{"--user", "N", "Only of this TMDB user"},
          {"--list", "ID", "Only of this list: its id at TMDB, or its list_ref"},
          {"--type",
           "WORD",
           "Only of this type",
           {"create_list", "update_list", "delete_list", "clear_list", "add_movie", "remove_movie",
            "refresh_list"}}};
}

Result<std::optional<std::int32_t>> read_user(const Arguments& arguments, const std::string& name) {
  const auto user = arguments.number(name, 1, kUserMax);
  if (!user) return user.failure();
  if (!*user) return std::optional<std::int32_t>();
  return std::optional(static_cast<std::int32_t>(**user));
}

Result<OperationFilter> read_filter(const Arguments& arguments) {
  OperationFilter filter;
  filter.status = arguments.get("status");
  filter.type = arguments.get("type");
  const auto user = read_user(arguments, "user");
  if (!user) return user.failure();
  filter.user = *user;
  if (const auto text = arguments.get("list")) {
    const auto list = parse_list_id(*text, "--list");
    if (!list) return list.failure();
    filter.list = list->tmdb_list_id;
    filter.list_ref = list->list_ref;
  }
  return filter;
}

Cell time_cell(base::EpochMicros time) {
  return time == 0 ? Cell() : Cell(app::Time{time});
}

Cell text_cell(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

Cell id_cell(const std::optional<base::Uuid>& id) {
  return id ? Cell(base::to_string(*id)) : Cell();
}

Cell number_cell(const std::optional<std::int32_t>& number) {
  return number ? Cell(std::int64_t{*number}) : Cell();
}

}  // namespace spool::list_operations
