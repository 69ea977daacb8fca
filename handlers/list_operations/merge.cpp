#include "handlers/list_operations/merge.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::list_operations {
namespace {

constexpr std::size_t kNone = ~std::size_t{0};

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::newer_for_movie:
      return "a later operation adds or removes the same movie";
    case Reason::merged_in_update:
      return "its fields were merged into a later update of the list";
    case Reason::cleared:
      return "the list is cleared by a later operation";
    case Reason::list_deleted:
      return "the list is deleted by a later operation";
    case Reason::no_net_effect:
      return "together with another operation it leaves the list as it is";
    case Reason::never_created:
      return "the list was deleted before it was created";
    case Reason::duplicate_create:
      return "another operation creates the list of this list_ref";
    case Reason::newer_refresh:
      return "a later operation reads the list";
    case Reason::nothing_to_read:
      return "the list is gone, or is being deleted";
  }
  return "";
}

Merger::Merger(const ListState& confirmed, std::span<const Change> in_flight,
               std::span<const Change> waiting)
    : confirmed_(confirmed), doomed_(confirmed.existence == Existence::gone) {
  for (const Change& change : in_flight) note_in_flight(change);
  entries_.reserve(waiting.size());
  for (const Change& change : waiting) keep(change);
}

void Merger::note_in_flight(const Change& change) {
  switch (change.type) {
    case OperationType::create_list:
      create_in_flight_ = true;
      doomed_ = confirmed_.existence == Existence::gone;
      break;
    case OperationType::delete_list:
      doomed_ = true;
      break;
    case OperationType::clear_list:
      clear_in_flight_ = true;
      break;
    case OperationType::add_movie:
    case OperationType::remove_movie:
      movies_in_flight_.insert(change.movie_id);
      break;
    case OperationType::update_list:
    case OperationType::refresh_list:
      break;
  }
}

// What was admitted on the other side of a create or a delete meets another list than what follows.
void Merger::seal() {
  newest_by_movie_ = {};  // clear() would cost its largest size each time
  updates_.clear();
  refreshes_.clear();
}

void Merger::keep(const Change& change) {
  const std::size_t number = entries_.size();
  entries_.push_back({change.type, true, kNone});
  switch (change.type) {
    case OperationType::create_list:
      create_waits_ = true;
      doomed_ = false;
      seal();
      break;
    case OperationType::delete_list:
      doomed_ = true;
      seal();
      break;
    case OperationType::clear_list:
      clear_waits_ = true;
      break;
    case OperationType::update_list:
      if (!doomed_) updates_.push_back({number, change.fields});
      break;
    case OperationType::refresh_list:
      if (!doomed_) refreshes_.push_back({number, change.compare_only});
      break;
    case OperationType::add_movie:
    case OperationType::remove_movie: {
      if (doomed_) break;
      const auto [at, first] = newest_by_movie_.try_emplace(change.movie_id, number);
      if (!first) entries_[number].previous = std::exchange(at->second, number);
      break;
    }
  }
}

Merged Merger::admit(Change change) {
  Merged merged{.number = entries_.size(), .change = std::move(change)};
  const OperationType type = merged.change.type;
  if (type == OperationType::create_list) {
    merge_create(merged);
  } else if (type == OperationType::delete_list) {
    merge_delete(merged);
  } else if (type == OperationType::refresh_list) {
    merge_refresh(merged);
  } else if (!doomed_) {
    if (type == OperationType::update_list) merge_update(merged);
    if (type == OperationType::clear_list) merge_clear(merged);
    if (merged.change.movie_id != 0) merge_movie(merged);
  }
  std::sort(merged.swallowed.begin(), merged.swallowed.end(),
            [](const Swallowed& a, const Swallowed& b) { return a.number < b.number; });
  if (merged.ended) {
    entries_.push_back({type, false, kNone});
  } else {
    keep(merged.change);
  }
  return merged;
}

void Merger::swallow(Merged& merged, std::size_t number, Reason reason) {
  SPOOL_ASSERT(entries_[number].waits, "nothing is swallowed twice");
  entries_[number].waits = false;
  merged.swallowed.push_back({number, reason});
}

bool Merger::swallow_chain(Merged& merged, std::size_t newest, OperationType type, Reason reason) {
  bool opposite = false;
  for (std::size_t number = newest; number != kNone; number = entries_[number].previous) {
    opposite |= entries_[number].type != type;
    swallow(merged, number, reason);
  }
  return opposite;
}

void Merger::merge_create(Merged& merged) {
  if (create_waits_ || create_in_flight_ || over_ || confirmed_.existence != Existence::never)
    merged.ended = Reason::duplicate_create;
}

void Merger::merge_update(Merged& merged) {
  ListFields fields;
  for (const Update& update : updates_) {
    fields.overlay(update.fields);
    swallow(merged, update.number, Reason::merged_in_update);
  }
  fields.overlay(merged.change.fields);
  merged.change.fields = std::move(fields);
  updates_.clear();
}

void Merger::merge_clear(Merged& merged) {
  for (const auto& [movie, newest] : newest_by_movie_)
    swallow_chain(merged, newest, OperationType::clear_list, Reason::cleared);
  newest_by_movie_ = {};
}

void Merger::merge_delete(Merged& merged) {
  const bool never =
      create_waits_ && !create_in_flight_ && confirmed_.existence == Existence::never;
  const Reason reason = never ? Reason::never_created : Reason::list_deleted;
  for (std::size_t number = undeleted_; number < entries_.size(); ++number) {
    if (entries_[number].waits) swallow(merged, number, reason);
  }
  undeleted_ = entries_.size();
  create_waits_ = false;
  clear_waits_ = false;
  if (!never) return;
  merged.ended = reason;
  merged.list_over = true;
  over_ = true;
  doomed_ = true;
}

void Merger::merge_movie(Merged& merged) {
  const auto found = newest_by_movie_.find(merged.change.movie_id);
  if (found == newest_by_movie_.end()) return;
  const bool undoes =
      swallow_chain(merged, found->second, merged.change.type, Reason::newer_for_movie);
  newest_by_movie_.erase(found);
  if (!undoes || !proves_nothing_changes(merged.change)) return;
  for (Swallowed& swallowed : merged.swallowed) swallowed.reason = Reason::no_net_effect;
  merged.ended = Reason::no_net_effect;
}

// One that only compares is no substitute for one that takes over what it finds.
void Merger::merge_refresh(Merged& merged) {
  if (doomed_) {
    merged.ended = Reason::nothing_to_read;
    return;
  }
  std::erase_if(refreshes_, [&](const Refresh& refresh) {
    if (merged.change.compare_only && !refresh.compare_only) return false;
    swallow(merged, refresh.number, Reason::newer_refresh);
    return true;
  });
}

// Whether the list is, as far as this movie goes, already what the change asks for, and stays so
// until its turn.
bool Merger::proves_nothing_changes(const Change& change) {
  if (clear_in_flight_ || clear_waits_ || movies_in_flight_.contains(change.movie_id)) return false;
  const bool wanted = change.type == OperationType::add_movie;
  if (confirmed_.existence == Existence::never) return !wanted;  // created or not, it is not there
  if (!movies_) movies_.emplace(confirmed_.movies.begin(), confirmed_.movies.end());
  const bool present = movies_->contains(change.movie_id);
  return wanted ? present : !present && confirmed_.complete;
}

}  // namespace spool::list_operations
