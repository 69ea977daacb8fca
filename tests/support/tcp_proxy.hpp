// A TCP proxy on the loopback between a worker and a server: passes bytes on, later, not at all, or
// cuts. One thread of its own; the switches may be called by any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace spool::test {

class TcpProxy {
 public:
  // Listens on a free port of 127.0.0.1 and connects each client to 127.0.0.1:`target_port`.
  explicit TcpProxy(std::uint16_t target_port);
  ~TcpProxy();

  std::uint16_t port() const;

  // Bytes of both directions arrive so much later. 0: at once.
  void delay(std::chrono::milliseconds time);
  // Nothing is passed on any more, nothing is closed; resume() passes on what was held back.
  void stall();
  void resume();
  // Resets every connection there is; new ones are accepted unless refuse(true).
  void cut();
  void refuse(bool refusing);
  // Connections accepted so far.
  int accepted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The port of a connection URL, and the same URL with the proxy's.
std::uint16_t port_of(const std::string& url);
std::string through(const TcpProxy& proxy, const std::string& url);

}  // namespace spool::test
