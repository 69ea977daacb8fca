#include "engine/http/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <unordered_set>
#include <utility>

#include "engine/http/base_url.hpp"
#include "engine/http/connection.hpp"

namespace spool::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

}  // namespace

// Connections and who may use one. A request holds a slot while it uses a connection or makes one;
// slots in use and idle connections together are at most connections_max, because whoever has a
// slot takes an idle connection before it makes another.
class Client::Pool : public std::enable_shared_from_this<Client::Pool> {
 public:
  Pool(asio::io_context& loop, ClientSettings settings, BaseUrl url,
       std::shared_ptr<const Route> route)
      : settings_(std::move(settings)),
        url_(std::move(url)),
        route_(std::move(route)),
        loop_(loop),
        idle_timer_(loop) {}

  static asio::awaitable<Outcome> send(std::shared_ptr<Pool> self, Request request,
                                       Deadline deadline, std::function<bool()> may_begin);

  // Ends every request under way, and those that wait.
  void close() {
    closed_ = true;
    idle_.clear();
    idle_timer_.cancel();
    for (const auto& waiter : waiters_) waiter->woken.cancel();
    const auto busy = busy_;
    for (const auto& connection : busy) connection->close();
  }

 private:
  struct Waiter {
    explicit Waiter(asio::io_context& loop) : woken(loop) {}
    asio::steady_timer woken;
    bool granted = false;
  };
  using WaiterPtr = std::shared_ptr<Waiter>;
  using ConnectionPtr = std::shared_ptr<Connection>;

  // A slot, from the moment somebody waits for it until its request is over, however it ends.
  class Slot {
   public:
    explicit Slot(Pool& pool) : pool_(pool) {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
      if (connection_) pool_.busy_.erase(connection_);
      if (held_ || (waiter_ && waiter_->granted)) {
        pool_.release_slot();
      } else if (waiter_) {
        pool_.waiters_.remove(waiter_);
      }
    }

    bool try_take() {
      held_ = pool_.waiters_.empty() && pool_.used_ < pool_.settings_.connections_max;
      if (held_) ++pool_.used_;
      return held_;
    }

    Waiter& wait_in_line() {
      waiter_ = std::make_shared<Waiter>(pool_.loop_);
      pool_.waiters_.push_back(waiter_);
      return *waiter_;
    }

    void use(ConnectionPtr connection) {
      if (connection_) pool_.busy_.erase(connection_);
      connection_ = std::move(connection);
      pool_.busy_.insert(connection_);
    }

    void give_back() {
      if (connection_->usable() && !pool_.closed_) pool_.keep(connection_);
    }

   private:
    Pool& pool_;
    WaiterPtr waiter_;
    bool held_ = false;
    ConnectionPtr connection_;
  };

  struct Idle {
    ConnectionPtr connection;
    steady_clock::time_point until;
  };

  void release_slot() {
    if (waiters_.empty()) {
      --used_;
      return;
    }
    const WaiterPtr next = std::move(waiters_.front());
    waiters_.pop_front();
    next->granted = true;
    next->woken.cancel();
  }

  // The youngest, which the service is the least likely to have closed.
  ConnectionPtr take_idle() {
    while (!idle_.empty()) {
      ConnectionPtr connection = std::move(idle_.back().connection);
      idle_.pop_back();
      if (connection->usable()) return connection;
    }
    return nullptr;
  }

  void keep(ConnectionPtr connection) {
    idle_.push_back({std::move(connection), steady_clock::now() + settings_.idle_timeout});
    if (idle_.size() == 1) watch_idle();
  }

  void watch_idle() {
    idle_timer_.expires_at(idle_.front().until);
    idle_timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
      const auto self = weak.lock();
      if (!cancelled && self) self->drop_aged();
    });
  }

  void drop_aged() {
    const auto now = steady_clock::now();
    while (!idle_.empty() && idle_.front().until <= now) idle_.pop_front();
    if (!idle_.empty()) watch_idle();
  }

  const ClientSettings settings_;
  const BaseUrl url_;
  const std::shared_ptr<const Route> route_;
  asio::io_context& loop_;
  asio::steady_timer idle_timer_;
  std::deque<Idle> idle_;  // the oldest first
  std::list<WaiterPtr> waiters_;
  std::unordered_set<ConnectionPtr> busy_;
  std::size_t used_ = 0;
  bool closed_ = false;
};

asio::awaitable<Outcome> Client::Pool::send(std::shared_ptr<Pool> self, Request request,
                                            Deadline deadline, std::function<bool()> may_begin) {
  Pool& pool = *self;
  const auto not_sent = [&](Fault fault, const char* why) {
    return Failed(fault, pool.url_.host_header + ": " + why, false);
  };
  const bool head = request.method == "HEAD";
  std::optional<std::string> text =
      wire_text(request, pool.url_.host_header, pool.url_.prefix, pool.settings_.user_agent);
  if (!text) co_return not_sent(Fault::bad_request, "the request cannot be written down");

  Slot slot(pool);
  if (!slot.try_take()) {
    Waiter& waiter = slot.wait_in_line();
    waiter.woken.expires_at(deadline);
    error_code woken;
    co_await waiter.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!waiter.granted && !pool.closed_)
      co_return not_sent(Fault::not_begun, "no connection became free in time");
  }
  if (pool.closed_) co_return not_sent(Fault::network, "the client is being closed");

  ConnectionPtr connection = pool.take_idle();
  if (connection) {
    slot.use(connection);
  } else {
    connection = make_connection(pool.route_);
    slot.use(connection);
    const Deadline by = std::min(deadline, steady_clock::now() + pool.settings_.connect_timeout);
    std::optional<Failed> failed = co_await connection->connect(by);
    if (failed) co_return std::move(*failed);
  }
  const bool begins = steady_clock::now() < deadline && (!may_begin || may_begin());
  if (!begins) {
    slot.give_back();  // unused, it is good for the next request
    co_return not_sent(Fault::not_begun, "too late, or called off, before it began");
  }
  Outcome outcome = co_await connection->exchange(std::move(*text), head, deadline,
                                                  pool.settings_.body_bytes_max);
  slot.give_back();
  co_return outcome;
}

Client::Client(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

Client::~Client() {
  pool_->close();
}

base::Result<std::unique_ptr<Client>> Client::make(asio::io_context& loop,
                                                   const ClientSettings& settings) {
  auto url = parse_base_url(settings.base_url);
  if (!url.ok()) return url.failure();
  if (settings.connections_max == 0)
    return base::Failure(base::FailureKind::invalid, "connections_max is 0");
  auto route = make_route(loop, *url, settings.ca_file, settings.verify);
  if (!route.ok()) return route.failure();
  return std::unique_ptr<Client>(
      new Client(std::make_shared<Pool>(loop, settings, std::move(*url), std::move(*route))));
}

asio::awaitable<Outcome> Client::send(Request request, Deadline deadline,
                                      std::function<bool()> may_begin) {
  return Pool::send(pool_, std::move(request), deadline, std::move(may_begin));
}

}  // namespace spool::http
