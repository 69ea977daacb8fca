// Requests and answers as plain values, and how an answer is to leave. Values, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/tmdb/json.hpp"

namespace spool::standin {

// When something happened, by both clocks of the server.
struct Moment {
  std::int64_t steady_us = 0;  // CLOCK_MONOTONIC: comparable between processes of one machine
  std::int64_t unix_s = 0;
};

struct Request {
  std::string method;
  std::string path;                          // decoded
  std::map<std::string, std::string> query;  // decoded
  std::string bearer;                        // of the Authorization header; empty: there was none
  std::string body;
};

struct Answer {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json;charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

Answer json_answer(int status, const json::object& body);
// {success, status_code, status_message}, with the HTTP status that belongs to the code.
json::object status_object(int code);
Answer status_answer(int code);

// What the client sees of an answer.
enum class Ending : std::uint8_t {
  whole,
  cut_short,  // Content-Length of the whole, half of the body, then the connection is closed
  closed,     // not a byte; the connection is closed
  reset,      // not a byte; the connection is reset
};

enum class Presence : std::uint8_t { unchanged, away, back };

struct Delivery {
  Answer answer = {};
  Ending ending = Ending::whole;
  std::int64_t late_ms = 0;                  // before the first byte
  std::int64_t trickle_ms = 0;               // between two pieces; 0: all at once
  std::int64_t trickle_bytes = 1;            // of a piece
  Presence presence = Presence::unchanged;   // whether the server accepts connections from now on
  std::optional<std::int64_t> away_ms = {};  // comes back by itself
};

}  // namespace spool::standin
