#include "tests/bench/lists_loop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/support/need.hpp"

namespace spool::bench {
namespace {

using Clock = std::chrono::steady_clock;
using postgres::Params;

constexpr postgres::Statement kInsert{
    "loop_insert",
    "insert into media.queued_list_operations (list_id, tmdb_user_id, tmdb_list_id,"
    " operation_type, source, event_id, operation_data, status, begun_at)"
    " values ($1::bigint, $2::integer, $3::integer, 'add_movie', 'urn:loop', $4,"
    " jsonb_build_object('movie_id', $5::integer), 'processing', now())"};

constexpr postgres::Statement kFinish{
    "loop_finish",
    "with done as (update media.queued_list_operations set status = 'completed',"
    " finished_at = now(), updated_at = now() where source = 'urn:loop' and event_id = $1)"
    " insert into media.user_list_items (list_id, movie_id) values ($2::bigint, $3::integer)"};

// One kept connection, one request at a time.
class Wire {
 public:
  explicit Wire(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no connection to the stand-in");
  }
  ~Wire() { ::close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // The status of the answer, which is read to its end.
  int post(const std::string& target, const std::string& body) {
    request_ = "POST " + target +
               " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer standin-read-token\r\n"
               "Content-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    if (::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size()))
      throw std::runtime_error("the stand-in takes no request");
    std::string answer;
    std::size_t head = std::string::npos;
    while (head == std::string::npos) {
      more(answer);
      head = answer.find("\r\n\r\n");
    }
    const std::size_t length = answer.find("Content-Length: ");
    if (length == std::string::npos) throw std::runtime_error("an answer without a length");
    const std::size_t whole = head + 4 + std::strtoull(answer.c_str() + length + 16, nullptr, 10);
    while (answer.size() < whole) more(answer);
    return std::atoi(answer.c_str() + sizeof("HTTP/1.1"));
  }

 private:
  void more(std::string& answer) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) throw std::runtime_error("the stand-in has left");
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }

  int fd_;
  std::string request_;
};

void add(postgres::Connection& database, Wire& wire, const Addition& addition) {
  const std::string event =
      std::to_string(addition.list_row) + "/" + std::to_string(addition.movie);
  test::need(database.execute(kInsert, Params::of(addition.list_row, addition.user,
                                                  addition.tmdb_list_id, event, addition.movie)),
             "insert");
  const int status = wire.post("/3/list/" + std::to_string(addition.tmdb_list_id) +
                                   "/add_item?session_id=user-" + std::to_string(addition.user),
                               "{\"media_id\":" + std::to_string(addition.movie) + "}");
  if (status != 201) throw std::runtime_error("the stand-in says " + std::to_string(status));
  test::need(database.execute(kFinish, Params::of(event, addition.list_row, addition.movie)),
             "finish");
}

}  // namespace

double run_lists_loop(const LoopSettings& settings, const std::vector<Addition>& additions) {
  std::mutex mutex;
  std::exception_ptr failed;
  std::barrier ready(settings.threads + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < settings.threads; ++t) {
    threads.emplace_back([&, t] {
      bool waits = true;
      try {
        const auto database = test::need(postgres::Connection::open(settings.database), "database");
        Wire wire(settings.standin_port);
        waits = false;
        ready.arrive_and_wait();
        for (const Addition& addition : additions)
          if (addition.list_row % settings.threads == t) add(*database, wire, addition);
      } catch (...) {
        if (waits) ready.arrive_and_drop();
        const std::lock_guard lock(mutex);
        failed = std::current_exception();
      }
    });
  }
  ready.arrive_and_wait();
  const auto begun = Clock::now();
  for (std::thread& thread : threads) thread.join();
  if (failed) std::rethrow_exception(failed);
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace spool::bench
