#include "engine/admin/address.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "engine/base/text.hpp"

namespace spool::admin {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;

Failure refuse(std::string_view text, const char* why) {
  return {FailureKind::invalid, "'" + base::printable(text, 200) + "': " + why};
}

bool printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, "an address is host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return refuse(text, "a port is a number from 0 to 65535");
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.empty()) return refuse(text, "no address between the brackets");
  } else if (host.find(':') != std::string_view::npos) {
    return refuse(text, "an IPv6 address stands in brackets");
  }
  if (!printable_ascii(host)) return refuse(text, "a host name has no such characters");
  return Address{std::string(host.empty() ? "0.0.0.0" : host), port};
}

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return refuse(text, "a URL starts with http://");
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string authority(rest.substr(0, slash));
  std::string target(rest.substr(slash, rest.find('#') - slash));
  if (authority.empty() || authority.front() == ':') return refuse(text, "no host");
  if (!printable_ascii(target)) return refuse(text, "blanks in a URL are written %20");
  if (!target.starts_with('/')) target.insert(target.begin(), '/');
  const bool has_port = authority.find(':', authority.rfind(']') + 1) != std::string::npos;
  Result<Address> address = parse_address(has_port ? authority : authority + ":80");
  if (!address) return address.failure();
  return Url{*address, authority, std::move(target)};
}

}  // namespace spool::admin
