// De-duplication and merging of the operations of one list. Only what has never begun is touched,
// and only what was admitted earlier gives way to what comes later. Operations whose time has not
// come take no part: they are merged when they come due, as the newest. What is merged leaves the
// list with the fields and the set of movies that the whole sequence would have left; the order of
// the movies is that of the calls that are made. Reading a list has no part in it: what is merged
// is the same with and without. Pure; a Merger belongs to one thread, and n operations cost O(n +
// items).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "handlers/list_operations/list_state.hpp"

namespace spool::list_operations {

// Why an operation is completed without a call.
enum class Reason : std::uint8_t {
  newer_for_movie,   // a later one adds or removes the same movie
  merged_in_update,  // its fields go out with a later update
  cleared,           // the list is cleared behind it
  list_deleted,      // the list is deleted behind it
  no_net_effect,     // it and the later one leave the list as it is
  never_created,     // the list is deleted before its creation has begun
  duplicate_create,  // the list of this ref is, or was, created by another
  newer_refresh,     // a later one reads the list
  nothing_to_read,   // the list is gone, or will be
};

// For people.
std::string_view to_string(Reason reason);

// An operation that waited and gives way to the new one.
struct Swallowed {
  std::size_t number = 0;
  Reason reason = Reason::newer_for_movie;
  friend bool operator==(const Swallowed&, const Swallowed&) = default;
};

struct Merged {
  std::size_t number = 0;                 // the new operation's
  Change change;                          // what it is to do now
  std::optional<Reason> ended = {};       // there is nothing left for it to do
  std::vector<Swallowed> swallowed = {};  // by ascending number
  // The list was never created and never will be: its existence is `gone` from now on.
  bool list_over = false;
};

class Merger {
 public:
  // `confirmed` must outlive the merger. `in_flight`: begun at least once and not ended, in order;
  // all of them come before `waiting`, which are numbered 0, 1, ... in their order.
  Merger(const ListState& confirmed, std::span<const Change> in_flight,
         std::span<const Change> waiting);

  // Takes the next operation behind the waiting ones; its number is the next one.
  Merged admit(Change change);

 private:
  // One that waits for its turn.
  struct Entry {
    OperationType type;
    bool waits;
    std::size_t previous;  // the earlier one that waits for the same movie, or kNone
  };
  struct Update {
    std::size_t number;
    ListFields fields;
  };

  struct Refresh {
    std::size_t number;
    bool compare_only;
  };

  void note_in_flight(const Change& change);
  void keep(const Change& change);
  void seal();
  void swallow(Merged& merged, std::size_t number, Reason reason);
  // Swallows what waits for a movie; whether the opposite of `type` was among it.
  bool swallow_chain(Merged& merged, std::size_t newest, OperationType type, Reason reason);
  void merge_create(Merged& merged);
  void merge_update(Merged& merged);
  void merge_delete(Merged& merged);
  void merge_clear(Merged& merged);
  void merge_movie(Merged& merged);
  void merge_refresh(Merged& merged);
  bool proves_nothing_changes(const Change& change);

  const ListState& confirmed_;
  std::vector<Entry> entries_;
  // What a later operation may be merged with.
  std::unordered_map<std::int32_t, std::size_t> newest_by_movie_;
  std::vector<Update> updates_;
  std::vector<Refresh> refreshes_;
  std::size_t undeleted_ = 0;  // no earlier one waits: a delete has swallowed them

  bool doomed_ = false;  // behind a delete: will fail, and is left alone
  bool over_ = false;    // create and delete have vanished together
  bool create_in_flight_ = false;
  bool create_waits_ = false;
  bool clear_in_flight_ = false;
  bool clear_waits_ = false;
  std::unordered_set<std::int32_t> movies_in_flight_;
  std::optional<std::unordered_set<std::int32_t>> movies_;  // confirmed_.movies, once asked for
};

}  // namespace spool::list_operations
