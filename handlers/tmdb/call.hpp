// What a call to TMDB is given and what it brings back, besides its own values: how long it may
// take, whether it may begin, what went wrong. On the loop's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/message/error_type.hpp"
#include "handlers/tmdb/status.hpp"

namespace spool::tmdb {

using Instant = std::chrono::steady_clock::time_point;

// What the rate limit allows. On the loop's thread.
class Permits {
 public:
  virtual ~Permits() = default;
  // Until when one request may begin; empty if none can be had by `deadline`.
  virtual boost::asio::awaitable<std::optional<Instant>> acquire(Instant deadline) = 0;
};

// One request, when it is over.
struct Observation {
  Operation operation;
  std::string_view outcome;  // done, unsure, not_begun, or a word of message::ErrorType
  std::chrono::duration<double> seconds;
  std::string_view correlation_id;
};
using Observer = std::function<void(const Observation&)>;

struct CallContext {
  explicit CallContext(Instant call_deadline) : deadline(call_deadline) {}

  Instant deadline;  // of the whole call
  // Asked immediately before the first byte of the call's first request is written; none: yes.
  std::function<bool()> may_begin;
  std::string correlation_id;
  // Until when the first request may begin: the caller has a permit for it already.
  std::optional<Instant> first_permit;
};

struct CallFailure {
  message::ErrorType type = message::ErrorType::other;
  std::string text;
  std::optional<std::chrono::seconds> retry_after = {};
  bool in_doubt = false;   // a change that was sent, and no conclusive answer came
  bool not_begun = false;  // forbidden or without a permit: no byte of the call has left
};

template <typename T>
using CallResult = std::variant<T, CallFailure>;

struct Done {};

}  // namespace spool::tmdb
