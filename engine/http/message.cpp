#include "engine/http/message.hpp"

#include <algorithm>

namespace spool::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Neither a blank nor a control character: what may stand in a request line.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

bool is_name(std::string_view text) {
  return is_word(text) && text.find(':') == std::string_view::npos;
}

bool is_value(std::string_view text) {
  return std::ranges::all_of(text,
                             [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

}  // namespace

std::optional<std::string_view> Response::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const Header& header) {
    return std::ranges::equal(header.name, name, {}, lower, lower);
  });
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::connect_timeout:
      return "connect_timeout";
    case Fault::network:
      return "network";
    case Fault::timeout:
      return "timeout";
    case Fault::stalled:
      return "stalled";
    case Fault::tls:
      return "tls";
    case Fault::too_large:
      return "too_large";
    case Fault::not_begun:
      return "not_begun";
    case Fault::bad_answer:
      return "bad_answer";
    case Fault::bad_request:
      return "bad_request";
  }
  return "";
}

std::optional<std::string> wire_text(const Request& request, std::string_view host_header,
                                     std::string_view target_prefix, std::string_view user_agent) {
  if (!is_word(request.method) || !is_word(request.target) || request.target.front() != '/')
    return std::nullopt;
  std::string text;
  text.reserve(512 + request.body.size());
  const auto line = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  text.append(request.method).append(" ").append(target_prefix).append(request.target);
  text.append(" HTTP/1.1\r\n");
  line("Host", host_header);
  if (!user_agent.empty()) line("User-Agent", user_agent);
  for (const Header& header : request.headers) {
    if (!is_name(header.name) || !is_value(header.value)) return std::nullopt;
    line(header.name, header.value);
  }
  // A POST without a body says so, or some servers wait for one.
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    line("Content-Length", std::to_string(request.body.size()));
  text.append("\r\n").append(request.body);
  return text;
}

}  // namespace spool::http
