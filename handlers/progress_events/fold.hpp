// Coalescing: of all the events of a batch about one item (user, media, season, episode) only one
// row is written. Pure; the result depends neither on the order of the events nor on where a batch
// was cut, which is why the order of two events is total: by updated_at, then by the bytes of the
// id, then by what they say. A Fold keeps its memory from batch to batch; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "handlers/progress_events/staged_events.hpp"

namespace spool::progress_events {

struct FoldedRow {
  std::size_t newest = 0;  // the staged event that wins
  // updated_at of the earliest event that completed the item: remembered when a later one rewinds.
  std::optional<base::EpochMicros> completed_at;
};

struct Folded {
  std::span<const FoldedRow> rows;  // ascending by item: lanes that meet lock in one order
  std::int64_t duplicates = 0;      // the same (updated_at, id, source) once more
};

class Fold {
 public:
  // Folds the staged events [first, last). The rows live until the next call.
  Folded fold(const StagedEvents& events, std::size_t first, std::size_t last,
              int completed_percent);

 private:
  // Sorted by plain numbers; the texts are looked at only where these are equal.
  struct Entry {
    std::int64_t user_id;
    std::uint64_t item;
    base::EpochMicros updated_at;
    std::size_t index;
  };

  std::vector<Entry> entries_;
  std::vector<FoldedRow> rows_;
};

}  // namespace spool::progress_events
