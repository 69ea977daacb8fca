#include "engine/delivery/admission_batch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace spool::delivery {

handler::Staging AdmissionBatch::stage(const message::Event& event,
                                       const handler::Attempt& attempt) {
  if (auto why = admissions_->stage(event, attempt)) return std::move(*why);
  return std::monostate();
}

void AdmissionBatch::clear() {
  admissions_->clear();
  verdicts_.clear();
  swallowed_.clear();
}

base::Result<handler::ApplyCounts> AdmissionBatch::apply(postgres::Transaction& transaction,
                                                         std::size_t first, std::size_t last) {
  return take_in(admissions_->admit(transaction, first, last), first, last);
}

base::Result<handler::ApplyCounts> AdmissionBatch::take_in(base::Result<handler::Admitted> admitted,
                                                           std::size_t first, std::size_t last) {
  if (!admitted) return admitted.failure();
  if (admitted->events.size() != last - first) {
    return base::Failure(base::FailureKind::schema,
                         "admission answers for " + std::to_string(admitted->events.size()) +
                             " of " + std::to_string(last - first) + " events");
  }
  verdicts_.resize(std::max(verdicts_.size(), last));
  std::move(admitted->events.begin(), admitted->events.end(),
            verdicts_.begin() + static_cast<std::ptrdiff_t>(first));
  std::move(admitted->swallowed.begin(), admitted->swallowed.end(), std::back_inserter(swallowed_));
  handler::ApplyCounts counts;
  counts.written = static_cast<std::int64_t>(last - first - admitted->failed.size());
  counts.rows = admitted->rows;
  counts.failed = std::move(admitted->failed);
  counts.told = std::move(admitted->told);
  return counts;
}

}  // namespace spool::delivery
