// The admissions of a handler that performs, in the dress of a batch: what is true of events that
// are applied (staging, savepoints, halving, failures one by one) is true of events on their way
// in. Keeps what admission said of each. Owned by one Attempts.
#pragma once

#include <memory>
#include <vector>

#include "engine/handler/apply.hpp"
#include "engine/handler/perform.hpp"

namespace spool::delivery {

class AdmissionBatch final : public handler::Batch {
 public:
  explicit AdmissionBatch(std::unique_ptr<handler::Admissions> admissions)
      : admissions_(std::move(admissions)) {}

  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override;
  std::size_t size() const override { return admissions_->size(); }
  void clear() override;
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override;

  // The same for those who admit by other means than a transaction of PostgreSQL.
  handler::Admissions& admissions() { return *admissions_; }
  base::Result<handler::ApplyCounts> take_in(base::Result<handler::Admitted> admitted,
                                             std::size_t first, std::size_t last);

  // Of a staged event that was admitted.
  const handler::Admission& verdict(std::size_t staged) const { return verdicts_[staged]; }
  const std::vector<message::Identity>& swallowed() const { return swallowed_; }

 private:
  std::unique_ptr<handler::Admissions> admissions_;
  std::vector<handler::Admission> verdicts_;
  std::vector<message::Identity> swallowed_;
};

}  // namespace spool::delivery
