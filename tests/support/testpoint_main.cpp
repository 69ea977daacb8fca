// The worker once more, with a probe that stops the process at a labelled point of a transaction,
// as a debugger or a frozen host would:
// SPOOL_TEST_STOP_AT=before_begin|in_transaction|before_commit|after_commit, and
// SPOOL_TEST_STOP_AFTER=N: at the Nth time that the point is reached. Never part of the product.
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "engine/delivery/ports.hpp"
#include "handlers/program.hpp"

namespace {

using spool::delivery::Point;

std::string_view name_of(Point point) {
  switch (point) {
    case Point::before_begin:
      return "before_begin";
    case Point::in_transaction:
      return "in_transaction";
    case Point::before_commit:
      return "before_commit";
    case Point::after_commit:
      return "after_commit";
  }
  return "";
}

class StoppingProbe : public spool::delivery::Probe {
 public:
  StoppingProbe() {
    if (const char* at = std::getenv("SPOOL_TEST_STOP_AT")) stop_at_ = at;
    if (const char* after = std::getenv("SPOOL_TEST_STOP_AFTER")) countdown_ = std::atoi(after);
  }

  void reach(const spool::delivery::LaneId&, Point point) override {
    if (stop_at_.empty() || name_of(point) != stop_at_) return;
    // raise(), not kill(): it is this very thread that must not take another step.
    if (--countdown_ == 0) ::raise(SIGSTOP);
  }

 private:
  std::string stop_at_;
  std::atomic<int> countdown_{1};
};

}  // namespace

int main(int argc, char** argv) {
  StoppingProbe probe;
  spool::app::Program program = spool::program();
  program.probe = &probe;
  return spool::app::run_process(program, argc, argv);
}
