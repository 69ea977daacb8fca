#include "engine/runtime/call_desk.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>
#include <utility>

#include "engine/delivery/lane_name.hpp"

namespace spool::runtime {
namespace {

namespace asio = boost::asio;

// A caller ends its calls by itself; this is for one that does not.
constexpr std::chrono::milliseconds kOverdue{1'000};

}  // namespace

struct CallDesk::Impl : std::enable_shared_from_this<Impl> {
  LaneBoard& board;
  observe::Metrics& metrics;
  observe::Logger& log;
  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  // The loop's thread only.
  struct Counter {
    std::unique_ptr<handler::Caller> caller;
    AskPermit permit;
  };
  std::map<std::string, Counter> counters;
  std::thread thread;

  Impl(LaneBoard& b, observe::Metrics& m, observe::Logger& l) : board(b), metrics(m), log(l) {
    thread = std::thread([this] { loop.run(); });
  }

  void begin(const delivery::LaneId& lane, std::uint64_t generation, delivery::CallToMake call);
  // ... once it has a permit that is good.
  void admit(const delivery::LaneId& lane, std::uint64_t generation, delivery::CallToMake call);
  void end(const delivery::LaneId& lane, std::uint64_t generation, std::int64_t number,
           handler::CallOutcome outcome);
};

// A call that is out there. Ends once: by its caller, or by its clock.
struct Waiting {
  explicit Waiting(asio::io_context& loop) : clock(loop) {}
  asio::steady_timer clock;
  bool ended = false;
};

CallDesk::CallDesk(LaneBoard& board, observe::Metrics& metrics, observe::Logger& log)
    : impl_(std::make_shared<Impl>(board, metrics, log)) {}

CallDesk::~CallDesk() {
  // Callers die where they lived, and before the loop that their connections belong to.
  asio::post(impl_->loop, [impl = impl_.get()] {
    impl->counters.clear();
    impl->work.reset();
    impl->loop.stop();
  });
  impl_->thread.join();
}

base::Status CallDesk::serve(const handler::Handler& handler, AskPermit permit) {
  std::promise<base::Status> made;
  asio::post(impl_->loop, [&, impl = impl_.get()] {
    const auto seen = [impl](const handler::RequestSeen& request) {
      impl->metrics.upstream_request(request.upstream, request.operation, request.outcome,
                                     request.seconds);
      impl->log.debug("upstream.request", {{"upstream", request.upstream},
                                           {"operation", request.operation},
                                           {"outcome", request.outcome},
                                           {"seconds", request.seconds},
                                           {"correlation", request.correlation_id}});
    };
    auto caller = handler.performs()->make_caller({impl->loop, permit, seen});
    if (caller)
      impl->counters.emplace(handler.spec.name, Impl::Counter{std::move(*caller), permit});
    made.set_value(caller ? base::Status() : base::Status(caller.failure()));
  });
  return made.get_future().get();
}

void CallDesk::hand_over(delivery::ToCall calls) {
  auto shared = std::make_shared<delivery::ToCall>(std::move(calls));
  asio::post(impl_->loop, [impl = impl_.get(), shared] {
    for (delivery::CallToMake& call : shared->calls)
      impl->admit(shared->lane, shared->generation, std::move(call));
  });
}

void CallDesk::Impl::admit(const delivery::LaneId& lane, std::uint64_t generation,
                           delivery::CallToMake call) {
  const delivery::Instant now = LaneBoard::now();
  if (!call.permit_until || *call.permit_until > now) {
    if (call.permit_until)
      call.ticket.begin_by = std::min(call.ticket.begin_by, *call.permit_until);
    return begin(lane, generation, std::move(call));
  }
  const delivery::Instant deadline = call.ticket.begin_by;
  auto shared = std::make_shared<delivery::CallToMake>(std::move(call));
  const auto weak = weak_from_this();
  counters.at(lane.handler).permit(deadline, [=](std::optional<delivery::Instant> until) {
    const auto self = weak.lock();
    if (!self) return;
    asio::post(self->loop, [=, impl = self.get()] {
      if (!until) {
        return impl->end(lane, generation, shared->number,
                         handler::NotBegun{"the limit of rate left no room in time", {}});
      }
      shared->ticket.begin_by = std::min(deadline, *until);
      impl->begin(lane, generation, std::move(*shared));
    });
  });
}

void CallDesk::Impl::begin(const delivery::LaneId& lane, std::uint64_t generation,
                           delivery::CallToMake call) {
  auto waiting = std::make_shared<Waiting>(loop);
  const std::int64_t number = call.number;
  const auto done = [this, lane, generation, number, waiting](handler::CallOutcome outcome) {
    if (std::exchange(waiting->ended, true)) return;
    waiting->clock.cancel();
    end(lane, generation, number, std::move(outcome));
  };
  waiting->clock.expires_at(call.ticket.end_by + kOverdue);
  waiting->clock.async_wait([this, lane, done](const boost::system::error_code& error) {
    if (error) return;
    log.error("call.overdue", {{"lane", delivery::lane_name(lane)}});
    handler::EventFailure why;
    why.type = message::ErrorType::handler_timeout;
    why.text = "the call did not end within its deadline";
    done(handler::CallFailed{std::move(why), true, {}});
  });
  handler::Caller& caller = *counters.at(lane.handler).caller;
  if (call.asks) return caller.reconcile(std::move(call.call), call.ticket, done);
  caller.perform(std::move(call.call), call.ticket, done);
}

void CallDesk::Impl::end(const delivery::LaneId& lane, std::uint64_t generation,
                         std::int64_t number, handler::CallOutcome outcome) {
  board.with([&](delivery::Dispatcher& lanes) {
    lanes.call_ended(lane, generation, number, std::move(outcome), LaneBoard::now());
  });
  board.wake_one();
}

}  // namespace spool::runtime
