#include "engine/http/connection.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>
#include <vector>

namespace spool::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kReadBytes = 16UL * 1024;

class ServiceRoute : public Route {
 public:
  ServiceRoute(asio::io_context& io, BaseUrl base_url)
      : loop(io), url(std::move(base_url)), context(ssl::context::tls_client) {}

  base::Status trust(const std::string& ca_file, bool verify) {
    if (!url.tls) return {};  // reading the system's certificates takes its time
    if (SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION) != 1)
      return base::Failure(base::FailureKind::invalid, "TLS 1.2 is not to be had");
    error_code error;
    if (!verify) {
      context.set_verify_mode(ssl::verify_none, error);
    } else {
      context.set_verify_mode(ssl::verify_peer, error);
      if (ca_file.empty()) {
        context.set_default_verify_paths(error);
      } else {
        context.load_verify_file(ca_file, error);
      }
    }
    if (error)
      return base::Failure(base::FailureKind::invalid,
                           "cannot read certificates from " + ca_file + ": " + error.message());
    verifies = verify;
    return {};
  }

  asio::io_context& loop;
  BaseUrl url;
  mutable ssl::context context;
  bool verifies = true;
};

// Puts an answer together out of the bytes as they come.
class AnswerReader {
 public:
  enum class State { more, done, failed };

  AnswerReader(bool head, std::uint64_t body_bytes_max) : head_(head), body_max_(body_bytes_max) {
    begin();
  }

  State take(boost::beast::flat_buffer& buffer) {
    while (buffer.size() > 0) {
      error_code error;
      const std::size_t used = parser_->put(buffer.data(), error);
      buffer.consume(used);
      began_ = true;
      if (error == beast_http::error::need_more) return State::more;
      if (error) return fail(error);
      if (!parser_->is_done()) continue;
      if (parser_->get().result_int() >= 200) return State::done;
      begin();  // 1xx: the answer is still to come
    }
    return State::more;
  }

  // The service has closed the connection.
  State end() {
    error_code error;
    if (parser_->is_header_done() && parser_->need_eof()) parser_->put_eof(error);
    return !error && parser_->is_done() ? State::done : State::failed;
  }

  bool began() const { return began_; }
  bool keeps_alive() const { return parser_->keep_alive(); }
  Fault fault() const { return fault_; }
  const std::string& why() const { return why_; }

  Response response() {
    Response out;
    auto message = parser_->release();
    out.status = static_cast<int>(message.result_int());
    for (const auto& field : message)
      out.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    out.body = std::move(message.body());
    return out;
  }

 private:
  void begin() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(body_max_);
    parser_->skip(head_);
  }

  State fail(const error_code& error) {
    const bool large = error == beast_http::error::body_limit ||
                       error == beast_http::error::header_limit ||
                       error == beast_http::error::buffer_overflow;
    fault_ = large ? Fault::too_large : Fault::bad_answer;
    why_ = large ? "the answer is larger than it may be"
                 : "the answer is not HTTP: " + error.message();
    return State::failed;
  }

  const bool head_;
  const std::uint64_t body_max_;
  std::optional<beast_http::response_parser<beast_http::string_body>> parser_;
  bool began_ = false;
  Fault fault_ = Fault::bad_answer;
  std::string why_;
};

// A name's look-up runs on a thread of the library and cannot be called back: who waits for it
// leaves, and it ends by itself.
struct Lookup {
  explicit Lookup(asio::io_context& loop) : resolver(loop), done(loop) {}

  tcp::resolver resolver;
  asio::steady_timer done;
  bool finished = false;
  error_code error;
  std::vector<tcp::endpoint> endpoints;
};

class SocketConnection : public Connection, public std::enable_shared_from_this<SocketConnection> {
 public:
  explicit SocketConnection(std::shared_ptr<const ServiceRoute> route)
      : route_(std::move(route)), socket_(route_->loop), watch_(route_->loop) {}

  asio::awaitable<std::optional<Failed>> connect(Instant by) override {
    std::optional<Failed> failed = co_await look_up(by);
    if (!failed) {
      failed = co_await connect_to_any(by);
    }
    if (!failed && route_->url.tls) {
      failed = co_await agree_on_tls(by);
    }
    reusable_ = !failed;
    co_return failed;
  }

  asio::awaitable<Outcome> exchange(std::string request, bool head, Instant by,
                                    std::uint64_t body_bytes_max) override {
    reusable_ = false;
    arm(by);
    error_code error;
    co_await write(request, error);
    if (error) {
      disarm();
      co_return failed(Fault::timeout, "the request could not be written in time", error);
    }
    AnswerReader reader(head, body_bytes_max);
    auto state = reader.take(in_);
    while (state == AnswerReader::State::more) {
      const std::size_t bytes = co_await read(error);
      in_.commit(bytes);
      state = reader.take(in_);
      if (state != AnswerReader::State::more || !error) continue;
      if (error == asio::error::eof) state = reader.end();
      if (state != AnswerReader::State::done) {
        disarm();
        co_return failed(reader.began() ? Fault::stalled : Fault::timeout,
                         reader.began() ? "the answer stopped coming" : "no answer in time", error);
      }
    }
    disarm();
    if (state == AnswerReader::State::failed) {
      close();
      co_return Failed(reader.fault(), where() + reader.why(), true);
    }
    reusable_ = !error && in_.size() == 0 && reader.keeps_alive();
    co_return reader.response();
  }

  bool usable() override {
    if (!reusable_ || !socket_.is_open()) return false;
    char byte = 0;
    error_code error;
    socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    // Bytes that nobody asked for are the end of TLS, or of our understanding.
    return error == asio::error::would_block;
  }

  void close() override {
    closed_ = true;
    cut();
  }

 private:
  std::string where() const { return route_->url.host_header + ": "; }

  // `late`: what it means if the time was up.
  Failed failed(Fault late, const char* late_text, const error_code& error) {
    const bool expired = expired_;
    const bool closed = closed_;
    close();
    if (expired) return {late, where() + late_text, true};
    if (closed) return {Fault::network, where() + "the client is being closed", true};
    if (error == asio::error::eof || error == ssl::error::stream_truncated)
      return {Fault::network, where() + "the connection was closed before the answer was whole",
              true};
    return {Fault::network, where() + error.message(), true};
  }

  Failed unconnected(const char* step, const error_code& error) {
    const bool expired = expired_;
    const bool closed = closed_;
    close();
    if (closed) return {Fault::network, where() + "the client is being closed", false};
    if (expired) return {Fault::connect_timeout, where() + step + ": not in time", false};
    return {Fault::network, where() + step + ": " + error.message(), false};
  }

  asio::awaitable<std::optional<Failed>> look_up(Instant by) {
    error_code no_number;
    const auto number = asio::ip::make_address(route_->url.host, no_number);
    if (!no_number) {
      endpoints_ = {tcp::endpoint(number, route_->url.port)};
      co_return std::nullopt;
    }
    auto lookup = std::make_shared<Lookup>(route_->loop);
    lookup_ = lookup;
    lookup->done.expires_at(by);
    lookup->resolver.async_resolve(
        route_->url.host, std::to_string(route_->url.port),
        [lookup](const error_code& error, const tcp::resolver::results_type& results) {
          lookup->finished = true;
          lookup->error = error;
          for (const auto& result : results) lookup->endpoints.push_back(result.endpoint());
          lookup->done.cancel();
        });
    error_code woken;
    co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    lookup_.reset();
    expired_ = !lookup->finished;
    if (!lookup->finished || lookup->error || closed_)
      co_return unconnected("looking the name up", lookup->error);
    endpoints_ = std::move(lookup->endpoints);
    co_return std::nullopt;
  }

  // One address after the other, each with its share of the time: a dead first one costs the
  // others their chance otherwise.
  asio::awaitable<std::optional<Failed>> connect_to_any(Instant by) {
    error_code error = asio::error::host_not_found;
    std::size_t left = endpoints_.size();
    for (const tcp::endpoint& endpoint : endpoints_) {
      const Instant now = steady_clock::now();
      arm(now + (by - now) / static_cast<Instant::rep>(left--));
      cut();
      co_await socket_.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
      disarm();
      if (!error || closed_) break;
    }
    if (error || closed_ || !socket_.is_open()) co_return unconnected("connecting", error);
    socket_.non_blocking(true, error);  // for usable(); pending operations do not mind
    socket_.set_option(tcp::no_delay(true), error);
    socket_.set_option(asio::socket_base::keep_alive(true), error);
    co_return std::nullopt;
  }

  asio::awaitable<std::optional<Failed>> agree_on_tls(Instant by) {
    tls_.emplace(socket_, route_->context);
    const std::string& host = route_->url.host;
    error_code error;
    asio::ip::make_address(host, error);
    if (error) SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
    error = {};
    if (route_->verifies) tls_->set_verify_callback(ssl::host_name_verification(host), error);
    arm(by);
    co_await tls_->async_handshake(ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
    disarm();
    if (!error && !closed_ && !expired_) co_return std::nullopt;
    if (closed_ || expired_ || error.category() != asio::error::get_ssl_category())
      co_return unconnected("TLS", error);
    const long verified = SSL_get_verify_result(tls_->native_handle());
    close();
    // A certificate for another name passes the chain's own checks.
    const std::string why =
        verified == X509_V_OK ? error.message() : X509_verify_cert_error_string(verified);
    co_return Failed(Fault::tls, where() + "TLS: " + why, false);
  }

  asio::awaitable<void> write(const std::string& text, error_code& error) {
    if (tls_) {
      co_await asio::async_write(*tls_, asio::buffer(text),
                                 asio::redirect_error(asio::use_awaitable, error));
    } else {
      co_await asio::async_write(socket_, asio::buffer(text),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
  }

  asio::awaitable<std::size_t> read(error_code& error) {
    const auto space = in_.prepare(kReadBytes);
    std::size_t bytes = 0;
    if (tls_) {
      bytes =
          co_await tls_->async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    } else {
      bytes =
          co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, error));
    }
    co_return bytes;
  }

  // From now on until disarm(): at `by` the socket is closed, which ends what is pending.
  void arm(Instant by) {
    expired_ = false;
    watch_.expires_at(by);
    watch_.async_wait([weak = weak_from_this(), mine = ++watches_](const error_code& cancelled) {
      const auto self = weak.lock();
      // It may have been on its way already when it was cancelled.
      if (cancelled || !self || self->watches_ != mine) return;
      self->expired_ = true;
      self->cut();
    });
  }

  void disarm() {
    ++watches_;
    watch_.cancel();
  }

  void cut() {
    if (const auto lookup = lookup_.lock()) lookup->done.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  const std::shared_ptr<const ServiceRoute> route_;
  tcp::socket socket_;
  std::optional<ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer watch_;
  std::uint64_t watches_ = 0;
  bool expired_ = false;
  bool closed_ = false;
  bool reusable_ = false;
  std::weak_ptr<Lookup> lookup_;
  std::vector<tcp::endpoint> endpoints_;
  boost::beast::flat_buffer in_;
};

}  // namespace

base::Result<std::shared_ptr<const Route>> make_route(asio::io_context& loop, BaseUrl url,
                                                      const std::string& ca_file, bool verify) {
  auto route = std::make_shared<ServiceRoute>(loop, std::move(url));
  if (const base::Status trusted = route->trust(ca_file, verify); !trusted.ok())
    return trusted.failure();
  return std::shared_ptr<const Route>(std::move(route));
}

std::shared_ptr<Connection> make_connection(std::shared_ptr<const Route> route) {
  return std::make_shared<SocketConnection>(
      std::static_pointer_cast<const ServiceRoute>(std::move(route)));
}

}  // namespace spool::http
