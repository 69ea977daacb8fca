#include "engine/admin/http_get.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "engine/admin/address.hpp"

namespace spool::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using base::Failure;
using base::FailureKind;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::uint64_t kBodyBytesMax = 8UL * 1024 * 1024;

Failure failed(std::string_view url, const error_code& error) {
  const bool late = error == beast::error::timeout;
  return {late ? FailureKind::slow : FailureKind::unavailable,
          std::string(url) + ": " + (late ? "no answer in time" : error.message())};
}

// Runs the one operation that was just started to its end.
void finish(asio::io_context& io) {
  io.restart();
  io.run();
}

}  // namespace

base::Result<HttpAnswer> http_get(std::string_view text, std::chrono::milliseconds timeout) {
  const base::Result<Url> url = parse_url(text);
  if (!url) return url.failure();
  asio::io_context io(1);
  error_code error;
  const auto found =
      tcp::resolver(io).resolve(url->address.host, std::to_string(url->address.port), error);
  if (error) return failed(text, error);

  beast::tcp_stream stream(io);
  stream.expires_after(timeout);
  stream.async_connect(found, [&](const error_code& e, const tcp::endpoint&) { error = e; });
  finish(io);
  if (error) return failed(text, error);

  http::request<http::empty_body> request(http::verb::get, url->target, 11);
  request.set(http::field::host, url->host_header);
  request.set(http::field::user_agent, "spool");
  request.keep_alive(false);
  http::async_write(stream, request, [&](const error_code& e, std::size_t) { error = e; });
  finish(io);
  if (error) return failed(text, error);

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyBytesMax);
  http::async_read(stream, buffer, parser, [&](const error_code& e, std::size_t) { error = e; });
  finish(io);
  if (error) return failed(text, error);
  return HttpAnswer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

}  // namespace spool::admin
