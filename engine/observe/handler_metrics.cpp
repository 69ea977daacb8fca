#include "engine/observe/handler_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <map>
#include <mutex>
#include <utility>

#include "engine/observe/families.hpp"
#include "engine/observe/gauges.hpp"

namespace spool::observe {
namespace {

using prometheus::Counter;
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
    case ErrorKind::waiting:
      return "waiting";
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
        retried(outcome(topic, "retried")),
        dead_lettered(outcome(topic, "dead_lettered")),
        discarded(outcome(topic, "discarded")),
        lookups_new(lookup("new")),
        lookups_replay(lookup("replay")),
        lookups_in_progress(lookup("in_progress")),
        lookups_conflict(lookup("conflict")),
        run_applied(run("applied")),
        run_failed(run("failed")),
        batch_events(families.batch_events.Add({{"handler", handler}}, buckets(kSizeBounds))),
        batch_rows(families.batch_rows.Add({{"handler", handler}}, buckets(kSizeBounds))),
        batch_duration(
            families.batch_duration.Add({{"handler", handler}}, buckets(kDurationBounds))),
        queue_wait(families.queue_wait.Add({{"handler", handler}}, buckets(kDurationBounds))),
        message_age(families.message_age.Add({{"handler", handler}}, buckets(kAgeBounds))),
        attempts(families.attempts.Add({{"handler", handler}}, buckets(kAttemptBounds))),
        retry_lateness(
            families.retry_lateness.Add({{"handler", handler}}, buckets(kLatenessBounds))),
        retry_pending(families.retry_pending),
        retry_next_due(families.retry_next_due),
        dead_letters(families.dead_letters),
        dead_letter_oldest(families.dead_letter_oldest, {{"handler", handler}}) {}

  Counter& outcome(const std::string& topic, const char* word) {
    return families.messages.Add({{"handler", handler}, {"topic", topic}, {"outcome", word}});
  }
  Counter& lookup(const char* word) {
    return families.lookups.Add({{"handler", handler}, {"result", word}});
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
  Counter& retried;
  Counter& dead_lettered;
  Counter& discarded;
  Counter& lookups_new;
  Counter& lookups_replay;
  Counter& lookups_in_progress;
  Counter& lookups_conflict;
  Histogram& run_applied;
  Histogram& run_failed;
  Histogram& batch_events;
  Histogram& batch_rows;
  Histogram& batch_duration;
  Histogram& queue_wait;
  Histogram& message_age;
  Histogram& attempts;
  Histogram& retry_lateness;

  std::mutex mutex;  // guards what follows; all of it is touched by what is rare
  std::map<std::pair<std::string, ErrorKind>, Counter*> failed;
  GaugeSet retry_pending;
  GaugeSet retry_next_due;
  GaugeSet dead_letters;
  OptionalGauge dead_letter_oldest;
};

HandlerMetrics::HandlerMetrics(Families& families, std::string handler, const std::string& topic)
    : series_(std::make_unique<Series>(families, std::move(handler), topic)) {}

HandlerMetrics::~HandlerMetrics() = default;

void HandlerMetrics::batch_committed(const BatchReport& report) {
  series_->applied.Increment(static_cast<double>(report.applied));
  series_->duplicate.Increment(static_cast<double>(report.duplicate));
  series_->stale.Increment(static_cast<double>(report.stale));
  series_->retried.Increment(static_cast<double>(report.retried));
  series_->dead_lettered.Increment(static_cast<double>(report.dead_lettered));
  series_->batch_events.Observe(static_cast<double>(report.events()));
  series_->batch_rows.Observe(static_cast<double>(report.rows));
  series_->batch_duration.Observe(report.seconds);
  observe(series_->queue_wait, report.wait);
  observe(series_->message_age, report.age);
  observe(series_->attempts, report.attempts);
  observe(series_->retry_lateness, report.lateness);
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

void HandlerMetrics::count_lookups(const Lookups& lookups) {
  series_->lookups_new.Increment(static_cast<double>(lookups.fresh));
  series_->lookups_replay.Increment(static_cast<double>(lookups.replay));
  series_->lookups_in_progress.Increment(static_cast<double>(lookups.in_progress));
  series_->lookups_conflict.Increment(static_cast<double>(lookups.conflict));
}

void HandlerMetrics::count_discarded(std::int64_t count) {
  series_->discarded.Increment(static_cast<double>(count));
}

void HandlerMetrics::set_retry_pending(const std::vector<RetryTier>& tiers) {
  std::map<Labels, double> pending;
  std::map<Labels, double> next_due;
  for (const RetryTier& tier : tiers) {
    const Labels labels = {{"handler", series_->handler}, {"tier", tier.tier}};
    pending[labels] = static_cast<double>(tier.waiting);
    if (const auto due = unix_seconds(tier.next_due)) next_due[labels] = *due;
  }
  const std::lock_guard lock(series_->mutex);
  series_->retry_pending.replace(pending);
  series_->retry_next_due.replace(next_due);
}

void HandlerMetrics::set_dead_letters(const std::vector<DeadLetterCount>& counts,
                                      std::optional<base::EpochMicros> oldest) {
  std::map<Labels, double> open;
  for (const DeadLetterCount& count : counts) {
    open[{{"handler", series_->handler}, {"error_type", count.error_type}}] =
        static_cast<double>(count.open);
  }
  const std::lock_guard lock(series_->mutex);
  series_->dead_letters.replace(open);
  series_->dead_letter_oldest.set(unix_seconds(oldest));
}

}  // namespace spool::observe
