#include "tests/tmdb/plain_http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace spool::test {
namespace {

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error("no socket");
    const timeval patience{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  bool send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t wrote = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (wrote <= 0) return false;
      sent += static_cast<std::size_t>(wrote);
    }
    return true;
  }

  // Everything up to the end of the connection; 0, or the errno of the end.
  int read_all(std::string& out) {
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (got == 0) return 0;
      if (got < 0) return errno;
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
};

// Status, headers and body; false if the head is not whole.
bool take_apart(const std::string& bytes, Exchange& out) {
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string::npos) return false;
  out.status = std::atoi(bytes.c_str() + bytes.find(' '));
  std::size_t at = bytes.find("\r\n") + 2;
  while (at < head_end) {
    const std::size_t end = bytes.find("\r\n", at);
    const std::size_t colon = bytes.find(": ", at);
    out.headers[bytes.substr(at, colon - at)] = bytes.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  out.body = bytes.substr(head_end + 4);
  return out.body.size() == std::strtoull(out.headers["Content-Length"].c_str(), nullptr, 10);
}

}  // namespace

Exchange exchange(std::uint16_t port, const std::string& method, const std::string& target,
                  const std::string& body, const Headers& headers) {
  Exchange out;
  Socket socket;
  if (!socket.connect(port)) {
    out.end = Exchange::End::refused;
    return out;
  }
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  request += "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  std::string bytes;
  // A request that could not be written whole may have been answered all the same.
  socket.send(request + body);
  const int error = socket.read_all(bytes);
  const bool whole = take_apart(bytes, out);
  if (whole) {
    out.end = Exchange::End::answered;
  } else if (error == EAGAIN || error == EWOULDBLOCK) {
    out.end = Exchange::End::late;
  } else if (error != 0) {
    out.end = Exchange::End::reset;
  } else {
    out.end = bytes.empty() ? Exchange::End::closed : Exchange::End::cut_short;
  }
  return out;
}

}  // namespace spool::test
