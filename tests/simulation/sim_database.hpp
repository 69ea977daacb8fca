// PostgreSQL, as far as delivery can tell: the tables, and which of the committed transactions
// would survive a crash. Every write leaves its undoing; a rollback, a crash and a failover run it
// backwards. At most one transaction is open at a time, which is what the row lock of a lane
// amounts to.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "tests/simulation/process.hpp"
#include "tests/simulation/sim_tables.hpp"

namespace spool::simulation {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void committed(const delivery::LaneId& lane) = 0;
  virtual void taken(const delivery::LaneId& lane, std::int64_t epoch) = 0;
  virtual void fenced(const delivery::LaneId& lane, const delivery::Claim& shown,
                      const delivery::Claim& actual) = 0;
  virtual void failing_over() = 0;  // before anything durable is lost
  virtual void went_back() = 0;
  virtual void settled(const delivery::LaneId& lane, const HeadsBefore& before,
                       const Settling& settling) = 0;
};

class SimDatabase {
 public:
  using Undo = std::function<void(SimDatabase&)>;

  explicit SimDatabase(Observer& observer) : observer_(observer) {}

  LaneTables& tables(const delivery::LaneId& lane) { return tables_[lane]; }
  const LaneTables& tables(const delivery::LaneId& lane) const { return tables_.at(lane); }
  std::vector<CommandRow>& commands() { return commands_; }
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
  bool busy() const { return open_number_ != 0; }
  std::int64_t newest() const { return last_number_; }

  // Changes that undo themselves.
  void add_deed(const delivery::LaneId& lane, Deed deed);
  void keep_open(const delivery::LaneId& lane, std::int64_t number);  // before it changes
  void keep_call(const delivery::LaneId& lane, const message::Identity& identity);
  void keep_dead(const delivery::LaneId& lane, const message::Identity& identity);
  void keep_command(std::size_t index);
  void keep_row(const delivery::LaneId& lane);
  void add_outbox(const delivery::LaneId& lane, OutboxEntry entry);

  // Everything committed so far survives from now on.
  void flush() { durable_ = last_committed_; }
  bool is_durable(std::int64_t transaction) const { return transaction <= durable_; }

  void crash();
  // To a replica that is behind by up to `transactions`, also durable ones; by less, if what it
  // shows is `far_enough`.
  void fail_over(std::size_t transactions, const std::function<bool()>& far_enough);

  base::Uuid next_token();

  // Its clock, the only one that counts.
  base::EpochMicros time = kDatabaseTime;

 private:
  struct Committed {
    std::int64_t number = 0;
    std::vector<Undo> undo;
  };

  void undo(std::vector<Undo>& steps, std::size_t mark);
  void undo_newest();

  Observer& observer_;
  std::map<delivery::LaneId, LaneTables> tables_;
  std::vector<CommandRow> commands_;
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
