// One lane's transaction over the simulated database. Like PostgreSQL's, it does nothing more after
// a failed statement until a savepoint is rolled back to. What it writes about open events and dead
// letters is in sim_transaction_open.cpp and sim_transaction_letters.cpp.
#pragma once

#include "tests/simulation/sim_store.hpp"

namespace spool::simulation {

class SimTransaction : public delivery::LaneTransaction {
 public:
  SimTransaction(delivery::LaneId lane, SimDatabase& database, SimBroker& broker, Faults& faults,
                 Process& process);
  ~SimTransaction() override;
  SimTransaction(const SimTransaction&) = delete;
  SimTransaction& operator=(const SimTransaction&) = delete;

  base::Status fence(const delivery::Claim& claim, const delivery::Advance* advance) override;
  base::Status advance(const delivery::Advance& advance) override;
  base::Status restart(std::int64_t from, std::int64_t to) override;
  base::Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                           std::size_t last) override;
  base::Status savepoint() override;
  base::Status rollback_to_savepoint() override;
  base::Status release_savepoint() override;
  base::Status commit(delivery::Durability durability) override;

  base::Status tell(std::span<const delivery::Telling> tellings) override;
  base::Status open(std::span<const delivery::OpenEvent> events) override;
  base::Status reschedule(std::span<const delivery::Reschedule> heads) override;
  base::Status close(std::span<const std::int64_t> numbers) override;
  base::Status block(std::span<const std::int64_t> numbers) override;
  base::Result<std::vector<delivery::Promoted>> promote(std::span<const delivery::KeyHash> keys,
                                                        base::EpochMicros due) override;
  base::Result<delivery::OpenPage> read_open(std::span<const delivery::HeadRef> heads,
                                             std::size_t events_max,
                                             std::size_t bytes_max) override;
  base::Result<std::vector<delivery::OpenRow>> read_scheduled(base::EpochMicros due,
                                                              std::size_t rows_max) override;
  base::Status awaken(std::span<const delivery::Awakening> rows) override;
  base::Status postpone(std::span<const delivery::Postponement> rows) override;
  base::Result<std::optional<base::EpochMicros>> next_scheduled() override;
  base::Result<delivery::OpenPage> read_rows(std::span<const std::int64_t> numbers) override;
  base::Result<std::vector<delivery::OpenRow>> find_open(
      std::span<const message::Identity> events) override;
  base::Status mark(std::span<const delivery::HeadMark> heads) override;
  base::Result<handler::Opened> open_calls(const handler::PerformThenSettle& way,
                                           std::span<const handler::Turn> turns) override;
  base::Result<handler::SettledRows> settle_calls(
      const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) override;
  base::Status hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) override;
  base::Status prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) override;

  base::Result<std::vector<bool>> seen(std::span<const message::Identity> events) override;
  base::Status remember(std::span<const message::Identity> events) override;
  base::Result<std::vector<bool>> bury(std::span<const delivery::DeadLetter> letters) override;
  base::Result<std::vector<delivery::FoundLetter>> find_letters(
      std::span<const delivery::ReplayRequest> requests) override;
  base::Status revive(std::span<const delivery::Revival> revivals) override;

  base::Result<delivery::CommandTargets> targets(const delivery::Command& command,
                                                 std::size_t page_max) override;
  base::Status settle_letters(const delivery::Command& command,
                              std::span<const base::Uuid> letters) override;
  base::Status finish_page(const delivery::Command& command, const delivery::CommandCount& count,
                           bool last) override;

  base::Status suspect(const delivery::Suspicion& suspicion) override;
  base::Status move_companions(const std::map<std::string, std::int64_t>& next) override;
  base::Status let_go() override;
  base::Status allow(std::chrono::milliseconds limit) override;
  base::Status settle_outbox(std::span<const std::int64_t> published,
                             std::span<const delivery::RefusedRow> refused) override;

 private:
  std::optional<base::Failure> trouble(bool own_statement);
  LaneTables& tables() { return database_.tables(lane_); }
  void move(const delivery::Advance& advance);
  void count(const delivery::Advance& advance);
  void overwrite_count(const delivery::Suspicion& before);
  base::Status commit_in_doubt(bool really, bool durable);
  void commit_now(bool durable);
  void failed(const OpenKept& kept, const delivery::FailedOnce& why, bool charged);
  void write_later();
  void announce_retry(const OpenKept& kept, const delivery::FailedOnce& why);
  void announce_death(const delivery::DeadLetter& letter);
  bool bury_one(const delivery::DeadLetter& letter);
  delivery::FoundLetter found(const message::Identity& identity, const DeadRow& row);
  DeadRow* letter_of(const base::Uuid& id, message::Identity& identity);
  void page_letters(const CommandRow& row, const CommandRow::Progress& from, std::size_t page_max,
                    delivery::CommandTargets& page);
  void page_rows(const CommandRow& row, const CommandRow::Progress& from, std::size_t page_max,
                 delivery::CommandTargets& page);

  delivery::LaneId lane_;
  SimDatabase& database_;
  SimBroker& broker_;
  Faults& faults_;
  Process& process_;
  std::int64_t number_;
  bool aborted_ = false;
  bool marks_ = false;   // a mark is among what it writes
  bool clears_ = false;  // ... or the end of one
  bool leaves_ = false;  // ... or a row of the outbox
  bool begins_ = false;  // ... or a marker of a call
  std::int64_t revived_ = 0;
  std::vector<std::size_t> savepoints_;
  std::optional<delivery::Advance> position_later_;  // only with Plant::position_outside
  std::optional<delivery::Advance> counters_later_;  // only with Plant::counters_outside
  std::vector<handler::Settling> settlings_later_;   // only with Plant::settled_outside
  const handler::PerformThenSettle* way_ = nullptr;
  std::set<message::Identity> buried_;
  HeadsBefore read_;  // by read_rows(), as they were
  // Of a command's page.
  std::size_t command_ = 0;
  std::optional<CommandRow::Progress> reached_;
  bool cancels_ = false;
};

}  // namespace spool::simulation
