#include "engine/runtime/loop.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <vector>

#include "engine/base/assert.hpp"

namespace spool::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

struct Watch {
  asio::posix::stream_descriptor descriptor;
  std::function<void()> call;

  void arm() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
      if (error) return;
      call();
      arm();
    });
  }
};

struct Ticker {
  asio::steady_timer timer;
  std::chrono::milliseconds period;
  std::function<void()> call;

  void arm() {
    timer.expires_after(period);
    timer.async_wait([this](error_code error) {
      if (error) return;
      call();
      arm();
    });
  }
};

}  // namespace

struct Loop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::vector<std::unique_ptr<Watch>> watches;
  std::vector<std::unique_ptr<Ticker>> tickers;
  std::unique_ptr<asio::signal_set> signals;
  std::function<void(int)> on_signal;

  void wait_signal() {
    signals->async_wait([this](error_code error, int number) {
      if (error) return;
      on_signal(number);
      wait_signal();
    });
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->context.run();
  impl_->signals.reset();  // nobody would hear them any more: the default ends the process again
}

void Loop::stop() {
  impl_->context.stop();
}

void Loop::post(std::function<void()> call) {
  asio::post(impl_->context, std::move(call));
}

void Loop::on_readable(int fd, std::function<void()> call) {
  // A duplicate: Asio closes what it was given, and the descriptor is not ours.
  const int own = ::dup(fd);
  SPOOL_ASSERT(own >= 0, "no file descriptor is left");
  impl_->watches.push_back(std::make_unique<Watch>(Watch{{impl_->context, own}, std::move(call)}));
  impl_->watches.back()->arm();
}

void Loop::every(std::chrono::milliseconds period, std::function<void()> call) {
  impl_->tickers.push_back(std::make_unique<Ticker>(
      Ticker{asio::steady_timer(impl_->context), period, std::move(call)}));
  impl_->tickers.back()->arm();
}

void Loop::after(std::chrono::milliseconds delay, std::function<void()> call) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([timer, call = std::move(call)](error_code error) {
    if (!error) call();
  });
}

void Loop::on_termination(std::function<void(int)> call) {
  impl_->on_signal = std::move(call);
  impl_->signals = std::make_unique<asio::signal_set>(impl_->context, SIGTERM, SIGINT);
  impl_->wait_signal();
}

}  // namespace spool::runtime
