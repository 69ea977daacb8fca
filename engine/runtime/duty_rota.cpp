#include "engine/runtime/duty_rota.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::runtime {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using std::chrono::milliseconds;

// Another worker may begin a period anew at any time, or be gone with a duty half done.
constexpr milliseconds kLookPeriod{5'000};
// While somebody else runs a duty, and after a failure, of whatever kind.
constexpr milliseconds kPause{1'000};

std::vector<store::DutyPlan> plans_of(const std::vector<DutyRoute>& duties) {
  std::vector<store::DutyPlan> plans;
  plans.reserve(duties.size());
  for (const DutyRoute& one : duties)
    plans.push_back({one.handler, one.duty->name(), one.duty->every()});
  return plans;
}

}  // namespace

DutyRota::DutyRota(RotaSettings settings, observe::Metrics& metrics, observe::Logger& log)
    : settings_(std::move(settings)),
      metrics_(metrics),
      log_(log),
      plans_(plans_of(settings_.duties)),
      stop_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      publisher_(settings_.producer, settings_.publish_limit, stop_fd_, log_) {
  SPOOL_ASSERT(stop_fd_ >= 0, "no file descriptor is left");
  if (!plans_.empty()) thread_ = std::thread([this] { serve(); });
}

DutyRota::~DutyRota() {
  {
    const std::lock_guard lock(connection_mutex_);
    stop_ = true;
    if (connection_) connection_->sever();
  }
  ::eventfd_write(stop_fd_, 1);
  if (thread_.joinable()) thread_.join();
  ::close(stop_fd_);
}

void DutyRota::interrupt(milliseconds limit) {
  const std::lock_guard lock(connection_mutex_);
  if (connection_) connection_->interrupt(limit);
}

void DutyRota::serve() {
  while (!stop_) {
    pollfd stopped{stop_fd_, POLLIN, 0};
    ::poll(&stopped, 1, static_cast<int>(round().count()));
  }
}

milliseconds DutyRota::round() {
  auto open = connection();
  auto states = open ? store::look_at_duties(**open, plans_) : open.failure();
  if (!states) {
    if (!stop_ && std::exchange(looked_, false))
      log_.warn("duties.unknown", {{"error", states.failure().text}});
    return kPause;
  }
  looked_ = true;
  milliseconds rest = kLookPeriod;
  bool any_failed = false;
  for (std::size_t i = 0; i < plans_.size() && !stop_; ++i) {
    const store::DutyState& state = (*states)[i];
    metrics_.set_duty_success(plans_[i].handler, plans_[i].duty, state.done_at.value_or(0));
    if (state.due_in > milliseconds(0)) {
      rest = std::min(rest, state.due_in);
      continue;
    }
    switch (run(i)) {
      case Outcome::done:
        rest = std::min(rest, plans_[i].every);
        break;
      case Outcome::more:
        rest = milliseconds(0);
        break;
      case Outcome::not_ours:
        rest = std::min(rest, kPause);
        break;
      case Outcome::failed:
        any_failed = true;
        break;
    }
  }
  return any_failed ? kPause : rest;
}

DutyRota::Outcome DutyRota::run(std::size_t index) {
  store::DutyTurn turn;
  auto outcome = run(index, turn);
  return outcome ? *outcome : failed(index, turn, outcome.failure());
}

Result<DutyRota::Outcome> DutyRota::run(std::size_t index, store::DutyTurn& turn) {
  const auto begun = std::chrono::steady_clock::now();
  const store::DutyPlan& plan = plans_[index];
  const DutyRoute& route = settings_.duties[index];
  auto open = connection();
  if (!open) return open.failure();
  auto transaction = (*open)->begin();
  if (!transaction) return transaction.failure();
  auto taken = store::take_duty(**transaction, plan);
  if (!taken) return taken.failure();
  if (!*taken) return Outcome::not_ours;
  turn = **taken;
  auto done = route.duty->run(**transaction);
  if (!done) return done.failure();
  if (auto published =
          publisher_.publish(route.topic, "spool." + route.handler, turn.now, done->publish);
      !published)
    return published.failure();
  const store::DutyResult result{done->rows, static_cast<std::int64_t>(done->publish.size()),
                                 done->more};
  if (auto told = store::finish_duty(**transaction, plan, result, settings_.owner); !told)
    return told.failure();
  if (auto committed = (*transaction)->commit(); !committed) return committed.failure();
  const auto took = std::chrono::steady_clock::now() - begun;
  if (result.rows > 0 || result.events > 0) {
    log_.info("duty.done", {{"handler", plan.handler},
                            {"duty", plan.duty},
                            {"rows", result.rows},
                            {"events", result.events},
                            {"more", result.more},
                            {"ms", std::chrono::duration_cast<milliseconds>(took).count()}});
  }
  return result.more ? Outcome::more : Outcome::done;
}

DutyRota::Outcome DutyRota::failed(std::size_t index, const store::DutyTurn& turn,
                                   const Failure& why) {
  if (stop_) return Outcome::failed;
  const store::DutyPlan& plan = plans_[index];
  log_.warn("duty.failed", {{"handler", plan.handler},
                            {"duty", plan.duty},
                            {"kind", base::to_string(why.kind)},
                            {"error", why.text}});
  auto open = connection();
  if (!open) return Outcome::failed;
  const auto told = store::fail_duty(**open, plan, turn, why.text, settings_.owner);
  if (!told && !stop_) log_.warn("duty.failure_untold", {{"error", told.failure().text}});
  return Outcome::failed;
}

Result<postgres::Connection*> DutyRota::connection() {
  if (!connection_ || !connection_->usable()) {
    {
      const std::lock_guard lock(connection_mutex_);
      connection_.reset();
      if (stop_) return Failure(FailureKind::stopped, "the worker stops");
    }
    auto opened = postgres::Connection::open(settings_.database);
    if (!opened) return opened.failure();
    const std::lock_guard lock(connection_mutex_);
    if (stop_) return Failure(FailureKind::stopped, "the worker stops");
    connection_ = std::move(*opened);
  }
  return connection_.get();
}

}  // namespace spool::runtime
