#include "handlers/list_operations/turns.hpp"

#include <memory>
#include <utility>

#include "handlers/list_operations/turns_store.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using handler::EventFailure;
using handler::NothingToDo;
using handler::Opening;

// A login that is stored meanwhile need not wait for it: whoever stores one makes the user's
// operations due.
constexpr base::EpochMicros kLoginWait = 3'600LL * 1'000'000;

Opening fails(message::ErrorType type, std::string text) {
  EventFailure failure;
  failure.type = type;
  failure.text = std::move(text);
  return failure;
}

Opening waits_for_login(const TurnRow& row, const std::string& why) {
  EventFailure failure;
  failure.type = message::ErrorType::upstream_auth;
  failure.text = why + " TMDB user " + std::to_string(row.tmdb_user_id);
  failure.not_before = row.now + kLoginWait;
  return failure;
}

// Of what is asked for of a list that is not there: whether that is what it asks for, or there is
// nothing to read.
bool is_so_already(OperationType type) {
  return type == OperationType::delete_list || type == OperationType::clear_list ||
         type == OperationType::remove_movie || type == OperationType::refresh_list;
}

Opening never_created(const TurnRow& row) {
  if (is_so_already(row.change.type)) return NothingToDo{};
  std::string why = "no operation creates the list";
  if (row.create_status == "failed") why = "the list could not be created: " + row.create_error;
  if (row.create_status == "cancelled") why = "the creation of the list was cancelled";
  if (row.create_status == "pending") why = "the list is to be created later";
  return fails(message::ErrorType::upstream_not_found, std::move(why));
}

class Turns {
 public:
  Turns(postgres::Transaction& transaction, std::span<const handler::Turn> turns,
        const Unseal& unseal)
      : store_(transaction), turns_(turns), unseal_(unseal) {}

  Result<handler::Opened> open() {
    auto rows = store_.read(turns_);
    if (!rows) return rows.failure();
    rows_ = std::move(*rows);
    if (auto done = take_up_failed(); !done) return done.failure();
    if (auto done = read_doubts(); !done) return done.failure();
    handler::Opened opened;
    for (std::size_t i = 0; i < turns_.size(); ++i) opened.events.push_back(open(i));
    opened.rows = static_cast<std::int64_t>(marks_.size());
    if (auto done = store_.mark(marks_); !done) return done.failure();
    if (auto done = store_.mark_running(refreshed_); !done) return done.failure();
    return opened;
  }

 private:
  // What is replayed where it is, with its key held, is admitted already.
  base::Status take_up_failed() {
    std::map<base::Uuid, std::int32_t> lives;
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      std::optional<TurnRow>& row = rows_[i];
      if (!row || row->status != OperationStatus::failed || row->life >= turns_[i].life) continue;
      lives.emplace(row->id, turns_[i].life);
      row->status = OperationStatus::pending;
      row->life = turns_[i].life;
    }
    return store_.revive(lives);
  }

  base::Status read_doubts() {
    std::vector<base::Uuid> doubtful;
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      if (turns_[i].in_doubt && rows_[i]) doubtful.push_back(rows_[i]->id);
    }
    auto doubts = store_.doubts(doubtful);
    if (!doubts) return doubts.failure();
    doubts_ = std::move(*doubts);
    return {};
  }

  Opening open(std::size_t index) {
    const handler::Turn& turn = turns_[index];
    const std::optional<TurnRow>& row = rows_[index];
    const bool waits =
        row && row->life == turn.life && !row->scheduled &&
        (row->status == OperationStatus::pending || row->status == OperationStatus::processing);
    if (!waits) return handler::AdmitFirst{};
    const bool creates = row->change.type == OperationType::create_list;
    if (creates && row->list.existence != Existence::never) return NothingToDo{};
    // Whatever the mirror says of the list by now: it is to be asked what the call has done.
    const bool asked = turn.in_doubt && row->change.type != OperationType::refresh_list;
    if (!asked && !creates) {
      if (row->list.existence == Existence::never) return never_created(*row);
      if (row->list.existence == Existence::gone)
        return is_so_already(row->change.type)
                   ? Opening(NothingToDo{})
                   : fails(message::ErrorType::upstream_not_found, "the list is gone");
    }
    return call(*row, turn.in_doubt);
  }

  Opening call(const TurnRow& row, bool in_doubt) {
    if (!row.login) return waits_for_login(row, "no session for");
    if (!*row.login) return waits_for_login(row, "session expired for");
    const auto [at, first] = credentials_.try_emplace(row.tmdb_user_id);
    if (first) at->second = std::make_unique<Login>(unseal_(row.tmdb_user_id, row.sealed));
    const Login& login = *at->second;
    if (!login)
      return waits_for_login(row, "session cannot be read (" + login.failure().text + ") for");
    auto call = std::make_shared<ListCall>();
    call->operation = row.id;
    call->change = row.change;
    call->tmdb_user_id = row.tmdb_user_id;
    call->tmdb_list_id = row.tmdb_list_id;
    call->confirmed = row.list.fields;
    call->credentials = *login;
    call->correlation_id = row.correlation_id;
    if (in_doubt) call->doubt = doubts_.at(row.id);
    marks_.push_back({row.id, in_doubt});
    if (row.change.type == OperationType::refresh_list && !row.change.compare_only)
      refreshed_.push_back(row.id);
    return handler::CallPtr(std::move(call));
  }

  using Login = Result<tmdb::Credentials>;

  TurnsStore store_;
  std::span<const handler::Turn> turns_;
  const Unseal& unseal_;
  std::vector<std::optional<TurnRow>> rows_;
  std::map<base::Uuid, CallDoubt> doubts_;
  std::map<std::int32_t, std::unique_ptr<Login>> credentials_;  // of users
  std::vector<Mark> marks_;
  std::vector<base::Uuid> refreshed_;  // operations whose lists are being read anew
};

}  // namespace

Result<handler::Opened> open_turns(postgres::Transaction& transaction,
                                   std::span<const handler::Turn> turns, const Unseal& unseal) {
  return Turns(transaction, turns, unseal).open();
}

}  // namespace spool::list_operations
