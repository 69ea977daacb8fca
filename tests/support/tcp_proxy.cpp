#include "tests/support/tcp_proxy.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <list>
#include <regex>
#include <stdexcept>
#include <thread>

namespace spool::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// All of it runs on the proxy's own thread.
struct TcpProxy::Impl {
  struct Chunk {
    std::string bytes;
    Clock::time_point due;
  };

  // One direction of one connection.
  struct Pipe {
    tcp::socket& from;
    tcp::socket& to;
    asio::steady_timer timer;
    std::array<char, 16384> buffer{};
    std::deque<Chunk> waiting;
    bool writing = false;
  };

  struct Pair {
    tcp::socket client;
    tcp::socket server;
    Pipe up;
    Pipe down;
    explicit Pair(tcp::socket c)
        : client(std::move(c)),
          server(client.get_executor()),
          up{client, server, asio::steady_timer(client.get_executor()), {}, {}, false},
          down{server, client, asio::steady_timer(client.get_executor()), {}, {}, false} {}
  };

  asio::io_context context{1};
  tcp::acceptor acceptor{context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::uint16_t target_port = 0;
  std::list<std::shared_ptr<Pair>> pairs;
  std::chrono::milliseconds delay{0};
  bool stalled = false;
  bool refusing = false;
  std::atomic<int> accepted{0};
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket client) {
      if (error) return;
      ++accepted;
      if (!refusing) open(std::move(client));
      accept();
    });
  }

  void open(tcp::socket client) {
    auto pair = std::make_shared<Pair>(std::move(client));
    const tcp::endpoint target(asio::ip::address_v4::loopback(), target_port);
    pair->server.async_connect(target, [this, pair](error_code error) {
      if (error) return;
      pairs.push_back(pair);
      read(pair, pair->up);
      read(pair, pair->down);
    });
  }

  void close(const std::shared_ptr<Pair>& pair) {
    error_code ignored;
    pair->up.timer.cancel();
    pair->down.timer.cancel();
    pair->client.close(ignored);
    pair->server.close(ignored);
    pairs.remove(pair);
  }

  void read(const std::shared_ptr<Pair>& pair, Pipe& pipe) {
    pipe.from.async_read_some(
        asio::buffer(pipe.buffer), [this, pair, &pipe](error_code error, std::size_t bytes) {
          if (error) return close(pair);
          pipe.waiting.push_back({std::string(pipe.buffer.data(), bytes), Clock::now() + delay});
          write(pair, pipe);
          read(pair, pipe);
        });
  }

  void write(const std::shared_ptr<Pair>& pair, Pipe& pipe) {
    if (pipe.writing || pipe.waiting.empty() || stalled) return;
    pipe.writing = true;
    pipe.timer.expires_at(pipe.waiting.front().due);
    pipe.timer.async_wait([this, pair, &pipe](error_code cancelled) {
      if (cancelled) return;
      pipe.writing = false;
      if (stalled) return;
      pipe.writing = true;
      asio::async_write(pipe.to, asio::buffer(pipe.waiting.front().bytes),
                        [this, pair, &pipe](error_code error, std::size_t) {
                          pipe.writing = false;
                          if (error) return close(pair);
                          pipe.waiting.pop_front();
                          write(pair, pipe);
                        });
    });
  }

  void cut() {
    for (const auto& pair : pairs) {
      error_code ignored;
      pair->client.set_option(asio::socket_base::linger(true, 0), ignored);
      pair->server.set_option(asio::socket_base::linger(true, 0), ignored);
    }
    while (!pairs.empty()) close(std::shared_ptr<Pair>(pairs.front()));
  }
};

TcpProxy::TcpProxy(std::uint16_t target_port) : impl_(std::make_unique<Impl>()) {
  impl_->target_port = target_port;
  impl_->accept();
  impl_->thread = std::thread([this] { impl_->context.run(); });
}

TcpProxy::~TcpProxy() {
  impl_->context.stop();
  impl_->thread.join();
}

std::uint16_t TcpProxy::port() const {
  return impl_->acceptor.local_endpoint().port();
}

void TcpProxy::delay(std::chrono::milliseconds time) {
  asio::post(impl_->context, [this, time] { impl_->delay = time; });
}

void TcpProxy::stall() {
  asio::post(impl_->context, [this] { impl_->stalled = true; });
}

void TcpProxy::resume() {
  asio::post(impl_->context, [this] {
    impl_->stalled = false;
    for (const auto& pair : impl_->pairs) {
      impl_->write(pair, pair->up);
      impl_->write(pair, pair->down);
    }
  });
}

void TcpProxy::cut() {
  asio::post(impl_->context, [this] { impl_->cut(); });
}

void TcpProxy::refuse(bool refusing) {
  asio::post(impl_->context, [this, refusing] { impl_->refusing = refusing; });
}

int TcpProxy::accepted() const {
  return impl_->accepted;
}

std::uint16_t port_of(const std::string& url) {
  std::smatch found;
  if (!std::regex_search(url, found, std::regex(":([0-9]+)/")))
    throw std::runtime_error("no port in the URL");
  return static_cast<std::uint16_t>(std::stoi(found[1]));
}

std::string through(const TcpProxy& proxy, const std::string& url) {
  return std::regex_replace(url, std::regex(":[0-9]+/"), ":" + std::to_string(proxy.port()) + "/");
}

}  // namespace spool::test
