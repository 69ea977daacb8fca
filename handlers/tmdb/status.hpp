// What an answer of TMDB means for a call: its HTTP status, its own status code and the kind of
// call decide. One table of all codes, tested whole. Pure, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/message/error_type.hpp"

namespace spool::tmdb {

enum class Operation : std::uint8_t {
  create_list,
  update_list,
  delete_list,
  clear_list,
  add_movie,
  remove_movie,
  list_details,
  item_status,
  account_lists,
  request_token,
  create_session,
  convert_session,
  delete_session,
  access_token,
};
inline constexpr std::size_t kOperationCount =
    static_cast<std::size_t>(Operation::access_token) + 1;

// The word for logs and metrics.
std::string_view to_string(Operation operation);
// It changes something at TMDB: never repeated by itself, in doubt if nobody knows how it ended.
// Tokens and sessions that nobody hears of do no harm, and expire.
bool changes(Operation operation);

struct Reply {
  int http_status = 0;
  bool json = false;        // the body is a JSON object; a page of a proxy is not
  std::optional<int> code;  // TMDB's status_code, if the body has one
  std::optional<std::chrono::seconds> retry_after = {};
};

enum class Ending : std::uint8_t {
  done,
  unsure,  // it may have been done although TMDB says that it failed: read back
  failed,
};

struct Verdict {
  Ending ending = Ending::done;
  message::ErrorType type = message::ErrorType::other;  // of unsure and failed
  std::optional<std::chrono::seconds> retry_after = {};
  bool in_doubt = false;  // of a change that failed: it may have had its effect all the same
};

Verdict judge(Operation operation, const Reply& reply);

// Retry-After as seconds or as a date, which counts from the answer's own Date; a day at most.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::string_view date);

}  // namespace spool::tmdb
