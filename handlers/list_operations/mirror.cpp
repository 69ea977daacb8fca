#include "handlers/list_operations/mirror.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace spool::list_operations {
namespace {

// The shown list while it is computed.
class Overlay {
 public:
  Overlay(const ListState& confirmed, std::size_t changes);

  void put(const Change& change);
  ShownList take();

 private:
  struct Slot {
    std::int32_t movie_id;
    ItemMark mark;
    bool confirmed;
    bool dropped;
  };

  void create(const Change& change);
  void update(const ListFields& fields);
  void add(std::int32_t movie_id);
  void remove(Slot& slot);

  ShownList shown_;
  std::vector<Slot> slots_;
  std::unordered_map<std::int32_t, std::size_t> slot_of_;
};

Overlay::Overlay(const ListState& confirmed, std::size_t changes) {
  shown_.existence = confirmed.existence;
  shown_.fields = confirmed.fields;
  shown_.complete = confirmed.complete;
  slots_.reserve(confirmed.movies.size() + changes);
  slot_of_.reserve(slots_.capacity());
  for (const std::int32_t movie : confirmed.movies) {
    slot_of_.emplace(movie, slots_.size());
    slots_.push_back({movie, ItemMark::settled, true, false});
  }
}

void Overlay::put(const Change& change) {
  if (change.type == OperationType::create_list) return create(change);
  if (!can_be_changed(shown_.existence) || shown_.mark == ListMark::deleting) return;
  switch (change.type) {
    case OperationType::create_list:
    case OperationType::refresh_list:
      return;
    case OperationType::update_list:
      return update(change.fields);
    case OperationType::delete_list:
      shown_.mark = ListMark::deleting;
      return;
    case OperationType::clear_list:
      for (Slot& slot : slots_) remove(slot);
      shown_.complete = true;
      return;
    case OperationType::add_movie:
      return add(change.movie_id);
    case OperationType::remove_movie:
      if (const auto found = slot_of_.find(change.movie_id); found != slot_of_.end())
        remove(slots_[found->second]);
      return;
  }
}

void Overlay::create(const Change& change) {
  if (shown_.existence != Existence::never) return;
  shown_.existence = Existence::exists;
  shown_.mark = ListMark::creating;
  shown_.fields = change.fields;
  shown_.complete = true;
}

void Overlay::update(const ListFields& fields) {
  shown_.fields.overlay(fields);
  shown_.pending.name |= fields.name.has_value();
  shown_.pending.description |= fields.description.has_value();
  shown_.pending.is_public |= fields.is_public.has_value();
  shown_.pending.language |= fields.language.has_value();
}

void Overlay::add(std::int32_t movie_id) {
  bool confirmed = false;
  if (const auto found = slot_of_.find(movie_id); found != slot_of_.end()) {
    Slot& slot = slots_[found->second];
    if (!slot.dropped && slot.mark != ItemMark::removing) return;
    // Whatever is added comes to the end, also what was there before.
    confirmed = slot.confirmed;
    slot.dropped = true;
  }
  slot_of_[movie_id] = slots_.size();
  slots_.push_back({movie_id, ItemMark::adding, confirmed, false});
}

void Overlay::remove(Slot& slot) {
  if (slot.confirmed) {
    slot.mark = ItemMark::removing;
  } else {
    slot.dropped = true;
  }
}

ShownList Overlay::take() {
  for (const Slot& slot : slots_) {
    if (!slot.dropped) shown_.items.push_back({slot.movie_id, slot.mark});
  }
  return std::move(shown_);
}

template <typename Value>
bool contradict(const std::optional<Value>& a, const std::optional<Value>& b) {
  return a && b && *a != *b;
}

bool is_there(const ListState& state) {
  return state.existence == Existence::exists;
}

}  // namespace

ShownList shown(const ListState& confirmed, std::span<const Change> unfinished) {
  Overlay overlay(confirmed, unfinished.size());
  for (const Change& change : unfinished) overlay.put(change);
  return overlay.take();
}

ListState rebased(const ListState& mirror, const ListState& fetched) {
  if (fetched.existence == Existence::unknown) return mirror;
  if (!is_there(fetched)) return {.existence = Existence::gone, .complete = true};
  ListState now{Existence::exists, mirror.fields, {}, fetched.complete};
  now.fields.overlay(fetched.fields);
  std::unordered_set<std::int32_t> there(fetched.movies.begin(), fetched.movies.end());
  for (const std::int32_t movie : mirror.movies) {
    // Where not all was read, what was not found may be there all the same.
    if (there.erase(movie) > 0 || !fetched.complete) now.movies.push_back(movie);
  }
  for (const std::int32_t movie : fetched.movies) {
    if (there.erase(movie) > 0) now.movies.push_back(movie);
  }
  return now;
}

Differences differences(const ListState& mirror, const ListState& fetched) {
  Differences found;
  if (mirror.existence == Existence::unknown || fetched.existence == Existence::unknown)
    return found;
  found.existence = is_there(mirror) != is_there(fetched);
  if (found.existence || !is_there(mirror)) return found;
  found.name = contradict(mirror.fields.name, fetched.fields.name);
  found.description = contradict(mirror.fields.description, fetched.fields.description);
  found.is_public = contradict(mirror.fields.is_public, fetched.fields.is_public);
  found.language = contradict(mirror.fields.language, fetched.fields.language);
  std::vector<std::int32_t> here = mirror.movies;
  std::vector<std::int32_t> there = fetched.movies;
  std::sort(here.begin(), here.end());
  std::sort(there.begin(), there.end());
  there.erase(std::unique(there.begin(), there.end()),
              there.end());  // pages move while they are read
  if (fetched.complete)
    std::set_difference(here.begin(), here.end(), there.begin(), there.end(),
                        std::back_inserter(found.only_in_mirror));
  if (mirror.complete)
    std::set_difference(there.begin(), there.end(), here.begin(), here.end(),
                        std::back_inserter(found.only_fetched));
  return found;
}

}  // namespace spool::list_operations
