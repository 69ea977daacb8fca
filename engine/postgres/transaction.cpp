#include "engine/postgres/transaction.hpp"

#include <string>

#include "engine/postgres/transaction_impl.hpp"

namespace spool::postgres {

using base::Failure;
using base::FailureKind;

base::Status Transaction::Impl::script(std::string_view text) {
  try {
    const Call call(session);
    work->exec(std::string(text));
    return {};
  } catch (const std::exception& error) {
    failure = session.failed(error);
    return *failure;
  }
}

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::~Transaction() = default;

const std::optional<Failure>& Transaction::failed() const {
  return impl_->failure;
}

base::Result<Rows> Transaction::execute(const Statement& statement, Params params) {
  if (impl_->failure) return *impl_->failure;
  try {
    return impl_->session.run(*impl_->work, statement, params);
  } catch (const std::exception& error) {
    impl_->failure = impl_->session.failed(error);
    return *impl_->failure;
  }
}

base::Status Transaction::execute_script(std::string_view text) {
  if (impl_->failure) return *impl_->failure;
  return impl_->script(text);
}

base::Status Transaction::savepoint() {
  return execute_script("savepoint spool");
}

base::Status Transaction::release_savepoint() {
  return execute_script("release savepoint spool");
}

base::Status Transaction::rollback_to_savepoint() {
  if (impl_->session.broken) {
    return impl_->failure.value_or(Failure(FailureKind::unavailable, "the connection is lost"));
  }
  base::Status status = impl_->script("rollback to savepoint spool");
  if (status.ok()) impl_->failure.reset();
  return status;
}

base::Status Transaction::commit() {
  if (impl_->failure) return *impl_->failure;
  try {
    const Call call(impl_->session);
    impl_->work->commit();
    return {};
  } catch (const std::exception& error) {
    impl_->failure = impl_->session.failed(error);
    // Whatever ends a connection during COMMIT leaves open what became of it.
    if (impl_->failure->kind == FailureKind::unavailable) {
      impl_->failure->kind = FailureKind::in_doubt;
    }
    return *impl_->failure;
  }
}

}  // namespace spool::postgres
