// Operations on their way in: decoded one by one, then admitted together. Each finds its list in
// the mirror, whose row is what its operations keep their order under, and is merged with what
// waits there. Belongs to one executor and its thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/handler/perform.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {

struct StagedOperation {
  Operation operation = {};
  message::Identity event = {};
  std::string correlation_id = {};
  std::int32_t life = 0;
  bool called = false;        // it has waited for its time, or died, and comes again
  base::EpochMicros due = 0;  // not before; 0: at once
  bool in_doubt = false;      // see handler::Attempt, as the next
  bool after_set_back = false;
};

class ListAdmissions final : public handler::Admissions {
 public:
  std::optional<message::Rejection> stage(const message::Event& event,
                                          const handler::Attempt& attempt) override;
  std::size_t size() const override { return staged_.size(); }
  void clear() override { staged_.clear(); }
  base::Result<handler::Admitted> admit(postgres::Transaction& transaction, std::size_t first,
                                        std::size_t last) override;

 private:
  Decoder decoder_;
  std::vector<StagedOperation> staged_;
};

}  // namespace spool::list_operations
