#include "engine/runtime/lane_board.hpp"

namespace spool::runtime {

std::optional<delivery::Work> LaneBoard::wait_for_work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) return std::nullopt;
    const delivery::Moment moment = this->moment();
    if (auto work = dispatcher_.next_work(moment)) return work;
    if (const auto at = dispatcher_.wake_at(moment)) {
      wake_.wait_until(lock, *at);
    } else {
      wake_.wait(lock);
    }
  }
}

void LaneBoard::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
}

}  // namespace spool::runtime
