// The mirror of a list at TMDB as its user sees it: the confirmed state with the unfinished
// operations on top, each marked as pending. Nothing optimistic is kept: an operation that fails or
// is called off is left out of the next computation, which is why rolling back is exact, also for
// what was built upon it. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "handlers/list_operations/list_state.hpp"

namespace spool::list_operations {

enum class ItemMark : std::uint8_t { settled, adding, removing };
enum class ListMark : std::uint8_t { settled, creating, deleting };

struct ShownItem {
  std::int32_t movie_id = 0;
  ItemMark mark = ItemMark::settled;
  friend bool operator==(const ShownItem&, const ShownItem&) = default;
};

// Which fields an unfinished update sets.
struct PendingFields {
  bool name = false;
  bool description = false;
  bool is_public = false;
  bool language = false;
  friend bool operator==(const PendingFields&, const PendingFields&) = default;
};

struct ShownList {
  Existence existence = Existence::unknown;  // `exists` while it is being created or deleted
  ListMark mark = ListMark::settled;
  ListFields fields = {};
  PendingFields pending = {};
  std::vector<ShownItem> items = {};  // in the order of adding, those to be removed in their places
  bool complete = false;
  friend bool operator==(const ShownList&, const ShownList&) = default;
};

// `unfinished`: waiting or begun, in their order, those due later at the end. On a list that is not
// there, or is being deleted, an operation shows nothing.
ShownList shown(const ListState& confirmed, std::span<const Change> unfinished);

// The confirmed state after a refresh, which no operation of the list runs beside: what was
// fetched, and what that leaves open. Movies that stay keep their places, others come behind them.
ListState rebased(const ListState& mirror, const ListState& fetched);

struct Differences {
  bool existence = false;
  bool name = false;
  bool description = false;
  bool is_public = false;
  bool language = false;
  std::vector<std::int32_t> only_in_mirror = {};  // ascending, as the next
  std::vector<std::int32_t> only_fetched = {};

  bool any() const {
    return existence || name || description || is_public || language || !only_in_mirror.empty() ||
           !only_fetched.empty();
  }
};

// Where two states of a list contradict each other; what one of them does not know is no
// difference, nor is the order of the movies. For lists without an operation in flight.
Differences differences(const ListState& mirror, const ListState& fetched);

}  // namespace spool::list_operations
