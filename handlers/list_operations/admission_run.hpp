// One batch of operations in its transaction: duplicates are told apart, every other one is given
// its list and merged there, in the order of the batch, and the rows are written. One Merger for
// each list. Used once, by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/handler/perform.hpp"
#include "handlers/list_operations/admission.hpp"
#include "handlers/list_operations/admission_store.hpp"
#include "handlers/list_operations/merge.hpp"

namespace spool::list_operations {

class AdmissionRun {
 public:
  // `first`: the number of the first of them among the staged.
  AdmissionRun(postgres::Transaction& transaction, std::span<const StagedOperation> staged,
               std::size_t first);

  base::Result<handler::Admitted> run();

 private:
  // An operation that may be swallowed: of this batch, or one that waited before.
  struct Candidate {
    bool of_batch = false;
    std::size_t index = 0;  // in staged_, or in waiting_
  };
  struct List {
    const ListRow* row = nullptr;
    ListState confirmed = {};
    std::vector<Change> in_flight = {};
    std::vector<Change> waiting = {};
    std::vector<Candidate> candidates = {};  // by the merger's numbers
    std::unique_ptr<Merger> merger = {};
    bool in_doubt = false;  // some operation of the batch is
    bool unsure = false;    // what the mirror says of it may be older than what was done
  };
  // A staged operation that is to be written.
  struct Entry {
    const ListRow* row = nullptr;  // null: nothing is written
    base::Uuid id = {};
    std::optional<KnownRow> before = {};  // as it was when it is admitted again
    Change change = {};
    std::int32_t priority = kPriorityDefault;
    std::string reason = {};  // not empty: it has ended
  };

  base::Status sort_out();
  bool comes_again(std::size_t index, const KnownRow& row);
  base::Status find_lists();
  void take_merged(Entry& entry);
  base::Status load_lists();
  static void forget_what_is_unsure(List& list);
  static bool gives_way(const List& list, const Change& change);
  void merge();
  void merge(std::size_t index, List& list);
  base::Status write();
  bool waits_for_time(std::size_t index) const { return staged_[index].due != 0; }
  void tell_ended(std::size_t index);

  AdmissionStore store_;
  std::span<const StagedOperation> staged_;
  std::size_t first_;
  handler::Admitted admitted_;
  std::vector<Entry> entries_;          // index by index
  std::vector<std::size_t> newcomers_;  // those that are no duplicates
  std::set<base::Uuid> again_;          // rows that are admitted again
  std::map<ListName, ListRow> lists_by_name_;
  std::map<std::int64_t, List> lists_;
  std::vector<WaitingRow> waiting_;
  AdmissionRows rows_;
  ChangedLists changed_;
};

}  // namespace spool::list_operations
