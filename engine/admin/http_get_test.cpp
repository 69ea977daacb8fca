#include "engine/admin/http_get.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "engine/admin/admin_server.hpp"

namespace spool::admin {
namespace {

using namespace std::chrono_literals;

std::string url(std::uint16_t port, const std::string& target) {
  return "http://127.0.0.1:" + std::to_string(port) + target;
}

// A port that listens and never answers; the kernel accepts connections by itself.
class DeafPort {
 public:
  DeafPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~DeafPort() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(HttpGet, GivesStatusAndBody) {
  Router router;
  router.get("/readyz", [](const Request& request) {
    return Response{503, "text/plain", request.query.contains("verbose") ? "[-] db\n" : "no\n"};
  });
  AdminServer server({}, std::move(router));
  ASSERT_TRUE(server.start().ok());
  const auto answer = http_get(url(server.port(), "/readyz?verbose"), 10s);
  ASSERT_TRUE(answer.ok()) << answer.failure().text;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "[-] db\n");
  EXPECT_EQ(http_get(url(server.port(), "/nowhere"), 10s)->status, 404);
}

TEST(HttpGet, NobodyThereIsUnavailable) {
  DeafPort port;
  port.close();
  EXPECT_EQ(http_get(url(port.port(), "/"), 10s).failure().kind, base::FailureKind::unavailable);
}

TEST(HttpGet, NoAnswerInTimeIsSlow) {
  const DeafPort port;
  const auto answer = http_get(url(port.port(), "/"), 50ms);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.failure().kind, base::FailureKind::slow);
  EXPECT_THAT(answer.failure().text, testing::HasSubstr("no answer in time"));
}

TEST(HttpGet, OnlyPlainHttp) {
  EXPECT_EQ(http_get("https://127.0.0.1/", 1s).failure().kind, base::FailureKind::invalid);
}

}  // namespace
}  // namespace spool::admin
