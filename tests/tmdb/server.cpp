#include "tests/tmdb/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

#include "tests/tmdb/connection.hpp"
#include "tests/tmdb/listener.hpp"

namespace spool::standin {

namespace asio = boost::asio;
using base::Failure;
using base::FailureKind;
using boost::system::error_code;

class Server::Impl {
 public:
  explicit Impl(ServerSettings settings)
      : settings_(std::move(settings)), shared_{Standin(settings_.standin)} {
    shared_.on_presence = [this](const Delivery& delivery) { on_presence(delivery); };
  }

  base::Status start() {
    base::Status started = load_certificate();
    if (started) started = api_.open(settings_.listen);
    if (started && !settings_.control.empty()) started = control_.open(settings_.control);
    signals_.async_wait([this](const error_code&, int) { io_.stop(); });
    return started;
  }

  std::uint16_t port() const { return api_.port(); }
  std::uint16_t control_port() const { return control_.port(); }
  void run() { io_.run(); }

 private:
  base::Status load_certificate() {
    if (settings_.tls_certificate.empty()) return {};
    error_code error;
    tls_.use_certificate_chain_file(settings_.tls_certificate, error);
    if (!error) tls_.use_private_key_file(settings_.tls_key, asio::ssl::context::pem, error);
    if (error) return Failure(FailureKind::invalid, "certificate: " + error.message());
    return {};
  }

  void on_api_socket(TcpSocket socket) {
    if (settings_.tls_certificate.empty()) {
      std::make_shared<Connection<TcpSocket>>(std::move(socket), shared_)->start();
    } else {
      std::make_shared<Connection<TlsStream>>(TlsStream(std::move(socket), tls_), shared_)->start();
    }
  }

  void on_control_socket(TcpSocket socket) {
    const auto connection = std::make_shared<Connection<TcpSocket>>(std::move(socket), shared_);
    connection->control = true;
    connection->start();
  }

  void on_presence(const Delivery& delivery) {
    returning_.cancel();
    if (delivery.presence == Presence::back) {
      api_.back();
      return;
    }
    api_.away();
    for (AnyConnection* connection : shared_.connections) {
      if (!connection->control) connection->reset();
    }
    if (!delivery.away_ms) return;
    returning_.expires_after(std::chrono::milliseconds(*delivery.away_ms));
    returning_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) api_.back();
    });
  }

  ServerSettings settings_;
  // Before the context: operations that the context holds own connections, and those report to
  // `shared_`.
  Shared shared_;
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  asio::signal_set signals_{io_, SIGTERM, SIGINT};
  asio::steady_timer returning_{io_};
  Listener api_{io_, [this](TcpSocket socket) { on_api_socket(std::move(socket)); }};
  Listener control_{io_, [this](TcpSocket socket) { on_control_socket(std::move(socket)); }};
};

Server::Server(ServerSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}

Server::~Server() = default;

base::Status Server::start() {
  return impl_->start();
}

std::uint16_t Server::port() const {
  return impl_->port();
}

std::uint16_t Server::control_port() const {
  return impl_->control_port();
}

void Server::run() {
  impl_->run();
}

}  // namespace spool::standin
