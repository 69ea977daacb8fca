// For tests of the core: a handler that performs, whose events say in their data what admission
// makes of them. Its rows are in the tables of MemoryStore; nobody calls anybody.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/delivery/core_test_support.hpp"
#include "engine/handler/perform.hpp"

namespace spool::delivery::test {

struct PerformingRow {
  // waits, begun, done, retried, died, cancelled, hastened, prioritized, swallowed
  std::string state = "waits";
  std::string data;
  std::int32_t life = 0;
  std::int32_t attempts = 0;
};
using PerformingRows = std::map<message::Identity, PerformingRow>;

struct ScriptCall final : handler::Call {
  message::Identity event;
};

// What `data` may say, several things joined by '+':
//   list:X        its order key is X (default: the Kafka key alone)
//   first:N       its priority (default: 5)
//   invalid       stage() rejects it
//   refuse        the database refuses it whenever it is admitted
//   fails         admit() reports its failure
//   over          nothing is left to be done, says admission
//   due:T         is not due before kMorning + T seconds, unless it is called
//   eats:ID       swallows the waiting event of that id
//   nothing       nothing is left to be done, says open()
//   closed:T      open() reports that the session is over, until kMorning + T seconds
//   stranger      open() knows nothing of it until it has been admitted in this life
class ScriptAdmissions final : public handler::Admissions {
 public:
  std::optional<message::Rejection> stage(const message::Event& event,
                                          const handler::Attempt& attempt) override;
  std::size_t size() const override { return events_.size(); }
  void clear() override { events_.clear(); }
  base::Result<handler::Admitted> admit(postgres::Transaction& transaction, std::size_t first,
                                        std::size_t last) override;
  base::Result<handler::Admitted> admit_in(PerformingRows& rows, std::size_t first,
                                           std::size_t last);

 private:
  std::vector<StagedEvent> events_;
};

class ScriptPerform final : public handler::PerformThenSettle {
 public:
  std::unique_ptr<handler::Admissions> make_admissions() const override;
  base::Result<handler::Opened> open(postgres::Transaction& transaction,
                                     std::span<const handler::Turn> turns) const override;
  base::Result<handler::SettledRows> settle(
      postgres::Transaction& transaction,
      std::span<const handler::Settling> settlings) const override;
  base::Result<std::unique_ptr<handler::Caller>> make_caller(
      handler::CallerTools tools) const override;

  base::Result<handler::Opened> open_in(PerformingRows& rows,
                                        std::span<const handler::Turn> turns) const;
  base::Result<handler::SettledRows> settle_in(PerformingRows& rows,
                                               std::span<const handler::Settling> settlings) const;
};

// It depends on the service "tmdb".
handler::Handler performing_handler();

}  // namespace spool::delivery::test
