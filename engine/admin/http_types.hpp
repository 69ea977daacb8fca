// Requests and answers as plain values, so that routes need no HTTP library. Values, any thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace spool::admin {

struct Request {
  std::string method;                           // "GET"
  std::string path;                             // "/readyz/kafka", decoded
  std::map<std::string, std::string> query;     // decoded; a key without a value has an empty one
  std::map<std::string, std::string> captures;  // what the route's {names} matched
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // beyond content type and length
};

}  // namespace spool::admin
