#include "engine/http/base_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace spool::http {
namespace {

base::Failure invalid(const char* why) {
  return {base::FailureKind::invalid, std::string("base URL: ") + why};
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_host(std::string_view text, bool bracketed) {
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || (bracketed && c == ':');
  });
}

bool is_path(std::string_view text) {
  return std::ranges::all_of(
      text, [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '?' && c != '#'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

base::Result<BaseUrl> parse_base_url(std::string_view text) {
  BaseUrl url;
  url.tls = take(text, "https://");
  if (!url.tls && !take(text, "http://"))
    return invalid("begins with neither https:// nor http://");
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  std::string_view path = text.substr(slash);
  if (authority.find('@') != std::string_view::npos) return invalid("must not have a user part");
  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end =
      bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (host_end == std::string_view::npos) return invalid("a bracket is not closed");
  const std::string_view host =
      bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  if (!is_host(host, bracketed)) return invalid("the host is none");
  url.host = host;
  url.host_header = authority.substr(0, host_end + (bracketed ? 1 : 0));
  authority.remove_prefix(url.host_header.size());
  url.port = url.tls ? 443 : 80;
  if (!authority.empty()) {
    const auto port = authority.front() == ':' ? parse_port(authority.substr(1)) : std::nullopt;
    if (!port) return invalid("the port is none");
    if (*port != url.port) url.host_header.append(":").append(std::to_string(*port));
    url.port = *port;
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!is_path(path)) return invalid("the path has a query or characters that it may not have");
  url.prefix = path;
  return url;
}

}  // namespace spool::http
