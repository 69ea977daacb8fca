// The address of a service, e.g. https://api.themoviedb.org/3 or http://127.0.0.1:8080. Pure, any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace spool::http {

struct BaseUrl {
  bool tls = false;
  std::string host;  // a name or a number, without brackets
  std::uint16_t port = 0;
  std::string host_header;  // as the Host header wants it: the port only if it is not the usual one
  std::string prefix;       // "/3" or empty; never ends in '/'
};

// Fails with `invalid`; the text does not repeat the URL, whose user part might be a secret.
base::Result<BaseUrl> parse_base_url(std::string_view text);

}  // namespace spool::http
