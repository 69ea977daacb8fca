// The HTTP client for one service: HTTP/1.1 over kept-alive connections, with or without TLS. It
// never repeats a request, follows no redirect and keeps no cookie. Made, used and destroyed on the
// thread that runs the io_context, which outlives it; destroying it ends what is under way
// (Failed). Everything is bounded: connections, bytes of an answer, and by a deadline the time of
// each request, the wait for a connection included.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/http/message.hpp"

namespace boost::asio {
class io_context;
}

namespace spool::http {

using Deadline = std::chrono::steady_clock::time_point;

struct ClientSettings {
  std::string base_url;  // http:// or https://, a path prefix is kept
  std::string ca_file;   // empty: the system's
  bool verify = true;    // that the service is who its certificate says; off for tests only
  std::chrono::milliseconds connect_timeout{5'000};  // of name look-up, TCP and TLS together
  // Shorter than the service's own, or many a connection turns out to be closed when it is needed.
  std::chrono::milliseconds idle_timeout{30'000};
  std::size_t connections_max = 8;  // further requests wait in their order
  std::uint64_t body_bytes_max = 4UL * 1024 * 1024;
  std::string user_agent = "spool";
};

class Client {
 public:
  // Fails with `invalid`: the URL, or a CA file that cannot be read. Connects to nothing yet.
  static base::Result<std::unique_ptr<Client>> make(boost::asio::io_context& loop,
                                                    const ClientSettings& settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `may_begin` (none: yes) is asked once, when a connection stands and immediately before the
  // first byte is written; if it says no, nothing is. Any status is a Response.
  boost::asio::awaitable<Outcome> send(Request request, Deadline deadline,
                                       std::function<bool()> may_begin);

 private:
  class Pool;
  explicit Client(std::shared_ptr<Pool> pool);

  std::shared_ptr<Pool> pool_;  // shared with the requests under way
};

}  // namespace spool::http
