#include "engine/kafka/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/assert.hpp"

namespace spool::kafka {

WakeFd::WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  SPOOL_ASSERT(fd_ >= 0, "no file descriptor is left for a Kafka client");
}

WakeFd::~WakeFd() {
  close(fd_);
}

void WakeFd::signal() {
  // A full counter is readable already, so a failed write loses nothing.
  [[maybe_unused]] const int written = eventfd_write(fd_, 1);
}

void WakeFd::drain() {
  eventfd_t count = 0;
  [[maybe_unused]] const int taken = eventfd_read(fd_, &count);
}

}  // namespace spool::kafka
