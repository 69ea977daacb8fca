#include "tests/tmdb/listener.hpp"

#include <chrono>
#include <utility>

#include "engine/admin/address.hpp"
#include "engine/base/assert.hpp"

namespace spool::standin {
namespace {

using base::Failure;
using base::FailureKind;
using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

// Out of descriptors, accepting at once again would only spin.
constexpr std::chrono::milliseconds kAcceptPause{20};

// Several sockets may be bound to the port as long as none of them listens yet.
error_code bind_shared(tcp::acceptor& socket, const tcp::endpoint& endpoint) {
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) socket.bind(endpoint, error);
  return error;
}

}  // namespace

base::Status Listener::open(const std::string& address) {
  const auto parsed = admin::parse_address(address);
  if (!parsed) return parsed.failure();
  error_code error;
  tcp::resolver resolver(io_);
  const auto found =
      resolver.resolve(parsed->host, std::to_string(parsed->port), tcp::resolver::passive, error);
  if (!error) error = bind_shared(holder_, found.begin()->endpoint());
  if (!error) endpoint_ = holder_.local_endpoint(error);
  if (!error) error = listen();
  if (error) {
    return Failure(FailureKind::unavailable,
                   "cannot listen on " + address + ": " + error.message());
  }
  return {};
}

error_code Listener::listen() {
  error_code error = bind_shared(acceptor_, endpoint_);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) accept();
  return error;
}

void Listener::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (!error) accepted_(std::move(socket));
    if (error == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      accept();
      return;
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  });
}

void Listener::away() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Listener::back() {
  if (acceptor_.is_open()) return;
  const error_code error = listen();
  SPOOL_ASSERT(!error, "the port was kept for this");
}

}  // namespace spool::standin
