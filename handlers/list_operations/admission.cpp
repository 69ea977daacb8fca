#include "handlers/list_operations/admission.hpp"

#include "handlers/list_operations/admission_run.hpp"

namespace spool::list_operations {

std::optional<message::Rejection> ListAdmissions::stage(const message::Event& event,
                                                        const handler::Attempt& attempt) {
  auto decoded = decoder_.decode(event.data, message::row_uuid(event.source, event.id));
  if (auto* rejection = std::get_if<message::Rejection>(&decoded)) return std::move(*rejection);
  auto& operation = std::get<Operation>(decoded);
  if (auto rejection = check_key(operation, event.key.value_or(""))) return rejection;
  StagedOperation staged;
  staged.event = {std::string(event.source), std::string(event.id)};
  staged.correlation_id = event.correlation_id;
  staged.life = attempt.life;
  staged.called = attempt.called;
  staged.in_doubt = attempt.in_doubt;
  staged.after_set_back = attempt.after_set_back;
  const base::EpochMicros time = operation.scheduled_for.value_or(0);
  if (!attempt.called && time > attempt.now) staged.due = time;
  staged.operation = std::move(operation);
  staged_.push_back(std::move(staged));
  return std::nullopt;
}

base::Result<handler::Admitted> ListAdmissions::admit(postgres::Transaction& transaction,
                                                      std::size_t first, std::size_t last) {
  if (first == last) return handler::Admitted{};
  return AdmissionRun(transaction, {staged_.data() + first, last - first}, first).run();
}

}  // namespace spool::list_operations
