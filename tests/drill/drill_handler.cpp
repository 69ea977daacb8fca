#include "tests/drill/drill_handler.hpp"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/postgres/array_text.hpp"
#include "engine/postgres/transaction.hpp"
#include "tests/drill/attempt_file.hpp"
#include "tests/drill/drill_event.hpp"

namespace spool::drill {
namespace {

using handler::ApplyCounts;
using handler::EventFailure;

constexpr postgres::Statement kInsert{
    "drill_insert",
    "insert into drill.effects (handler, source, event_id, n, order_key, life, attempt, worker,"
    " attempted_us)"
    " select $1, source, event_id, n, order_key, life, attempt, $2::int, attempted_us"
    " from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::int[], $8::int[],"
    " $9::bigint[]) with ordinality as event(source, event_id, n, order_key, life, attempt,"
    " attempted_us, place) order by place on conflict do nothing"};

constexpr postgres::Statement kOutlast{"drill_outlast", "select pg_sleep(3600)"};

// Far deeper than any stack.
constexpr std::int64_t kDepth = 100'000'000;

int overflow(const volatile char* above, std::int64_t depth) {  // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[0] = above == nullptr ? '0' : *above;
  return depth == 0 ? 0 : overflow(frame, depth - 1) + frame[0];
}

class Columns {
 public:
  // `n`: what the table is told, which it refuses below zero.
  void add(const Event& event, std::int64_t n) {
    source_.add_text(event.source);
    id_.add_text(event.id);
    n_.add_int64(n);
    key_.add_text(event.key);
    life_.add_int64(event.attempt.life);
    attempt_.add_int64(event.attempt.number);
    attempted_.add_int64(event.attempt.now);
  }
  std::size_t size() const { return n_.size(); }
  postgres::Params params(const std::string& handler) {
    return postgres::Params::of(handler, ::getpid(), source_.text(), id_.text(), n_.text(),
                                key_.text(), life_.text(), attempt_.text(), attempted_.text());
  }

 private:
  postgres::ArrayText source_, id_, n_, key_, life_, attempt_, attempted_;
};

class DrillBatch final : public handler::Batch {
 public:
  DrillBatch(const handler::HandlerSpec& spec, const AttemptFile& attempts)
      : spec_(spec), attempts_(attempts) {}

  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override {
    auto read = reader_.read(event, attempt);
    if (auto* why = std::get_if<message::Rejection>(&read)) return std::move(*why);
    Event& drill = std::get<Event>(read);
    if (drill.due && *drill.due > attempt.now && !attempt.called)
      return handler::NotDue{*drill.due};
    if (drill.fails() && drill.how == How::throw_in_stage) throw std::runtime_error("as told");
    if (drill.fails() && drill.how == How::reject) {
      attempts_.write(attempt_line(spec_.name, drill, 0));
      return message::Rejection{drill.type, "fail", "as told"};
    }
    events_.push_back(std::move(drill));
    return {};
  }

  std::size_t size() const override { return events_.size(); }
  void clear() override { events_.clear(); }

  base::Result<ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                  std::size_t last) override {
    ApplyCounts counts;
    Columns columns;
    std::string lines;
    const bool down = service_is_down();
    bool slow = false;
    for (std::size_t i = first; i < last; ++i) {
      const Event& event = events_[i];
      if (down) {
        counts.failed.push_back(
            {i, message::ErrorType::upstream_unavailable, "the service is down", {}, kDependency});
      } else if (!event.fails()) {
        columns.add(event, event.n);
      } else if (event.how == How::report) {
        counts.failed.push_back(failure_of(i, lines));
      } else if (event.how == How::constraint) {
        columns.add(event, -1 - event.n);
      } else if (event.how == How::slow) {
        slow = true;
      } else {
        attempts_.write(attempt_line(spec_.name, event, 0));
        end(event.how);
      }
    }
    attempts_.write(lines);
    if (slow) {
      if (auto outlasted = transaction.execute(kOutlast); !outlasted) return outlasted.failure();
    }
    return insert(transaction, columns, std::move(counts));
  }

 private:
  bool service_is_down() const {
    const char* path = std::getenv("DRILL_DOWN");
    return !spec_.dependencies.empty() && path != nullptr && ::access(path, F_OK) == 0;
  }

  EventFailure failure_of(std::size_t index, std::string& lines) const {
    const Event& event = events_[index];
    EventFailure failure;
    failure.event = index;
    failure.type = event.type;
    failure.text = "as told, attempt " + std::to_string(event.attempt.number);
    if (event.after_ms) failure.not_before = event.attempt.now + *event.after_ms * 1000;
    if (attempts_.open()) lines += attempt_line(spec_.name, event, failure.not_before.value_or(0));
    return failure;
  }

  static void end(How how) {
    if (how == How::throw_in_apply) throw std::runtime_error("as told");
    if (how == How::overflow) overflow(nullptr, kDepth);
    std::abort();
  }

  base::Result<ApplyCounts> insert(postgres::Transaction& transaction, Columns& columns,
                                   ApplyCounts counts) {
    if (columns.size() == 0) return counts;
    const auto inserted = transaction.execute(kInsert, columns.params(spec_.name));
    if (!inserted) return inserted.failure();
    counts.rows = inserted->affected_rows();
    counts.written = counts.rows;
    counts.duplicate = static_cast<std::int64_t>(columns.size()) - counts.rows;
    return counts;
  }

  const handler::HandlerSpec& spec_;
  const AttemptFile& attempts_;
  EventReader reader_;
  std::vector<Event> events_;
};

class DrillHandler final : public handler::ApplyAtOnce {
 public:
  explicit DrillHandler(handler::HandlerSpec spec) : spec_(std::move(spec)) {}
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<DrillBatch>(spec_, attempts_);
  }

 private:
  handler::HandlerSpec spec_;
  AttemptFile attempts_;
};

handler::Handler make(const std::string& name, handler::Idempotence idempotence,
                      std::vector<std::string> dependencies = {}) {
  handler::HandlerSpec spec{name, name, {kEventType}, idempotence};
  spec.dependencies = std::move(dependencies);
  auto way = std::make_unique<DrillHandler>(spec);
  return {std::move(spec), std::move(way)};
}

}  // namespace

std::vector<handler::Handler> drill_handlers() {
  std::vector<handler::Handler> handlers;
  handlers.push_back(make("drill", handler::Idempotence::ledger));
  handlers.push_back(make("drill_inbox", handler::Idempotence::inbox));
  handlers.push_back(make("drill_flaky", handler::Idempotence::ledger, {kDependency}));
  return handlers;
}

}  // namespace spool::drill
