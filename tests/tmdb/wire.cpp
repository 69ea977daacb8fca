#include "tests/tmdb/wire.hpp"

#include <string_view>

namespace spool::standin {
namespace {

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return "Status";
  }
}

}  // namespace

std::string to_bytes(const Answer& answer, Ending ending, bool keep_alive) {
  std::string_view body = answer.body;
  if (ending == Ending::cut_short) body = body.substr(0, body.size() / 2);
  std::string out;
  constexpr std::size_t kHeadSize = 256;
  out.reserve(kHeadSize + body.size());
  out += "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  out += reason(answer.status);
  out += "\r\nContent-Type: " + answer.content_type + "\r\nContent-Length: ";
  out += std::to_string(answer.body.size()) + "\r\n";
  for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  out += body;
  return out;
}

}  // namespace spool::standin
