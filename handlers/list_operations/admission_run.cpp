#include "handlers/list_operations/admission_run.hpp"

#include <algorithm>
#include <utility>

#include "handlers/list_operations/told.hpp"

namespace spool::list_operations {
namespace {

using base::Result;
using base::Status;
using handler::Admission;

ListName name_of(const Operation& operation) {
  ListName name;
  name.tmdb_user_id = operation.tmdb_user_id;
  name.tmdb_list_id = operation.tmdb_list_id;
  name.list_ref = operation.list_ref;
  return name;
}

handler::EventFailure of_another_user(std::size_t event, const Operation& operation) {
  handler::EventFailure failure;
  failure.event = event;
  failure.type = message::ErrorType::upstream_forbidden;
  failure.text = "list " + std::to_string(operation.tmdb_list_id.value_or(0)) +
                 " belongs to another user than " + std::to_string(operation.tmdb_user_id);
  return failure;
}

Named named(const base::Uuid& id, OperationType type, const ListRow& list) {
  return {id, type, list.tmdb_user_id, list.tmdb_list_id, list.list_ref};
}

}  // namespace

AdmissionRun::AdmissionRun(postgres::Transaction& transaction,
                           std::span<const StagedOperation> staged, std::size_t first)
    : store_(transaction), staged_(staged), first_(first), entries_(staged.size()) {
  admitted_.events.resize(staged.size());
}

Result<handler::Admitted> AdmissionRun::run() {
  if (auto done = sort_out(); !done) return done.failure();
  if (auto done = find_lists(); !done) return done.failure();
  if (auto done = load_lists(); !done) return done.failure();
  merge();
  if (auto done = write(); !done) return done.failure();
  return std::move(admitted_);
}

// A duplicate shares the fate of its original, whatever that is.
Status AdmissionRun::sort_out() {
  std::vector<message::Identity> events;
  events.reserve(staged_.size());
  for (const StagedOperation& staged : staged_) events.push_back(staged.event);
  auto known = store_.find_known(events);
  if (!known) return known.failure();
  std::set<message::Identity> seen;
  std::set<base::Uuid> ids;
  for (std::size_t i = 0; i < staged_.size(); ++i) {
    const KnownEvent& event = (*known)[i];
    const bool twice = !seen.insert(events[i]).second;
    if (twice || (event.removed && !event.row) || (event.row && !comes_again(i, *event.row))) {
      if (admitted_.events[i].order_key.empty())
        admitted_.events[i].kind = Admission::Kind::duplicate;
      continue;
    }
    base::Uuid id = message::row_uuid(events[i].source, events[i].id);
    if (event.row) {
      id = event.row->id;
      again_.insert(id);
      entries_[i].before = event.row;
    } else if (event.id_taken || !ids.insert(id).second) {
      id = base::name_uuid(events[i].source, events[i].id);
    }
    entries_[i].id = id;
    newcomers_.push_back(i);
  }
  return {};
}

// Whether the event is to be admitted once more, as the newest of its list.
bool AdmissionRun::comes_again(std::size_t index, const KnownRow& row) {
  const StagedOperation& staged = staged_[index];
  const bool replayed = staged.life > row.life;
  if (row.status == OperationStatus::failed) return replayed;
  if (is_final(row.status) || !(staged.called || replayed) || staged.life < row.life) return false;
  if (!row.begun) return true;
  // It holds its place: a call of it may be under way.
  admitted_.events[index].order_key = std::to_string(row.list);
  admitted_.events[index].priority = static_cast<std::int16_t>(row.priority);
  return false;
}

Status AdmissionRun::find_lists() {
  std::set<ListName> names;
  for (const std::size_t i : newcomers_) names.insert(name_of(staged_[i].operation));
  auto lists = store_.lists(names);
  if (!lists) return lists.failure();
  lists_by_name_ = std::move(*lists);
  for (const std::size_t i : newcomers_) {
    const Operation& operation = staged_[i].operation;
    const ListRow& row = lists_by_name_.at(name_of(operation));
    if (row.tmdb_user_id != operation.tmdb_user_id) {
      admitted_.failed.push_back(of_another_user(first_ + i, operation));
      continue;
    }
    entries_[i].row = &row;
    entries_[i].change = operation.change;
    // An operator may have changed it, or something of more haste was merged into it.
    entries_[i].priority = entries_[i].before ? entries_[i].before->priority : operation.priority;
    take_merged(entries_[i]);
    admitted_.events[i].order_key = std::to_string(row.id);
    admitted_.events[i].due = staged_[i].due;
  }
  return {};
}

// The event knows nothing of the updates that were merged into its own, and they are over.
void AdmissionRun::take_merged(Entry& entry) {
  if (!entry.before || entry.before->list != entry.row->id) return;
  const Change& before = entry.before->change;
  if (before.type != entry.change.type || before.type != OperationType::update_list) return;
  ListFields fields = before.fields;
  fields.overlay(entry.change.fields);
  entry.change.fields = std::move(fields);
}

Status AdmissionRun::load_lists() {
  WaitingQuery query;
  query.without = again_;
  std::set<std::pair<std::int64_t, std::int32_t>> items;
  for (const std::size_t i : newcomers_) {
    const ListRow* row = entries_[i].row;
    if (row == nullptr || waits_for_time(i)) continue;
    List& list = lists_[row->id];
    list.row = row;
    list.confirmed = row->state;
    list.in_doubt |= staged_[i].in_doubt;
    list.unsure |= staged_[i].after_set_back;
    const Change& change = entries_[i].change;
    query.lists[row->id] |=
        change.type == OperationType::clear_list || change.type == OperationType::delete_list;
    if (change.movie_id == 0) continue;
    query.movies.insert(change.movie_id);
    items.emplace(row->id, change.movie_id);
  }
  auto confirmed = store_.confirmed(items);
  if (!confirmed) return confirmed.failure();
  for (const auto& [list, movie] : *confirmed) lists_.at(list).confirmed.movies.push_back(movie);
  auto waiting = store_.waiting(query);
  if (!waiting) return waiting.failure();
  waiting_ = std::move(*waiting);
  for (auto& [id, list] : lists_) forget_what_is_unsure(list);
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    List& list = lists_.at(waiting_[i].list);
    const bool begun = waiting_[i].begun && !gives_way(list, waiting_[i].change);
    (begun ? list.in_flight : list.waiting).push_back(waiting_[i].change);
    if (!begun) list.candidates.push_back({false, i});
  }
  return {};
}

// A mirror that was set back proves nothing.
void AdmissionRun::forget_what_is_unsure(List& list) {
  if (!list.unsure) return;
  list.confirmed.complete = false;
  list.confirmed.movies.clear();
}

// After the database was set back nothing of the lane runs until its log is admitted again: what
// had begun by then is over, and later operations tell what became of it. Of a create they do not
// tell which list it made.
bool AdmissionRun::gives_way(const List& list, const Change& change) {
  return list.in_doubt && change.type != OperationType::create_list;
}

void AdmissionRun::merge() {
  for (const std::size_t i : newcomers_) {
    const ListRow* row = entries_[i].row;
    if (row == nullptr || waits_for_time(i)) continue;
    List& list = lists_.at(row->id);
    const bool creates = entries_[i].change.type == OperationType::create_list;
    if (list.merger == nullptr && staged_[i].in_doubt && creates && list.in_flight.empty()) {
      list.in_flight.push_back(entries_[i].change);  // it may have made its list
      continue;
    }
    if (list.merger == nullptr)
      list.merger = std::make_unique<Merger>(list.confirmed, list.in_flight, list.waiting);
    merge(i, list);
  }
}

void AdmissionRun::merge(std::size_t index, List& list) {
  Merged merged = list.merger->admit(entries_[index].change);
  list.candidates.push_back({true, index});
  entries_[index].change = std::move(merged.change);
  if (merged.list_over) rows_.over.push_back(list.row->id);
  for (const Swallowed& swallowed : merged.swallowed) {
    const Candidate& candidate = list.candidates[swallowed.number];
    const std::string reason(to_string(swallowed.reason));
    std::int32_t& priority = entries_[index].priority;
    if (candidate.of_batch) {
      priority = std::max(priority, entries_[candidate.index].priority);
      entries_[candidate.index].reason = reason;
      tell_ended(candidate.index);
      continue;
    }
    const WaitingRow& row = waiting_[candidate.index];
    priority = std::max(priority, row.priority);
    rows_.swallowed.push_back({row.id, reason, row.begun});
    admitted_.swallowed.push_back(row.event);
    admitted_.told.push_back(
        completed_told(first_ + index, named(row.id, row.change.type, *list.row), reason));
  }
  if (!merged.ended) return;
  entries_[index].reason = to_string(*merged.ended);
  tell_ended(index);
}

void AdmissionRun::tell_ended(std::size_t index) {
  const Entry& entry = entries_[index];
  admitted_.events[index].kind = Admission::Kind::ended;
  admitted_.told.push_back(
      completed_told(first_ + index, named(entry.id, entry.change.type, *entry.row), entry.reason));
}

Status AdmissionRun::write() {
  for (const std::size_t i : newcomers_) {
    Entry& entry = entries_[i];
    if (entry.row == nullptr) continue;
    const StagedOperation& staged = staged_[i];
    const bool reads =
        entry.change.type == OperationType::refresh_list && !entry.change.compare_only;
    changed_[entry.row->id] |= reads;
    if (entry.before) changed_.try_emplace(entry.before->list, false);
    NewRow row{entry.id, staged.event, entry.row->id, staged.operation};
    row.operation.change = std::move(entry.change);
    row.operation.priority = entry.priority;
    admitted_.events[i].priority = static_cast<std::int16_t>(entry.priority);
    row.life = staged.life;
    row.scheduled = waits_for_time(i);
    row.reason = std::move(entry.reason);
    row.correlation_id = staged.correlation_id;
    row.in_doubt = staged.in_doubt;
    rows_.admitted.push_back(std::move(row));
  }
  auto written = store_.write(rows_);
  if (!written) return written.failure();
  admitted_.rows = *written;
  return store_.changed(changed_);
}

}  // namespace spool::list_operations
