#include "handlers/list_operations/list_operations.hpp"

#include <memory>
#include <string>
#include <utility>

#include "handlers/list_operations/admission.hpp"
#include "handlers/list_operations/list_caller.hpp"
#include "handlers/list_operations/refresh_duty.hpp"
#include "handlers/list_operations/settlement.hpp"
#include "handlers/list_operations/turns.hpp"
#include "handlers/list_operations/warm_duty.hpp"

namespace spool::list_operations {
namespace {

class ListOperations final : public handler::PerformThenSettle {
 public:
  explicit ListOperations(Settings settings) : settings_(std::move(settings)) {}

  std::unique_ptr<handler::Admissions> make_admissions() const override {
    return std::make_unique<ListAdmissions>();
  }

  base::Result<handler::Opened> open(postgres::Transaction& transaction,
                                     std::span<const handler::Turn> turns) const override {
    return open_turns(transaction, turns, settings_.unseal);
  }

  base::Result<handler::SettledRows> settle(
      postgres::Transaction& transaction,
      std::span<const handler::Settling> settlings) const override {
    return settle_operations(transaction, settlings);
  }

  base::Result<std::unique_ptr<handler::Caller>> make_caller(
      handler::CallerTools tools) const override {
    return make_list_caller(std::move(tools), settings_);
  }

 private:
  Settings settings_;
};

}  // namespace

base::Result<handler::Handler> make_handler(const Settings& settings) {
  if (!settings.unseal)
    return base::Failure(base::FailureKind::invalid, "nobody can open the users' sessions");
  handler::HandlerSpec spec{"list_operations",
                            "spool.list-operations",
                            {std::string(kEventType)},
                            handler::Idempotence::ledger,
                            handler::Order::finer_key};
  spec.dependencies = {"tmdb"};
  spec.user_field = "tmdb_user_id";
  handler::Handler made{std::move(spec), std::make_unique<ListOperations>(settings)};
  made.duties.push_back(std::make_unique<CleanupDuty>(settings.cleanup));
  if (settings.refresh_interval.count() > 0)
    made.duties.push_back(make_refresh_duty(settings.refresh_interval));
  if (settings.cache_ttl.count() > 0) made.duties.push_back(make_warm_duty(settings.cache_ttl));
  return made;
}

}  // namespace spool::list_operations
