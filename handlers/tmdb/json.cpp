#include "handlers/tmdb/json.hpp"

#include <simdjson.h>

#include <charconv>
#include <limits>
#include <utility>

#include "engine/base/text.hpp"

namespace spool::tmdb {
namespace {

namespace dom = simdjson::dom;
using message::ErrorType;
using message::Rejection;

constexpr std::size_t kTextBytesMax = 64UL * 1024;
// Tokens stand in headers and addresses.
constexpr std::size_t kTokenBytesMax = 4UL * 1024;

// Reads the fields of one object. The first thing that is wrong stays; what is read after it does
// not matter.
class Fields {
 public:
  Fields(dom::object object, std::string path, std::optional<Rejection>& wrong)
      : object_(object), path_(std::move(path)), wrong_(wrong) {}

  std::optional<dom::element> find(std::string_view name) const {
    dom::element value;
    if (object_[name].get(value) || value.is_null()) return std::nullopt;
    return value;
  }

  std::int64_t id(std::string_view name) {
    const std::int64_t number = count(name, 0);
    if (number == 0) complain(name, "is missing, null or 0");
    return number;
  }

  std::int64_t count(std::string_view name, std::int64_t otherwise) {
    return maybe_count(name).value_or(otherwise);
  }

  std::optional<std::int64_t> maybe_count(std::string_view name) {
    const auto value = find(name);
    if (!value) return std::nullopt;
    const auto number = as_number(*value);
    if (!number || *number < 0) complain(name, "is not a number that counts");
    return number;
  }

  std::string text(std::string_view name) {
    const auto value = find(name);
    if (!value) return {};
    std::string_view found;
    if (value->get_string().get(found)) {
      complain(name, "is not a string");
      return {};
    }
    return base::printable(found, kTextBytesMax);
  }

  std::string token(std::string_view name) {
    std::string found = text(name);
    const bool fits = !found.empty() && found.size() <= kTokenBytesMax;
    if (!fits) complain(name, "is missing, empty or longer than it may be");
    for (const char c : found) {
      if (c > 0x20 && c < 0x7f) continue;
      complain(name, "has characters that it may not have");
      break;
    }
    return found;
  }

  std::optional<bool> flag(std::string_view name) {
    const auto value = find(name);
    if (!value) return std::nullopt;
    bool is_true = false;
    if (!value->get_bool().get(is_true)) return is_true;
    const auto number = as_number(*value);
    if (number && (*number == 0 || *number == 1)) return *number == 1;
    complain(name, "is neither true nor false");
    return std::nullopt;
  }

  std::optional<base::EpochMicros> time(std::string_view name) {
    // Nothing depends on it so much that an answer would be worth nothing without it.
    std::string_view found;
    const auto value = find(name);
    if (!value || value->get_string().get(found)) return std::nullopt;
    return parse_time(found);
  }

  // Calls `read` with the fields of each element.
  template <typename Read>
  void each(std::string_view name, Read read) {
    const auto value = find(name);
    dom::array elements;
    if (!value || value->get_array().get(elements)) return complain(name, "is missing or no array");
    std::size_t index = 0;
    for (const dom::element element : elements) {
      if (wrong_) return;
      const std::string path = path_ + std::string(name) + "[" + std::to_string(index++) + "]";
      dom::object object;
      if (element.get_object().get(object)) {
        wrong_ = Rejection{ErrorType::schema_violation, path, "is no object"};
        return;
      }
      Fields fields(object, path + ".", wrong_);
      read(fields);
    }
  }

  MediaType media_type(std::string_view name) {
    const std::string word = text(name);
    // Version 3 knew movies only, and did not say so.
    if (word.empty() || word == "movie") return MediaType::movie;
    if (word != "tv") complain(name, "is neither movie nor tv");
    return MediaType::tv;
  }

  void complain(std::string_view name, const char* what) {
    if (!wrong_) wrong_ = Rejection{ErrorType::schema_violation, path_ + std::string(name), what};
  }

 private:
  static std::optional<std::int64_t> as_number(const dom::element& value) {
    std::int64_t number = 0;
    if (!value.get_int64().get(number)) return number;
    std::string_view digits;
    if (value.get_string().get(digits)) return std::nullopt;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
  }

  dom::object object_;
  std::string path_;
  std::optional<Rejection>& wrong_;
};

template <typename T, typename Read>
Parsed<T> parse(std::string_view json, Read read) {
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (const auto error = parser.parse(json.data(), json.size()).get(root))
    return Rejection{ErrorType::schema_invalid_json, "", simdjson::error_message(error)};
  if (root.get_object().get(object))
    return Rejection{ErrorType::schema_invalid_json, "", "not a JSON object"};
  std::optional<Rejection> wrong;
  Fields fields(object, "", wrong);
  T out = read(fields);
  if (wrong) return std::move(*wrong);
  return out;
}

Item read_item(Fields& fields) {
  Item item;
  item.media_type = fields.media_type("media_type");
  item.id = fields.id("id");
  const bool movie = item.media_type == MediaType::movie;
  item.title = fields.text(movie ? "title" : "name");
  item.date = fields.text(movie ? "release_date" : "first_air_date");
  item.poster_path = fields.text("poster_path");
  return item;
}

// {"movie:550": "a classic", ...}
void read_comments(Fields& fields, std::vector<Item>& items) {
  const auto value = fields.find("comments");
  dom::object comments;
  // An empty PHP array where an object is meant.
  if (!value || value->get_object().get(comments)) return;
  for (Item& item : items) {
    const std::string key = std::string(to_string(item.media_type)) + ":" + std::to_string(item.id);
    std::string_view comment;
    if (!comments[key].get_string().get(comment))
      item.comment = base::printable(comment, kTextBytesMax);
  }
}

ListDetails read_list_details(Fields& fields) {
  ListDetails list;
  list.id = fields.id("id");
  list.name = fields.text("name");
  list.description = fields.text("description");
  list.language = fields.text("iso_639_1");
  list.is_public = fields.flag("public");
  if (list.is_public) list.sort_by = fields.text("sort_by");
  const char* items = fields.find("items") ? "items" : "results";
  fields.each(items, [&](Fields& item) { list.items.push_back(read_item(item)); });
  read_comments(fields, list.items);
  const auto here = static_cast<std::int64_t>(list.items.size());
  list.page = fields.count("page", 1);
  list.total_pages = fields.count("total_pages", 1);
  list.total_results = fields.count("total_results", fields.count("item_count", here));
  list.item_count = fields.count("item_count", list.total_results);
  return list;
}

ListSummary read_summary(Fields& fields) {
  ListSummary list;
  list.id = fields.id("id");
  list.name = fields.text("name");
  list.description = fields.text("description");
  list.item_count = fields.count("item_count", fields.count("number_of_items", 0));
  list.is_public = fields.flag("public");
  list.created_at = fields.time("created_at");
  list.updated_at = fields.time("updated_at");
  return list;
}

ItemResult read_result(Fields& fields) {
  ItemResult result;
  result.media_type = fields.media_type("media_type");
  result.id = fields.id("media_id");
  result.success = fields.flag("success").value_or(false);
  return result;
}

}  // namespace

std::string_view to_string(MediaType type) {
  return type == MediaType::movie ? "movie" : "tv";
}

std::optional<base::EpochMicros> parse_time(std::string_view text) {
  constexpr std::string_view kUtc = " UTC";
  if (text.size() != 19 + kUtc.size() || !text.ends_with(kUtc)) return base::parse_rfc3339(text);
  std::string standard(text.substr(0, 19));
  if (standard[10] != ' ') return std::nullopt;
  standard[10] = 'T';
  return base::parse_rfc3339(standard + "Z");
}

std::optional<Status> parse_status(std::string_view json) {
  const auto parsed = parse<Status>(json, [](Fields& fields) {
    Status status;
    std::int64_t code = 0;
    if (const auto found = fields.find("status_code"); found && !found->get_int64().get(code) &&
                                                       code >= 0 &&
                                                       code <= std::numeric_limits<int>::max())
      status.code = static_cast<int>(code);
    bool success = false;
    if (const auto found = fields.find("success"); found && !found->get_bool().get(success))
      status.success = success;
    std::string_view message;
    if (const auto found = fields.find("status_message");
        found && !found->get_string().get(message))
      status.message = base::printable(message, 200);
    return status;
  });
  const auto* status = std::get_if<Status>(&parsed);
  return status ? std::optional(*status) : std::nullopt;
}

Parsed<ListDetails> parse_list_details(std::string_view json) {
  return parse<ListDetails>(json, read_list_details);
}

Parsed<AccountLists> parse_account_lists(std::string_view json) {
  return parse<AccountLists>(json, [](Fields& fields) {
    AccountLists page;
    fields.each("results", [&](Fields& list) { page.lists.push_back(read_summary(list)); });
    page.page = fields.count("page", 1);
    page.total_pages = fields.count("total_pages", 1);
    page.total_results =
        fields.count("total_results", static_cast<std::int64_t>(page.lists.size()));
    return page;
  });
}

Parsed<CreatedList> parse_created_list(std::string_view json) {
  return parse<CreatedList>(json, [](Fields& fields) {
    return CreatedList{fields.id(fields.find("list_id") ? "list_id" : "id")};
  });
}

Parsed<Cleared> parse_cleared(std::string_view json) {
  return parse<Cleared>(
      json, [](Fields& fields) { return Cleared{fields.maybe_count("items_deleted")}; });
}

Parsed<ItemStatus> parse_item_status(std::string_view json) {
  return parse<ItemStatus>(json, [](Fields& fields) {
    // Version 3 says whether; version 4 answers at all only if the item is there.
    const auto present = fields.flag("item_present");
    const auto success = fields.flag("success");
    if (!present && !success && !fields.find("media_id"))
      fields.complain("item_present", "is missing");
    return ItemStatus{present.value_or(success.value_or(true))};
  });
}

Parsed<std::vector<ItemResult>> parse_item_results(std::string_view json) {
  return parse<std::vector<ItemResult>>(json, [](Fields& fields) {
    std::vector<ItemResult> results;
    fields.each("results", [&](Fields& result) { results.push_back(read_result(result)); });
    return results;
  });
}

Parsed<RequestToken> parse_request_token(std::string_view json) {
  return parse<RequestToken>(json, [](Fields& fields) {
    return RequestToken{fields.token("request_token"), fields.time("expires_at")};
  });
}

Parsed<Session> parse_session(std::string_view json) {
  return parse<Session>(json, [](Fields& fields) { return Session{fields.token("session_id")}; });
}

Parsed<AccessToken> parse_access_token(std::string_view json) {
  return parse<AccessToken>(json, [](Fields& fields) {
    return AccessToken{fields.token("access_token"), fields.token("account_id")};
  });
}

}  // namespace spool::tmdb
