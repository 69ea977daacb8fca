// Inside of this folder only: one transaction of one lane over one of PostgreSQL. The usual way of
// a batch is four round trips: BEGIN, fence with advance, the handler's statement, COMMIT. What
// fails costs one statement a call, whatever the number of events. Told in several files:
// pg_lane_transaction (the lane itself), pg_open_events, pg_inbox, pg_dead_letters, pg_commands.
#pragma once

#include <memory>
#include <optional>

#include "engine/delivery/dead_letter.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/transaction.hpp"
#include "engine/store/pg_store.hpp"

namespace spool::store {

base::Failure fenced(const delivery::LaneId& lane);

class PgLaneTransaction : public delivery::LaneTransaction {
 public:
  PgLaneTransaction(std::unique_ptr<postgres::Transaction> transaction, delivery::LaneId lane,
                    const LaneContext& context);

  base::Status fence(const delivery::Claim& claim, const delivery::Advance* advance) override;
  base::Status advance(const delivery::Advance& advance) override;
  base::Status restart(std::int64_t from, std::int64_t to) override;
  base::Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                           std::size_t last) override;
  base::Status savepoint() override;
  base::Status rollback_to_savepoint() override;
  base::Status release_savepoint() override;

  base::Result<std::vector<bool>> bury(std::span<const delivery::DeadLetter> letters) override;

  base::Status tell(std::span<const delivery::Telling> tellings) override;
  base::Status open(std::span<const delivery::OpenEvent> events) override;
  base::Status reschedule(std::span<const delivery::Reschedule> heads) override;
  // A later life that ends here without having died again resolves its dead letter.
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

  base::Result<std::vector<bool>> seen(std::span<const message::Identity> events) override;
  base::Status remember(std::span<const message::Identity> events) override;

  // Letters of other lanes are found, but not open: only their own lane may replay them.
  base::Result<std::vector<delivery::FoundLetter>> find_letters(
      std::span<const delivery::ReplayRequest> requests) override;
  base::Status revive(std::span<const delivery::Revival> revivals) override;

  // What an erasure is about leaves the outbox at once: it must not be published any more.
  base::Result<delivery::CommandTargets> targets(const delivery::Command& command,
                                                 std::size_t page_max) override;
  base::Status settle_letters(const delivery::Command& command,
                              std::span<const base::Uuid> letters) override;
  base::Status hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) override;
  base::Status prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) override;
  // After targets() of the same command.
  base::Status finish_page(const delivery::Command& command, const delivery::CommandCount& count,
                           bool last) override;

  base::Status suspect(const delivery::Suspicion& suspicion) override;
  base::Status move_companions(const std::map<std::string, std::int64_t>& next) override;
  base::Status let_go() override;
  base::Status allow(std::chrono::milliseconds limit) override;

  base::Status settle_outbox(std::span<const std::int64_t> published,
                             std::span<const delivery::RefusedRow> refused) override;
  base::Status commit(delivery::Durability durability) override;

 private:
  // How far the page of a command has come.
  struct Cursor {
    std::optional<std::int64_t> offset;
    std::optional<base::Uuid> letter;
    std::optional<std::int64_t> number;
  };

  base::Status step(const postgres::Statement& statement, postgres::Params params);
  base::Status move(const delivery::Claim& claim, const postgres::Statement& statement,
                    const delivery::Advance& advance);
  // A statement of the lane, with its handler and partition as $1 and $2, and `params` from $3 on.
  base::Result<postgres::Rows> execute(const postgres::Statement& statement,
                                       postgres::Params params = {});
  // The same for one that answers with a row when it has written to the outbox.
  base::Status execute_sending(const postgres::Statement& statement, postgres::Params params);
  // The same for a plain update or delete of `expected` rows.
  base::Status change(const postgres::Statement& statement, postgres::Params params,
                      std::size_t expected, const char* what);
  delivery::Sender sender() const;

  struct Progress;  // of a command in this lane
  base::Status read_letters(const Progress& progress, delivery::CommandKind kind,
                            std::size_t page_max, delivery::CommandTargets& targets);
  base::Status read_rows(const Progress& progress, delivery::CommandKind kind, std::size_t page_max,
                         delivery::CommandTargets& targets);
  base::Status erase_outbox();

  std::unique_ptr<postgres::Transaction> transaction_;
  delivery::LaneId lane_;
  const LaneContext& context_;
  std::optional<delivery::Claim> owned_;  // the claim as this transaction left it
  base::EpochMicros now_ = 0;             // the transaction's time, known from the fence
  bool durable_ = false;                  // synchronous_commit is on already
  std::optional<base::Uuid> replay_;      // the command that revives, if one does
  Cursor cursor_;
  std::vector<message::Identity> erased_;  // what the page of an erasure is about
};

}  // namespace spool::store
