#include "handlers/tmdb/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace spool::tmdb {
namespace {

using enum message::ErrorType;
using enum Operation;
using message::ErrorType;
using std::chrono::seconds;

constexpr std::array<std::string_view, kOperationCount> kWords = {
    "create_list",    "update_list",     "delete_list",    "clear_list",    "add_movie",
    "remove_movie",   "list_details",    "item_status",    "account_lists", "request_token",
    "create_session", "convert_session", "delete_session", "access_token",
};

constexpr seconds kRetryAfterMax = std::chrono::hours(24);

enum class Meaning : std::uint8_t {
  done,
  duplicate,  // done, if the call was to bring about what is there already
  gone,       // done, if the call was to take away what is not there
  broken,     // it failed at the service, nobody knows how far it got
  away,       // the service says that it did not even try
  refused,
};

struct Code {
  int code;
  Meaning meaning;
  ErrorType type;
};

constexpr std::array kCodes = {
    Code{1, Meaning::done, other},
    Code{2, Meaning::refused, upstream_rejected},      // no such service
    Code{3, Meaning::refused, upstream_auth},          // no permission for this service
    Code{4, Meaning::refused, upstream_rejected},      // no such format
    Code{5, Meaning::refused, upstream_rejected},      // parameters
    Code{6, Meaning::gone, upstream_not_found},        // no such id
    Code{7, Meaning::refused, upstream_auth},          // API key
    Code{8, Meaning::duplicate, upstream_rejected},    // already there
    Code{9, Meaning::away, upstream_unavailable},      // offline
    Code{10, Meaning::refused, upstream_auth},         // API key suspended
    Code{11, Meaning::broken, upstream_server_error},  // internal error
    Code{12, Meaning::done, other},                    // updated
    Code{13, Meaning::done, other},                    // deleted
    Code{14, Meaning::refused, upstream_auth},         // authentication failed
    Code{15, Meaning::broken, upstream_server_error},  // failed
    Code{16, Meaning::refused, upstream_auth},         // device denied
    Code{17, Meaning::refused, upstream_auth},         // session denied
    Code{18, Meaning::refused, upstream_rejected},     // validation
    Code{19, Meaning::refused, upstream_rejected},     // accept header
    Code{20, Meaning::refused, upstream_rejected},     // date range
    Code{21, Meaning::done, other},                    // the entry to change is not there
    Code{22, Meaning::refused, upstream_rejected},     // page
    Code{23, Meaning::refused, upstream_rejected},     // date
    Code{24, Meaning::broken, upstream_timeout},       // its backend did not answer
    Code{25, Meaning::away, upstream_rate_limited},
    Code{26, Meaning::refused, upstream_rejected},   // user name and password missing
    Code{27, Meaning::refused, upstream_rejected},   // too many append_to_response
    Code{28, Meaning::refused, upstream_rejected},   // time zone
    Code{29, Meaning::refused, upstream_rejected},   // confirm=true missing
    Code{30, Meaning::refused, upstream_auth},       // user name or password
    Code{31, Meaning::refused, upstream_auth},       // account disabled
    Code{32, Meaning::refused, upstream_auth},       // e-mail not verified
    Code{33, Meaning::refused, upstream_auth},       // request token
    Code{34, Meaning::gone, upstream_not_found},     // no such resource
    Code{35, Meaning::refused, upstream_auth},       // token
    Code{36, Meaning::refused, upstream_forbidden},  // no right to write
    Code{37, Meaning::gone, upstream_not_found},     // no such session
    Code{38, Meaning::refused, upstream_forbidden},  // not the owner
    Code{39, Meaning::refused, upstream_forbidden},  // private
    Code{40, Meaning::done, other},                  // nothing to update
    Code{41, Meaning::refused, upstream_rejected},   // request token not approved
    Code{42, Meaning::refused, upstream_rejected},   // method
    Code{43, Meaning::away, upstream_unavailable},   // no connection to its backend
    Code{44, Meaning::refused, upstream_rejected},   // id
    Code{45, Meaning::refused, upstream_auth},       // user suspended
    Code{46, Meaning::away, upstream_unavailable},   // maintenance
    Code{47, Meaning::refused, upstream_rejected},   // input
};

bool takes_away(Operation operation) {
  return operation == delete_list || operation == remove_movie || operation == delete_session;
}

// What a status means without a code of TMDB's: its own answers have one with few exceptions.
Code by_http_status(int status) {
  if (status == 429) return {0, Meaning::away, upstream_rate_limited};
  if (status == 401) return {0, Meaning::refused, upstream_auth};
  if (status == 403) return {0, Meaning::refused, upstream_forbidden};
  if (status == 404) return {0, Meaning::gone, upstream_not_found};
  if (status == 408 || status == 504) return {0, Meaning::broken, upstream_timeout};
  if (status == 502 || status == 503) return {0, Meaning::broken, upstream_unavailable};
  if (status >= 200 && status < 300) return {0, Meaning::done, other};
  if (status >= 400 && status < 500) return {0, Meaning::refused, upstream_rejected};
  return {0, Meaning::broken, upstream_server_error};
}

// Somebody between us and TMDB has answered: nothing that it says is TMDB's last word.
Code of_stranger(int status) {
  if (status == 429) return {0, Meaning::away, upstream_rate_limited};
  if (status == 408 || status == 504) return {0, Meaning::broken, upstream_timeout};
  if (status >= 400 && status < 500) return {0, Meaning::away, upstream_unavailable};
  if (status == 502 || status == 503) return {0, Meaning::broken, upstream_unavailable};
  return {0, Meaning::broken, upstream_server_error};
}

Code meaning_of(const Reply& reply) {
  if (!reply.json) return of_stranger(reply.http_status);
  if (reply.http_status == 429) return by_http_status(429);
  const auto known = std::ranges::find_if(
      kCodes, [&](const Code& code) { return reply.code && code.code == *reply.code; });
  const bool found = known != kCodes.end();
  // "Success" under an error's status is a contradiction, and the status is what proxies believe.
  if (found && known->meaning == Meaning::done && reply.http_status >= 400)
    return by_http_status(reply.http_status);
  return found ? *known : by_http_status(reply.http_status);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  bool digits = true;
  const auto number = [&](std::size_t from, std::size_t size) {
    int value = 0;
    for (const char c : text.substr(from, size)) {
      digits = digits && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  const std::chrono::year_month_day day(
      std::chrono::year(number(12, 4)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(number(5, 2))));
  const auto time = std::chrono::hours(number(17, 2)) + std::chrono::minutes(number(20, 2)) +
                    seconds(number(23, 2));
  if (!digits || !day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + time;
}

}  // namespace

std::string_view to_string(Operation operation) {
  return kWords[static_cast<std::size_t>(operation)];
}

bool changes(Operation operation) {
  switch (operation) {
    case create_list:
    case update_list:
    case delete_list:
    case clear_list:
    case add_movie:
    case remove_movie:
    case delete_session:
      return true;
    case list_details:
    case item_status:
    case account_lists:
    case request_token:
    case create_session:
    case convert_session:
    case access_token:
      return false;
  }
  return true;
}

Verdict judge(Operation operation, const Reply& reply) {
  const Code code = meaning_of(reply);
  const Verdict done;
  const Verdict failed{Ending::failed, code.type, reply.retry_after, false};
  switch (code.meaning) {
    case Meaning::done:
      return done;
    case Meaning::duplicate:
      return operation == add_movie ? done : failed;
    case Meaning::gone:
      return takes_away(operation) ? done : failed;
    case Meaning::broken: {
      const Ending ending = operation == delete_list ? Ending::unsure : Ending::failed;
      return {ending, code.type, reply.retry_after, changes(operation)};
    }
    case Meaning::away:
    case Meaning::refused:
      return failed;
  }
  return failed;
}

std::optional<seconds> parse_retry_after(std::string_view text, std::string_view date) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc{} && end == text.data() + text.size() && count >= 0)
    return std::min(kRetryAfterMax, seconds(count));
  if (error == std::errc::result_out_of_range && text.front() != '-') return kRetryAfterMax;
  const auto until = parse_http_date(text);
  const auto now = parse_http_date(date);
  if (!until || !now) return std::nullopt;
  return std::clamp(seconds(*until - *now), seconds(0), kRetryAfterMax);
}

}  // namespace spool::tmdb
