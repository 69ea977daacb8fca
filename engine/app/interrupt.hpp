// Ctrl-C while a command waits: from the making of this on, SIGINT no longer ends the process but
// is noticed by wait(). Owned and used by the main thread of a command line; to be made before
// other threads are.
#pragma once

#include <chrono>
#include <csignal>

namespace spool::app {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Waits for Ctrl-C, but no longer than this: whether it has come, now or before.
  bool wait(std::chrono::milliseconds limit);
  // The same until `fd` is readable too. What has come before shortens no waiting for `fd`.
  bool wait(std::chrono::milliseconds limit, int fd);

 private:
  sigset_t before_{};
  int fd_ = -1;
  bool came_ = false;
};

}  // namespace spool::app
