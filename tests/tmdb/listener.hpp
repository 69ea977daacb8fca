// A listening socket that can go away and come back on the same port. While it is away the port
// stays bound, so that connections are refused and nobody else gets it. The server's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/result.hpp"

namespace spool::standin {

class Listener {
 public:
  using Accepted = std::function<void(boost::asio::ip::tcp::socket)>;

  Listener(boost::asio::io_context& io, Accepted accepted)
      : io_(io), accepted_(std::move(accepted)), holder_(io), acceptor_(io), pause_(io) {}

  // Fails with `invalid` or `unavailable`.
  base::Status open(const std::string& address);
  std::uint16_t port() const { return endpoint_.port(); }
  void away();
  void back();

 private:
  boost::system::error_code listen();
  void accept();

  boost::asio::io_context& io_;
  Accepted accepted_;
  boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::ip::tcp::acceptor holder_;  // bound, never listening
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
};

}  // namespace spool::standin
