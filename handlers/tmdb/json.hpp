// Reads the answers of TMDB, of both versions of its API. What the documents and the live service
// disagree on is read either way: an id is a number or a string of digits, a flag true or 1, and
// null is the same as absent. What is needed and not there is a rejection that names the field.
// Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/message/rejection.hpp"

namespace spool::tmdb {

template <typename T>
using Parsed = std::variant<T, message::Rejection>;

enum class MediaType : std::uint8_t { movie, tv };
std::string_view to_string(MediaType type);

struct Item {
  MediaType media_type = MediaType::movie;
  std::int64_t id = 0;
  std::string title;        // of a series: its name
  std::string date;         // of release or first showing, empty if nobody knows it
  std::string poster_path;  // empty if there is none
  std::string comment;      // version 4
};

// A page of a list, or, with all items, the list.
struct ListDetails {
  std::int64_t id = 0;
  std::string name;
  std::string description;
  std::string language;
  std::optional<bool> is_public;  // version 4
  std::string sort_by;            // version 4
  std::int64_t item_count = 0;
  std::int64_t page = 1;
  std::int64_t total_pages = 1;
  std::int64_t total_results = 0;
  std::vector<Item> items;
};

struct ListSummary {
  std::int64_t id = 0;
  std::string name;
  std::string description;
  std::int64_t item_count = 0;
  std::optional<bool> is_public;  // version 4, as are the next
  std::optional<base::EpochMicros> created_at;
  std::optional<base::EpochMicros> updated_at;
};

struct AccountLists {
  std::int64_t page = 1;
  std::int64_t total_pages = 1;
  std::int64_t total_results = 0;
  std::vector<ListSummary> lists;
};

struct CreatedList {
  std::int64_t id = 0;
};

struct Cleared {
  std::optional<std::int64_t> items_deleted;  // version 4; 0 when it was repeated
};

struct ItemStatus {
  bool present = false;
};

struct ItemResult {
  MediaType media_type = MediaType::movie;
  std::int64_t id = 0;
  bool success = false;
};

struct RequestToken {
  std::string token;
  std::optional<base::EpochMicros> expires_at;  // version 3; those of version 4 last 15 minutes
};

struct Session {
  std::string id;
};

struct AccessToken {
  std::string token;
  std::string account_id;
};

// What every answer may have; all absent where the body is a JSON object without them.
struct Status {
  std::optional<int> code;
  std::optional<bool> success;
  std::string message;
};

// Empty if the text is no JSON object.
std::optional<Status> parse_status(std::string_view json);

Parsed<ListDetails> parse_list_details(std::string_view json);
Parsed<AccountLists> parse_account_lists(std::string_view json);
Parsed<CreatedList> parse_created_list(std::string_view json);
Parsed<Cleared> parse_cleared(std::string_view json);
Parsed<ItemStatus> parse_item_status(std::string_view json);
Parsed<std::vector<ItemResult>> parse_item_results(std::string_view json);
Parsed<RequestToken> parse_request_token(std::string_view json);
Parsed<Session> parse_session(std::string_view json);
Parsed<AccessToken> parse_access_token(std::string_view json);

// "2016-08-26 17:04:39 UTC", or RFC 3339.
std::optional<base::EpochMicros> parse_time(std::string_view text);

}  // namespace spool::tmdb
