// The HTTP server for probes and metrics: one thread of its own, so that it answers while every
// other thread is busy. Owned by one thread, which starts and stops it; the routes run on the
// server's thread and must answer at once. Everything is bounded: connections, bytes of a request,
// and the time of every read and write.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/admin/router.hpp"
#include "engine/base/result.hpp"

namespace spool::admin {

struct AdminSettings {
  std::string listen = "127.0.0.1:0";  // port 0: any free one, port() tells which
  // How long a whole request may take to arrive, an idle keep-alive connection included; then it is
  // closed.
  std::chrono::milliseconds read_timeout{15'000};
  std::chrono::milliseconds write_timeout{15'000};
  std::uint32_t header_bytes_max = 8 * 1024;
  std::uint64_t body_bytes_max = 1024;
  // Further clients wait in the operating system's queue until one leaves.
  std::size_t connections_max = 64;
};

class AdminServer {
 public:
  AdminServer(AdminSettings settings, Router router);
  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens and begins to answer. Fails with `invalid` (the address is none) or `unavailable`
  // (taken, not allowed, unknown host). Once.
  base::Status start();

  // Closes every connection and ends the thread; when it returns no route runs any more. Again does
  // nothing.
  void stop();

  // The port listened on, 0 before start().
  std::uint16_t port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::admin
