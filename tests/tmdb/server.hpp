// The network around a Standin: listens, reads requests, writes answers as they are meant to leave.
// Everything happens on the one thread that calls run().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "tests/tmdb/standin.hpp"

namespace spool::standin {

struct ServerSettings {
  std::string listen = "127.0.0.1:0";
  // A second address that answers while the first refuses; empty: there is none.
  std::string control = {};
  // PEM files; with them the first address speaks TLS.
  std::string tls_certificate = {};
  std::string tls_key = {};
  Settings standin = {};
};

class Server {
 public:
  explicit Server(ServerSettings settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Fails with `invalid` (an address, a certificate) or `unavailable` (the port is taken). Once.
  base::Status start();
  std::uint16_t port() const;
  std::uint16_t control_port() const;  // 0: there is none
  // Until SIGTERM or SIGINT.
  void run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::standin
