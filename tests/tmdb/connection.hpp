// One connection of the server: reads a request, has it performed, lets the answer leave as it is
// meant to, and reads on. Kept alive by the operation that is pending on it. The server's thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "engine/admin/router.hpp"
#include "tests/tmdb/standin.hpp"
#include "tests/tmdb/wire.hpp"

namespace spool::standin {

using TcpSocket = boost::asio::ip::tcp::socket;
using TlsStream = boost::asio::ssl::stream<TcpSocket>;

class AnyConnection {
 public:
  virtual ~AnyConnection() = default;
  virtual void reset() = 0;
  bool control = false;  // stays when the server goes away
};

// What connections share.
struct Shared {
  Standin standin;
  std::unordered_set<AnyConnection*> connections = {};
  std::function<void(const Delivery&)> on_presence = {};
};

inline Moment now() {
  using std::chrono::duration_cast;
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {duration_cast<std::chrono::microseconds>(steady).count(),
          duration_cast<std::chrono::seconds>(wall).count()};
}

template <typename Stream>
class Connection : public AnyConnection, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, Shared& shared)
      : stream_(std::move(stream)), timer_(stream_.get_executor()), shared_(shared) {
    shared_.connections.insert(this);
    boost::system::error_code ignored;
    socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  }
  ~Connection() override { shared_.connections.erase(this); }

  void start() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(TlsStream::server, [self = this->shared_from_this()](Error error) {
        if (!error) self->read();
      });
    } else {
      read();
    }
  }

  void reset() override {
    Error ignored;
    socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
    socket().close(ignored);
  }

 private:
  using Error = boost::system::error_code;
  using Step = void (Connection::*)();

  auto& socket() { return stream_.lowest_layer(); }

  void read() {
    constexpr std::uint64_t kBodyMax = 64U << 20U;
    constexpr std::uint32_t kHeadMax = 64U << 10U;
    parser_.emplace();
    parser_->body_limit(kBodyMax);
    parser_->header_limit(kHeadMax);
    boost::beast::http::async_read(stream_, buffer_, *parser_,
                                   [self = this->shared_from_this()](Error error, std::size_t) {
                                     if (!error) self->on_request();
                                   });
  }

  void on_request() {
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    const auto target =
        admin::parse_target({message.method_string().data(), message.method_string().size()},
                            {message.target().data(), message.target().size()});
    if (!target) {
      delivery_ = {};
      delivery_.answer = status_answer(47);
      deliver();
      return;
    }
    request_ = {target->method, target->path, target->query, {}, std::move(message.body())};
    const auto authorization = message[boost::beast::http::field::authorization];
    constexpr std::string_view kBearer = "Bearer ";
    if (authorization.starts_with("Bearer ")) {
      request_.bearer.assign(authorization.data() + kBearer.size(),
                             authorization.size() - kBearer.size());
    }
    ticket_ = shared_.standin.arrive(request_, now());
    if (ticket_.control) control = true;
    after(ticket_.met.late_effect_ms, &Connection::perform);
  }

  void perform() {
    delivery_ = shared_.standin.perform(request_, ticket_, now());
    if (delivery_.presence != Presence::unchanged) shared_.on_presence(delivery_);
    after(delivery_.late_ms, &Connection::deliver);
  }

  // The step, so much later. It is taken although the client may have gone.
  void after(std::int64_t ms, Step step) {
    if (ms == 0) {
      (this->*step)();
      return;
    }
    timer_.expires_after(std::chrono::milliseconds(ms));
    timer_.async_wait([self = this->shared_from_this(), step](Error) { (*self.*step)(); });
  }

  void deliver() {
    if (delivery_.ending == Ending::reset) return reset();
    if (delivery_.ending == Ending::closed) return close();
    bytes_ = to_bytes(delivery_.answer, delivery_.ending, keep_alive_);
    sent_ = 0;
    write();
  }

  void write() {
    std::size_t size = bytes_.size() - sent_;
    if (delivery_.trickle_ms > 0) {
      size = std::min(size, static_cast<std::size_t>(delivery_.trickle_bytes));
    }
    boost::asio::async_write(stream_, boost::asio::buffer(bytes_.data() + sent_, size),
                             [self = this->shared_from_this()](Error error, std::size_t wrote) {
                               if (!error) self->on_written(wrote);
                             });
  }

  void on_written(std::size_t wrote) {
    sent_ += wrote;
    if (sent_ < bytes_.size()) {
      after(delivery_.trickle_ms, &Connection::write);
    } else if (keep_alive_ && delivery_.ending == Ending::whole) {
      read();
    } else {
      close();
    }
  }

  void close() {
    Error ignored;
    socket().shutdown(boost::asio::socket_base::shutdown_both, ignored);
    socket().close(ignored);
  }

  Stream stream_;
  boost::asio::steady_timer timer_;
  Shared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Request request_;
  Ticket ticket_;
  Delivery delivery_;
  bool keep_alive_ = true;
  std::string bytes_;
  std::size_t sent_ = 0;
};

}  // namespace spool::standin
