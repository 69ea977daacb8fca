// "host:port" and "http://host:port/path" as people write them. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace spool::admin {

struct Address {
  std::string host;  // a name or a number, without brackets
  std::uint16_t port = 0;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0"; ":8080" is every address of the machine.
base::Result<Address> parse_address(std::string_view text);

struct Url {
  Address address;
  std::string host_header;  // "host:port" as written
  std::string target;       // "/readyz?verbose", at least "/"
};

// http only; the port is 80 if it is not named.
base::Result<Url> parse_url(std::string_view text);

}  // namespace spool::admin
