#include "engine/admin/admin_server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace spool::admin {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A plain blocking connection; nothing of the server's own library.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // The test must fail, not hang, when an answer never comes.
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) {
    // The server may have hung up already; the answer tells.
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // All until the server closes; "(no end)" is added if it does not.
  std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(pending_, {}) + (ended_ ? "" : "(no end)");
  }
  // One answer that has a Content-Length; what follows stays.
  std::string read_answer(bool has_body = true) {
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return "(cut off) " + pending_;
    }
    end += 4;
    const std::size_t length_at = pending_.find("Content-Length: ");
    if (has_body && length_at < end) end += std::stoul(pending_.substr(length_at + 16));
    while (pending_.size() < end) {
      if (!receive()) return "(cut off) " + pending_;
    }
    std::string answer = pending_.substr(0, end);
    pending_.erase(0, end);
    return answer;
  }

 private:
  bool receive() {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n > 0) pending_.append(buffer.data(), static_cast<std::size_t>(n));
    ended_ = n == 0;
    return n > 0;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string pending_;
};

Router make_router() {
  Router router;
  router.get("/metrics", [](const Request&) {
    return Response{200, "text/plain; version=0.0.4; charset=utf-8", "spool_build_info 1\n"};
  });
  router.get("/big", [](const Request&) {
    return Response{200, "text/plain", std::string(3'000'000, 'x')};
  });
  return router;
}

std::string get(std::string_view path, std::string_view more = "Connection: close\r\n") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more) + "\r\n";
}

class Server : public testing::Test {
 protected:
  void start(AdminSettings settings = {}) {
    server_ = std::make_unique<AdminServer>(std::move(settings), make_router());
    const base::Status started = server_->start();
    ASSERT_TRUE(started.ok()) << started.failure().text;
    ASSERT_NE(server_->port(), 0);
  }
  std::string ask(std::string_view request) {
    Client client(server_->port());
    client.send(request);
    return client.read_to_end();
  }
  std::unique_ptr<AdminServer> server_;
};

TEST_F(Server, ServesMetrics) {
  start();
  const std::string answer = ask(get("/metrics"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nspool_build_info 1\n"));
}

TEST_F(Server, HeadHasTheLengthButNoBody) {
  start();
  const std::string answer = ask("HEAD /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 19\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(Server, RefusalsAreProblems) {
  start();
  EXPECT_THAT(ask(get("/nowhere")),
              testing::AllOf(StartsWith("HTTP/1.1 404 Not Found\r\n"),
                             HasSubstr("application/problem+json"), HasSubstr("\"status\":404")));
  EXPECT_THAT(ask("DELETE /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"),
                             HasSubstr("Allow: GET, HEAD\r\n"), HasSubstr("\"status\":405")));
}

TEST_F(Server, GarbageIs400AndTheEnd) {
  start();
  EXPECT_THAT(ask("\x16\x03\x01 not http at all\r\n\r\n"),
              StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nbroken header\r\n\r\n"),
              StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(Server, HeadersAndBodiesAreLimitedAndTheRefusalArrivesWhole) {
  start({.header_bytes_max = 500, .body_bytes_max = 500});
  const std::string four_hundred(400, 'x');
  EXPECT_THAT(ask(get("/metrics", "X-Long: " + four_hundred + "\r\nConnection: close\r\n")),
              StartsWith("HTTP/1.1 200 "));
  for (const std::size_t size : {600, 100'000}) {
    const std::string large(size, 'x');
    EXPECT_THAT(ask(get("/metrics", "X-Long: " + large + "\r\n")),
                testing::AllOf(StartsWith("HTTP/1.1 431 "), EndsWith("}\n")));
    EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(size) +
                    "\r\n\r\n" + large),
                testing::AllOf(StartsWith("HTTP/1.1 413 "), EndsWith("}\n")));
  }
}

TEST_F(Server, AConnectionServesManyRequestsAlsoSentAtOnce) {
  start();
  Client client(server_->port());
  client.send(get("/metrics", ""));
  EXPECT_THAT(client.read_answer(), EndsWith("spool_build_info 1\n"));
  client.send("HEAD /metrics HTTP/1.1\r\nHost: t\r\n\r\n" + get("/nowhere", "") + get("/metrics"));
  EXPECT_THAT(client.read_answer(false), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(client.read_to_end(), EndsWith("spool_build_info 1\n"));
}

TEST_F(Server, ALargeAnswerArrivesWhole) {
  start();
  const std::string answer = ask(get("/big"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 3'000'000U);
}

TEST_F(Server, ClientsThatAreSlowAreHungUpOn) {
  start({.read_timeout = 50ms, .write_timeout = 50ms});
  Client silent(server_->port());
  EXPECT_EQ(silent.read_to_end(), "");
  Client half(server_->port());
  half.send("GET /metr");
  EXPECT_EQ(half.read_to_end(), "");
  Client idle(server_->port());
  idle.send(get("/metrics", ""));
  EXPECT_THAT(idle.read_answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(Server, FiftyClientsAtOnce) {
  start();
  std::atomic<int> answered{0};
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<Client>(server_->port()));
  {
    std::vector<std::jthread> threads;
    for (auto& client : clients) {
      threads.emplace_back([&] {
        client->send(get("/metrics", ""));
        if (client->read_answer().ends_with("spool_build_info 1\n")) ++answered;
      });
    }
  }
  EXPECT_EQ(answered, 50);
}

TEST_F(Server, ClientsBeyondTheLimitGetTheirTurn) {
  start({.connections_max = 2});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->send(get("/metrics", ""));
  }
  int answered = 0;
  for (auto& client : clients) {
    if (client->read_answer().ends_with("spool_build_info 1\n")) ++answered;
  }
  EXPECT_EQ(answered, 20);
}

TEST_F(Server, StopsWhileClientsAreConnected) {
  start();
  Client idle(server_->port());
  idle.send(get("/metrics", ""));
  EXPECT_THAT(idle.read_answer(), StartsWith("HTTP/1.1 200"));
  Client half(server_->port());
  half.send("GET /metr");
  Client deaf(server_->port());  // asks for more than the socket buffers hold, and does not read
  deaf.send(get("/big", "") + get("/big", "") + get("/big", "") + get("/big", ""));
  const std::uint16_t port = server_->port();
  server_->stop();
  server_->stop();
  EXPECT_EQ(idle.read_to_end().find("(no end)"), std::string::npos);
  EXPECT_FALSE(Client(port).connected());
}

TEST_F(Server, ItsAddressIsFreeAgainAfterwardsAndOnlyThen) {
  start();
  const std::string listen = "127.0.0.1:" + std::to_string(server_->port());
  AdminServer second({.listen = listen}, make_router());
  const base::Status refused = second.start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().kind, base::FailureKind::unavailable);
  EXPECT_THAT(refused.failure().text, HasSubstr(listen));
  server_.reset();
  AdminServer third({.listen = listen}, make_router());
  EXPECT_TRUE(third.start().ok());
}

TEST(AdminServer, NeedsAnAddress) {
  AdminServer server({.listen = "nonsense"}, make_router());
  EXPECT_EQ(server.start().failure().kind, base::FailureKind::invalid);
}

TEST(AdminServer, MayBeStoppedWithoutAStart) {
  AdminServer server({}, make_router());
  server.stop();
  EXPECT_EQ(server.port(), 0);
}

}  // namespace
}  // namespace spool::admin
