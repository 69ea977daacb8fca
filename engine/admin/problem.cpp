#include "engine/admin/problem.hpp"

#include "engine/base/text.hpp"

namespace spool::admin {
namespace {

constexpr std::size_t kDetailBytesMax = 1024;

}  // namespace

const char* status_title(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

std::string json_quoted(std::string_view text) {
  std::string out;
  base::append_json_quoted(out, base::printable(text, kDetailBytesMax));
  return out;
}

Response problem(int status, std::string_view detail) {
  std::string body = "{\"type\":\"about:blank\",\"title\":" + json_quoted(status_title(status)) +
                     ",\"status\":" + std::to_string(status);
  if (!detail.empty()) body += ",\"detail\":" + json_quoted(detail);
  return {status, "application/problem+json", body + "}\n"};
}

}  // namespace spool::admin
