// The event loop of the worker: file descriptors, timers, signals and calls from other threads, all
// served by the one thread that is inside run(). A thin shell around Asio, so that only loop.cpp
// compiles it. post() and stop() may be called by any thread, everything else by the loop's own (or
// before run()).
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace spool::runtime {

class Loop {
 public:
  Loop();
  ~Loop();

  void run();
  void stop();
  void post(std::function<void()> call);

  // Calls each time `fd` has become readable, until stop(). The caller keeps the descriptor.
  void on_readable(int fd, std::function<void()> call);
  // Calls again and again, `period` after the last call ended.
  void every(std::chrono::milliseconds period, std::function<void()> call);
  void after(std::chrono::milliseconds delay, std::function<void()> call);
  // SIGTERM and SIGINT, each time one arrives; from the end of run() on they end the process as
  // ever.
  void on_termination(std::function<void(int)> call);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::runtime
