#include "engine/observe/handler_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "engine/observe/families.hpp"

namespace spool::observe {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

template <std::size_t N>
Histogram::BucketBoundaries buckets(const std::array<double, N>& bounds) {
  return {bounds.begin(), bounds.end()};
}

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::transient:
      return "transient";
    case ErrorKind::permanent:
      return "permanent";
    case ErrorKind::poison:
      return "poison";
  }
  return "permanent";
}

void observe(Histogram& histogram, const Tally& tally) {
  if (tally.count() > 0) histogram.ObserveMultiple(tally.increments(), tally.sum());
}

}  // namespace

struct HandlerMetrics::Series {
  Series(Families& all, std::string name, const std::string& topic)
      : families(all),
        handler(std::move(name)),
        applied(outcome(topic, "applied")),
        duplicate(outcome(topic, "duplicate")),
        stale(outcome(topic, "stale")),
        dead_lettered(outcome(topic, "dead_lettered")),
        run_applied(run("applied")),
        run_failed(run("failed")),
        batch_events(families.batch_events.Add({{"handler", handler}}, buckets(kSizeBounds))),
        batch_rows(families.batch_rows.Add({{"handler", handler}}, buckets(kSizeBounds))),
        batch_duration(
            families.batch_duration.Add({{"handler", handler}}, buckets(kDurationBounds))),
        queue_wait(families.queue_wait.Add({{"handler", handler}}, buckets(kDurationBounds))),
        message_age(families.message_age.Add({{"handler", handler}}, buckets(kAgeBounds))) {}

  Counter& outcome(const std::string& topic, const char* word) {
    return families.messages.Add({{"handler", handler}, {"topic", topic}, {"outcome", word}});
  }
  Histogram& run(const char* word) {
    return families.handler_duration.Add({{"handler", handler}, {"outcome", word}},
                                         buckets(kDurationBounds));
  }

  Families& families;
  const std::string handler;
  Counter& applied;
  Counter& duplicate;
  Counter& stale;
  Counter& dead_lettered;
  Histogram& run_applied;
  Histogram& run_failed;
  Histogram& batch_events;
  Histogram& batch_rows;
  Histogram& batch_duration;
  Histogram& queue_wait;
  Histogram& message_age;

  std::mutex mutex;  // guards the two maps; both are touched by what is rare
  std::map<std::pair<std::string, ErrorKind>, Counter*> failed;
  std::map<std::string, Gauge*> dead_letters;
};

HandlerMetrics::HandlerMetrics(Families& families, std::string handler, const std::string& topic)
    : series_(std::make_unique<Series>(families, std::move(handler), topic)) {}

HandlerMetrics::~HandlerMetrics() = default;

void HandlerMetrics::batch_committed(const BatchReport& report) {
  series_->applied.Increment(static_cast<double>(report.applied));
  series_->duplicate.Increment(static_cast<double>(report.duplicate));
  series_->stale.Increment(static_cast<double>(report.stale));
  series_->dead_lettered.Increment(static_cast<double>(report.dead_lettered));
  series_->batch_events.Observe(static_cast<double>(report.events()));
  series_->batch_rows.Observe(static_cast<double>(report.rows));
  series_->batch_duration.Observe(report.seconds);
  observe(series_->queue_wait, report.wait);
  observe(series_->message_age, report.age);
}

void HandlerMetrics::handler_ran(RunOutcome outcome, double seconds) {
  (outcome == RunOutcome::applied ? series_->run_applied : series_->run_failed).Observe(seconds);
}

void HandlerMetrics::attempts_failed(std::string_view error_type, ErrorKind kind,
                                     std::int64_t count) {
  const std::lock_guard lock(series_->mutex);
  Counter*& counter = series_->failed[{std::string(error_type), kind}];
  if (counter == nullptr) {
    counter = &series_->families.messages_failed.Add({{"handler", series_->handler},
                                                      {"error_type", std::string(error_type)},
                                                      {"kind", to_string(kind)}});
  }
  counter->Increment(static_cast<double>(count));
}

void HandlerMetrics::set_dead_letters(const std::vector<DeadLetterCount>& counts) {
  const std::lock_guard lock(series_->mutex);
  std::erase_if(series_->dead_letters, [&](const auto& known) {
    const bool named = std::any_of(counts.begin(), counts.end(), [&](const DeadLetterCount& c) {
      return c.error_type == known.first;
    });
    if (!named) series_->families.dead_letters.Remove(known.second);
    return !named;
  });
  for (const DeadLetterCount& count : counts) {
    Gauge*& gauge = series_->dead_letters[count.error_type];
    if (gauge == nullptr) {
      gauge = &series_->families.dead_letters.Add(
          {{"handler", series_->handler}, {"error_type", count.error_type}});
    }
    gauge->Set(static_cast<double>(count.open));
  }
}

}  // namespace spool::observe
