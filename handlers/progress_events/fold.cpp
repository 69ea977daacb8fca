#include "handlers/progress_events/fold.hpp"

#include <algorithm>
#include <tuple>

namespace spool::progress_events {
namespace {

// (media, tmdb id, season, episode) in 1 + 31 + 15 + 15 bits, in the order of the table's key.
std::uint64_t packed_item(const Progress& progress) {
  return static_cast<std::uint64_t>(progress.media_type) << 61U |
         static_cast<std::uint64_t>(progress.tmdb_id) << 30U |
         static_cast<std::uint64_t>(progress.season) << 15U |
         static_cast<std::uint64_t>(progress.episode);
}

// Whether `a` says something greater than `b`; asked only when time and id are equal.
bool greater_content(const StagedEvents& events, std::size_t a, std::size_t b) {
  const auto content = [&](std::size_t index) {
    const Progress& p = events.progress(index);
    return std::tuple(p.position_s, p.duration_s, events.session_id(index), p.state);
  };
  return content(a) > content(b);
}

}  // namespace

Folded Fold::fold(const StagedEvents& events, std::size_t first, std::size_t last,
                  int completed_percent) {
  entries_.clear();
  rows_.clear();
  for (std::size_t i = first; i < last; ++i) {
    const Progress& progress = events.progress(i);
    entries_.push_back({progress.user_id, packed_item(progress), progress.updated_at, i});
  }
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    if (a.user_id != b.user_id) return a.user_id < b.user_id;
    if (a.item != b.item) return a.item < b.item;
    if (a.updated_at != b.updated_at) return a.updated_at < b.updated_at;
    if (const int order = events.id(a.index).compare(events.id(b.index)); order != 0)
      return order < 0;
    return events.source(a.index) < events.source(b.index);
  });

  Folded folded;
  const Entry* previous = nullptr;
  for (const Entry& entry : entries_) {
    const Progress& progress = events.progress(entry.index);
    const bool same_item =
        previous != nullptr && previous->user_id == entry.user_id && previous->item == entry.item;
    if (!same_item) rows_.push_back({entry.index, std::nullopt});
    FoldedRow& row = rows_.back();
    // Ascending by time: the first to complete is the earliest.
    if (!row.completed_at && completes(progress, completed_percent))
      row.completed_at = progress.updated_at;
    if (same_item) {
      const bool same_id = previous->updated_at == entry.updated_at &&
                           events.id(previous->index) == events.id(entry.index);
      if (same_id && events.source(previous->index) == events.source(entry.index))
        ++folded.duplicates;
      if (!same_id || greater_content(events, entry.index, row.newest)) row.newest = entry.index;
    }
    previous = &entry;
  }
  folded.rows = rows_;
  return folded;
}

}  // namespace spool::progress_events
