// How long a lane waits for something that is away: doubling from `first` up to `cap`, from the
// start again after a success. Waiting for a dependency charges no event with an attempt. Pure.
#pragma once

#include <chrono>

namespace spool::delivery {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds cap);

  std::chrono::milliseconds next();
  void succeeded() { current_ = first_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds cap_;
  std::chrono::milliseconds current_;
};

}  // namespace spool::delivery
