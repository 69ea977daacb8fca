#include "engine/delivery/lane_outbox.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::delivery {

void LaneOutbox::clear() {
  waiting_ = false;
  in_flight_ = 0;
  published_.clear();
  refused_.clear();
}

SettleOutboxJob LaneOutbox::settle(const Claim& claim) {
  return {claim, std::exchange(published_, {}), std::exchange(refused_, {})};
}

void LaneOutbox::unsettled(SettleOutboxJob job) {
  published_ = std::move(job.published);
  refused_ = std::move(job.refused);
}

void LaneOutbox::read(std::size_t rows, bool full, Instant now) {
  in_flight_ = rows;
  waiting_ = full;
  next_page_ = full ? now : now + every_;
}

void LaneOutbox::answered(std::int64_t number, const base::Status& outcome, Instant now) {
  SPOOL_ASSERT(in_flight_ > 0, "an answer to a row that was not handed out");
  --in_flight_;
  if (outcome) {
    published_.push_back(number);
    backoff_.succeeded();
  } else if (outcome.failure().kind == base::FailureKind::refused) {
    refused_.push_back({number, outcome.failure().text});
  } else {
    waiting_ = true;
    if (now >= not_before_) not_before_ = now + backoff_.next();
  }
}

std::optional<Instant> LaneOutbox::wake_at() const {
  if (!waiting_ || in_flight_ > 0) return std::nullopt;
  return std::max(not_before_, next_page_);
}

}  // namespace spool::delivery
