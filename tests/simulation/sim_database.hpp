// PostgreSQL, as far as delivery can tell: the tables, and which of the committed transactions
// would survive a crash. Every write leaves its undoing; a rollback, a crash and a failover run it
// backwards. At most one transaction is open at a time, which is what the row lock of a lane
// amounts to.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "engine/message/identity.hpp"

namespace spool::simulation {

struct LaneRow {
  std::int64_t epoch = 0;
  delivery::Claim claim;
  std::int64_t start = 0;
  std::int64_t next = 0;
  std::int64_t last_offset = -1;
  std::int64_t last_timestamp_ms = -1;
  delivery::Counters counters;
  std::string stopped;
};

struct DeadRow {
  message::ErrorType type = message::ErrorType::schema_violation;
  std::int64_t transaction = 0;
};

struct OutboxEntry {
  message::Identity identity;
  std::string error;  // refused for good
};

// Everything that belongs to one lane.
struct LaneTables {
  std::optional<LaneRow> row;
  std::vector<int> ledger;    // numbers of the events, in the order of their effects
  std::set<int> ledger_ids;   // the unique index over it
  std::map<int, int> newest;  // the natural handler's: version by key
  std::multimap<message::Identity, DeadRow> dead;
  std::map<std::int64_t, OutboxEntry> outbox;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void committed(const delivery::LaneId& lane) = 0;
  virtual void taken(const delivery::LaneId& lane, std::int64_t epoch) = 0;
  virtual void fenced(const delivery::LaneId& lane, const delivery::Claim& shown,
                      const delivery::Claim& actual) = 0;
  virtual void failing_over() = 0;  // before anything durable is lost
  virtual void went_back() = 0;
};

class SimDatabase {
 public:
  using Undo = std::function<void(SimDatabase&)>;

  explicit SimDatabase(Observer& observer) : observer_(observer) {}

  LaneTables& tables(const delivery::LaneId& lane) { return tables_[lane]; }
  Observer& observer() { return observer_; }

  // One transaction. Its number is final only once it is committed; later ones have greater
  // numbers.
  std::int64_t begin();
  void on_undo(Undo undo) { open_.push_back(std::move(undo)); }
  std::size_t mark() const { return open_.size(); }
  void undo_to(std::size_t mark);
  void commit(bool durable);
  void abandon();  // rolls the open transaction back
  bool is_open(std::int64_t transaction) const { return open_number_ == transaction; }

  // Everything committed so far survives from now on.
  void flush() { durable_ = last_committed_; }
  bool is_durable(std::int64_t transaction) const { return transaction <= durable_; }

  void crash();
  // To a replica that is behind by up to `transactions`, also durable ones.
  void fail_over(std::size_t transactions);

  std::int64_t next_outbox_number() { return ++outbox_number_; }
  base::Uuid next_token();

 private:
  struct Committed {
    std::int64_t number = 0;
    std::vector<Undo> undo;
  };

  void undo(std::vector<Undo>& steps, std::size_t mark);
  void undo_newest();

  Observer& observer_;
  std::map<delivery::LaneId, LaneTables> tables_;
  std::vector<Undo> open_;
  std::int64_t open_number_ = 0;  // 0: none
  std::int64_t last_number_ = 0;
  std::int64_t last_committed_ = 0;
  std::int64_t durable_ = 0;
  std::deque<Committed> history_;
  std::int64_t outbox_number_ = 0;
  std::uint64_t tokens_ = 0;
};

}  // namespace spool::simulation
