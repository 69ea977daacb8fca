#include "engine/app/interrupt.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace spool::app {

Interrupt::Interrupt() {
  sigset_t mask{};
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  pthread_sigmask(SIG_BLOCK, &mask, &before_);
  fd_ = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupt::~Interrupt() {
  if (fd_ >= 0) ::close(fd_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::wait(std::chrono::milliseconds limit) {
  return wait(limit, -1);
}

bool Interrupt::wait(std::chrono::milliseconds limit, int fd) {
  if (came_ && fd < 0) return true;
  // Once it has come it is nothing to wait for any more.
  std::array<pollfd, 2> waiting = {{{came_ ? -1 : fd_, POLLIN, 0}, {fd, POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<long>(limit.count(), 0)));
  signalfd_siginfo info{};
  came_ = ::read(fd_, &info, sizeof info) == sizeof info || came_;
  return came_;
}

}  // namespace spool::app
