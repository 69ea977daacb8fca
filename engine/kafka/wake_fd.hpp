// A non-blocking eventfd: becomes readable once anybody signals, until it is drained. Any thread
// may signal; one thread waits and drains.
#pragma once

namespace spool::kafka {

class WakeFd {
 public:
  WakeFd();
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int fd() const { return fd_; }
  void signal();
  void drain();

 private:
  int fd_;
};

}  // namespace spool::kafka
