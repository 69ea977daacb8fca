// A service on a free port of this machine whose every byte a test decides: a script is run for
// each connection, on a thread of its own, with blocking reads and writes. And a loop that runs one
// awaitable after the other on the test's thread.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace spool::http {

// Raised once or more, waited for with a limit that fails the test.
class Signal {
 public:
  void raise();
  void wait(int times = 1);

 private:
  std::mutex mutex_;
  std::condition_variable raised_;
  int times_ = 0;
};

class Peer {
 public:
  virtual ~Peer() = default;
  int number = 0;  // of the connection, from 0
  // Head and body; empty if the client has closed.
  virtual std::optional<std::string> read_request() = 0;
  // False if the client has closed.
  virtual bool write(std::string_view text) = 0;
  // Returns when the client's machine knows that no more will come.
  virtual void end() = 0;
  virtual void reset() = 0;
  // The name that the client asked for when it agreed on TLS; empty if none.
  virtual std::string asked_name() = 0;
};

struct Certificate {
  std::string chain;
  std::string key;
};

class TestServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit TestServer(Script script, std::optional<Certificate> certificate = {});
  ~TestServer();

  std::uint16_t port() const;
  std::string url() const;  // http://127.0.0.1:port
  int connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A whole answer with its length.
std::string answer(int status, std::string_view body, std::string_view extra_lines = "");
// Answers each request of a connection the same.
TestServer::Script always(std::string text);

// An authority made for one test.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  // `names`: as in "DNS:localhost,IP:127.0.0.1".
  Certificate certify(const std::string& names);
  const std::string& file() const { return file_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string file_;
};

class TestLoop {
 public:
  boost::asio::io_context io;

  template <typename T>
  struct Pending {
    std::optional<T> value;
  };

  // Begins it at once; run() goes on with it.
  template <typename T>
  std::shared_ptr<Pending<T>> begin(boost::asio::awaitable<T> what) {
    auto pending = std::make_shared<Pending<T>>();
    boost::asio::co_spawn(io, std::move(what), [pending](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      pending->value.emplace(std::move(value));
    });
    return pending;
  }

  template <typename T>
  T finish(const std::shared_ptr<Pending<T>>& pending) {
    run_until([&] { return pending->value.has_value(); });
    return std::move(*pending->value);
  }

  template <typename T>
  T run(boost::asio::awaitable<T> what) {
    return finish(begin(std::move(what)));
  }

  void run_until(const std::function<bool()>& done);
};

}  // namespace spool::http
