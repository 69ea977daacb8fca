#include "engine/admin/admin_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "engine/admin/address.hpp"
#include "engine/admin/problem.hpp"
#include "engine/base/assert.hpp"

namespace spool::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using base::Failure;
using base::FailureKind;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// When the process is out of descriptors, accepting at once again would only spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

class Session;

// What the sessions need of the server; touched on the server's thread only.
struct Shared {
  const AdminSettings settings;
  const Router router;
  std::unordered_set<Session*> sessions;
  std::function<void()> on_session_closed;

  bool full() const { return sessions.size() >= settings.connections_max; }
};

// The status that answers a request that could not be read; 0: there is nobody to answer.
int status_of(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_method).category() ? 400 : 0;
}

// One connection. Kept alive by the operation that is pending on it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    shared_.sessions.insert(this);
  }
  ~Session() {
    shared_.sessions.erase(this);
    if (shared_.on_session_closed) shared_.on_session_closed();
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(shared_.settings.header_bytes_max);
    parser_->body_limit(shared_.settings.body_bytes_max);
    stream_.expires_after(shared_.settings.read_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       self->on_read(error);
                     });
  }

  void close() { stream_.close(); }

 private:
  void on_read(const error_code& error) {
    if (!error) {
      const auto& request = parser_->get();
      const std::string_view method(request.method_string().data(), request.method_string().size());
      const std::string_view target(request.target().data(), request.target().size());
      // A full server gives each client one answer, so that those who wait get their turn.
      write(shared_.router.answer(method, target), request.keep_alive() && !shared_.full());
      return;
    }
    const int status = status_of(error);
    if (status != 0) write(problem(status, error.message()), false);
  }

  void write(const Response& response, bool keep_alive) {
    const bool head = parser_->get().method() == http::verb::head;
    answer_ = {};
    answer_.version(11);
    answer_.result(static_cast<unsigned>(response.status));
    answer_.reason(status_title(response.status));
    answer_.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) answer_.set(name, value);
    answer_.keep_alive(keep_alive);
    answer_.content_length(response.body.size());
    if (!head) answer_.body() = response.body;
    stream_.expires_after(shared_.settings.write_timeout);
    // A member, because it must live until the write is done.
    serializer_.emplace(answer_);
    const auto then = [self = shared_from_this()](const error_code& error, std::size_t) {
      self->on_written(error);
    };
    if (head) {
      http::async_write_header(stream_, *serializer_, then);
    } else {
      http::async_write(stream_, *serializer_, then);
    }
  }

  void on_written(const error_code& error) {
    if (error) return;
    if (answer_.keep_alive()) {
      read();
      return;
    }
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> answer_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

}  // namespace

class AdminServer::Impl {
 public:
  Impl(AdminSettings settings, Router router)
      : shared_{std::move(settings), std::move(router), {}, {}} {
    shared_.on_session_closed = [this] { accept(); };
  }

  base::Status start() {
    SPOOL_ASSERT(!thread_.joinable() && !stopped_, "a server starts once");
    base::Status listening = listen();
    if (!listening) return listening;
    accept();
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  void stop() {
    stopped_ = true;
    if (!thread_.joinable()) return;
    SPOOL_ASSERT(thread_.get_id() != std::this_thread::get_id(),
                 "a route must not stop the server");
    asio::post(io_, [this] { close_all(); });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

 private:
  base::Status listen() {
    const base::Result<Address> address = parse_address(shared_.settings.listen);
    if (!address) return address.failure();
    error_code error;
    const auto failure = [&] {
      return Failure(FailureKind::unavailable,
                     "cannot listen on " + shared_.settings.listen + ": " + error.message());
    };
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(address->host, std::to_string(address->port),
                                        tcp::resolver::passive, error);
    if (error) return failure();
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    // A restarted worker takes its port again while old connections fade out.
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) return failure();
    return {};
  }

  // One accept is pending unless the server is full or closing.
  void accept() {
    if (closing_ || accepting_ || shared_.full()) return;
    accepting_ = true;
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      accepting_ = false;
      if (closing_) return;
      if (!error) {
        std::make_shared<Session>(std::move(socket), shared_)->read();
        accept();
        return;
      }
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](const error_code& cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  void close_all() {
    closing_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    // Closing completes what is pending, which ends each session in its own turn.
    for (Session* session : shared_.sessions) session->close();
  }

  // Before the context: operations that the context holds own sessions, and those report to
  // `shared_`.
  Shared shared_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  std::thread thread_;
  std::uint16_t port_ = 0;
  bool stopped_ = false;    // the owner's
  bool accepting_ = false;  // the server thread's, as is the next
  bool closing_ = false;
};

AdminServer::AdminServer(AdminSettings settings, Router router)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(router))) {}

AdminServer::~AdminServer() {
  stop();
}

base::Status AdminServer::start() {
  return impl_->start();
}

void AdminServer::stop() {
  impl_->stop();
}

std::uint16_t AdminServer::port() const {
  return impl_->port();
}

}  // namespace spool::admin
