#include "handlers/list_operations/settlement.hpp"

#include <memory>
#include <utility>

#include "handlers/list_operations/list_call.hpp"
#include "handlers/list_operations/mirror_store.hpp"
#include "handlers/list_operations/settlement_store.hpp"
#include "handlers/list_operations/stored.hpp"
#include "handlers/list_operations/told.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using handler::Settled;
using handler::Settling;

std::optional<OperationStatus> status_after(Settled fate) {
  switch (fate) {
    case Settled::done:
      return OperationStatus::completed;
    case Settled::retried:
    case Settled::withdrawn:
      return OperationStatus::pending;
    case Settled::died:
      return OperationStatus::failed;
    case Settled::cancelled:
      return OperationStatus::cancelled;
    case Settled::hastened:
    case Settled::prioritized:
      break;
  }
  return std::nullopt;
}

// What ends well without having been begun needed no call, nor did a reading that brought nothing.
std::string reason_of(const SettledRow& row, const ListAnswer* answer) {
  const bool refresh = row.change.type == OperationType::refresh_list;
  if (refresh && answer != nullptr && answer->fetched) return {};
  if (row.status == OperationStatus::processing && !refresh) return {};
  if (row.change.type == OperationType::create_list) return "the list has been created before";
  return row.list.existence == Existence::never ? "the list was never created" : "the list is gone";
}

class Settlements {
 public:
  Settlements(postgres::Transaction& transaction, std::span<const Settling> settlings)
      : store_(transaction), mirror_(transaction), settlings_(settlings) {}

  Result<handler::SettledRows> settle() {
    auto rows = store_.read(settlings_);
    if (!rows) return rows.failure();
    for (std::size_t i = 0; i < settlings_.size(); ++i) {
      // Without a row it was never admitted, or it is long over.
      if (!(*rows)[i]) continue;
      if (auto done = settle(i, *(*rows)[i]); !done) return done.failure();
    }
    if (auto done = end_logins(); !done) return done.failure();
    auto confirmed = mirror_.write();
    if (!confirmed) return confirmed.failure();
    tell_what_was_read();
    if (auto done = store_.end_reading(unread_); !done) return done.failure();
    if (auto done = store_.write(verdicts_); !done) return done.failure();
    if (auto done = store_.prioritize(priorities_); !done) return done.failure();
    for (const std::int64_t list : mirror_.claimed()) changed_.try_emplace(list, false);
    if (auto done = store_.changed(changed_); !done) return done.failure();
    settled_.rows = *confirmed + static_cast<std::int64_t>(verdicts_.size() + priorities_.size());
    return std::move(settled_);
  }

 private:
  base::Status settle(std::size_t index, const SettledRow& row) {
    const Settling& settling = settlings_[index];
    if (settling.fate == Settled::prioritized) {
      priorities_[row.id] = settling.priority;
      return {};
    }
    const auto* answer = dynamic_cast<const ListAnswer*>(settling.answer.get());
    Verdict verdict{row.id, &settling, status_after(settling.fate)};
    Named named{row.id, row.change.type, row.tmdb_user_id, row.tmdb_list_id, row.list_ref};
    if (answer != nullptr) {
      verdict.result = answer->note;
      if (answer->session_over) {
        over_.push_back(row.id);
        causes_.emplace(row.tmdb_user_id, index);
      }
    }
    const bool refresh = row.change.type == OperationType::refresh_list;
    const bool ends = verdict.status && *verdict.status != OperationStatus::pending;
    if (ends || refresh) changed_[row.list_id] |= ends && refresh && !row.change.compare_only;
    if (settling.fate == Settled::done) verdict.reason = reason_of(row, answer);
    if (refresh) {
      settle_refresh(index, row, named, answer);
    } else if (settling.fate == Settled::done) {
      const auto created = created_id(row, answer);
      if (creates(row) && verdict.reason.empty() && !created)
        return disagree("a list was created, and nobody knows its id");
      if (created) named.tmdb_list_id = created;
      mirror_.add(row.list_id, row.tmdb_user_id, row.list, row.change, created);
    }
    if (settling.fate == Settled::done)
      settled_.told.push_back(completed_told(index, named, verdict.reason));
    if (settling.fate == Settled::died)
      settled_.told.push_back(
          failed_told(index, named, settling.why, settling.attempts, settling.life));
    verdicts_.push_back(std::move(verdict));
    return {};
  }

  void settle_refresh(std::size_t index, const SettledRow& row, const Named& named,
                      const ListAnswer* answer) {
    const Settled fate = settlings_[index].fate;
    const bool read = fate == Settled::done && answer != nullptr && answer->fetched;
    if (read) {
      mirror_.add_refresh(readings_.size(), row.list_id, row.tmdb_user_id, row.list, row.change,
                          *answer->fetched);
      readings_.push_back({index, verdicts_.size(), named, row.now, row.change.compare_only});
    } else if (row.status == OperationStatus::processing && !row.change.compare_only) {
      unread_[row.list_id] = fate == Settled::retried || fate == Settled::died;
    }
  }

  void tell_what_was_read() {
    for (const auto& [number, found] : mirror_.found()) {
      const Reading& reading = readings_[number];
      verdicts_[reading.verdict].details = details_json(found);
      if (!reading.compare_only)
        settled_.told.push_back(synced_told(reading.index, reading.named, found, reading.at));
    }
  }

  static bool creates(const SettledRow& row) {
    return row.change.type == OperationType::create_list && row.list.existence == Existence::never;
  }

  static std::optional<std::int32_t> created_id(const SettledRow& row, const ListAnswer* answer) {
    return creates(row) && answer != nullptr ? answer->tmdb_list_id : std::nullopt;
  }

  // Each is told once, by the first of the operations that found out.
  base::Status end_logins() {
    auto users = store_.expire(over_);
    if (!users) return users.failure();
    for (const std::int32_t user : *users)
      settled_.told.push_back(reauthentication_told(causes_.at(user), user));
    return {};
  }

  // A list that was read.
  struct Reading {
    std::size_t index;
    std::size_t verdict;
    Named named;
    base::EpochMicros at;
    bool compare_only;
  };

  SettlementStore store_;
  MirrorStore mirror_;
  std::span<const Settling> settlings_;
  std::vector<Verdict> verdicts_;
  std::map<base::Uuid, std::int16_t> priorities_;
  std::vector<Reading> readings_;
  std::map<std::int64_t, bool> unread_;         // lists; whether reading them has failed
  std::vector<base::Uuid> over_;                // operations whose user's login is over
  std::map<std::int32_t, std::size_t> causes_;  // of the ends of the users' logins
  // Lists of which something else is shown by now: of what is tried again, nothing is.
  ChangedLists changed_;
  handler::SettledRows settled_;
};

}  // namespace

Result<handler::SettledRows> settle_operations(postgres::Transaction& transaction,
                                               std::span<const Settling> settlings) {
  if (settlings.empty()) return handler::SettledRows{};
  return Settlements(transaction, settlings).settle();
}

}  // namespace spool::list_operations
