// One connection to a service, for one request after the other. Private to this folder; owned by
// the pool or by the request that uses it, on the loop's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.hpp"
#include "engine/http/base_url.hpp"
#include "engine/http/message.hpp"

namespace boost::asio {
class io_context;
}

namespace spool::http {

using Instant = std::chrono::steady_clock::time_point;

// Where connections lead to, and how its certificate is verified.
class Route {
 public:
  virtual ~Route() = default;
};

// `ca_file` empty: the system's.
base::Result<std::shared_ptr<const Route>> make_route(boost::asio::io_context& loop, BaseUrl url,
                                                      const std::string& ca_file, bool verify);

class Connection {
 public:
  virtual ~Connection() = default;

  // Looks the name up, connects, and agrees on TLS. Once, before everything else.
  virtual boost::asio::awaitable<std::optional<Failed>> connect(Instant by) = 0;
  // Writes the request and reads the answer to it. Bytes may have left from here on.
  virtual boost::asio::awaitable<Outcome> exchange(std::string request, bool head, Instant by,
                                                   std::uint64_t body_bytes_max) = 0;
  // The last answer left it fit for another request, and the service has not closed it since.
  virtual bool usable() = 0;
  // Ends what is pending on it.
  virtual void close() = 0;
};

std::shared_ptr<Connection> make_connection(std::shared_ptr<const Route> route);

}  // namespace spool::http
