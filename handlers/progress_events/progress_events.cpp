#include "handlers/progress_events/progress_events.hpp"

#include <string>
#include <utility>

#include "handlers/progress_events/fold.hpp"
#include "handlers/progress_events/progress.hpp"
#include "handlers/progress_events/progress_store.hpp"
#include "handlers/progress_events/staged_events.hpp"

namespace spool::progress_events {
namespace {

class ProgressBatch final : public handler::Batch {
 public:
  explicit ProgressBatch(const Settings& settings) : settings_(settings) {}

  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override {
    auto decoded = decoder_.decode(event.data, attempt.now);
    if (auto* rejection = std::get_if<message::Rejection>(&decoded)) return std::move(*rejection);
    events_.add(std::get<Progress>(decoded), event.id, event.source);
    return {};
  }

  std::size_t size() const override { return events_.size(); }

  void clear() override { events_.clear(); }

  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override {
    const Folded folded = fold_.fold(events_, first, last, settings_.completed_percent);
    auto written = store_.write(transaction, events_, folded.rows);
    if (!written) return written.failure();
    handler::ApplyCounts counts;
    const auto rows = static_cast<std::int64_t>(folded.rows.size());
    counts.rows = *written;
    counts.written = *written;
    counts.stale = rows - *written;
    counts.duplicate = folded.duplicates;
    counts.coalesced = static_cast<std::int64_t>(last - first) - rows - folded.duplicates;
    return counts;
  }

 private:
  Settings settings_;
  Decoder decoder_;
  StagedEvents events_;
  Fold fold_;
  ProgressStore store_;
};

class ProgressEvents final : public handler::ApplyAtOnce {
 public:
  explicit ProgressEvents(const Settings& settings) : settings_(settings) {}

  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<ProgressBatch>(settings_);
  }

 private:
  Settings settings_;
};

}  // namespace

base::Result<handler::Handler> make_handler(const Settings& settings) {
  if (settings.completed_percent < 1 || settings.completed_percent > 100)
    return base::Failure(base::FailureKind::invalid,
                         "completed_percent: " + std::to_string(settings.completed_percent) +
                             " is not within 1..100");
  handler::HandlerSpec spec{"progress_events",
                            "spool.progress-events",
                            {std::string(kEventType)},
                            handler::Idempotence::natural};
  spec.user_field = "user_id";
  return handler::Handler{std::move(spec), std::make_unique<ProgressEvents>(settings)};
}

}  // namespace spool::progress_events
