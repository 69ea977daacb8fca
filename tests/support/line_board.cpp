#include "tests/support/line_board.hpp"

namespace spool::test {

void LineBoard::line_written() {
  {
    const std::lock_guard lock(mutex_);
    ++lines_;
  }
  wake_.notify_all();
}

bool LineBoard::wait_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::uint64_t seen = 0;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      seen = lines_;
    }
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLookAgain, [&] { return lines_ != seen; });
  }
}

}  // namespace spool::test
