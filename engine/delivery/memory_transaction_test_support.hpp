// One transaction of MemoryStore: works on a copy of its tables, checks what the core asks of it,
// and checks the tables before they become the store's.
#pragma once

#include <vector>

#include "engine/delivery/memory_store_test_support.hpp"

namespace spool::delivery::test {

class MemoryTransaction final : public LaneTransaction {
 public:
  explicit MemoryTransaction(MemoryStore& store) : store_(store), mine_(store.tables) {}

  base::Status fence(const Claim& claim, const Advance* step) override;
  base::Status advance(const Advance& step) override;
  base::Status restart(std::int64_t from, std::int64_t to) override;
  base::Result<handler::ApplyCounts> apply(handler::Batch& batch, std::size_t first,
                                           std::size_t last) override;
  base::Status savepoint() override;
  base::Status rollback_to_savepoint() override;
  base::Status release_savepoint() override;

  base::Result<std::vector<bool>> bury(std::span<const DeadLetter> letters) override;
  base::Status tell(std::span<const Telling> tellings) override;
  base::Status open(std::span<const OpenEvent> events) override;
  base::Status reschedule(std::span<const Reschedule> heads) override;
  base::Status close(std::span<const std::int64_t> numbers) override;
  base::Status block(std::span<const std::int64_t> numbers) override;
  base::Result<std::vector<Promoted>> promote(std::span<const KeyHash> keys,
                                              base::EpochMicros due) override;
  base::Result<OpenPage> read_open(std::span<const HeadRef> heads, std::size_t events_max,
                                   std::size_t bytes_max) override;
  base::Result<std::vector<OpenRow>> read_scheduled(base::EpochMicros due,
                                                    std::size_t rows_max) override;
  base::Status awaken(std::span<const Awakening> rows) override;
  base::Status postpone(std::span<const Postponement> rows) override;
  base::Result<std::optional<base::EpochMicros>> next_scheduled() override;
  base::Result<OpenPage> read_rows(std::span<const std::int64_t> numbers) override;
  base::Result<std::vector<OpenRow>> find_open(std::span<const message::Identity> events) override;
  base::Status mark(std::span<const HeadMark> heads) override;
  base::Result<handler::Opened> open_calls(const handler::PerformThenSettle& way,
                                           std::span<const handler::Turn> turns) override;
  base::Result<handler::SettledRows> settle_calls(
      const handler::PerformThenSettle& way, std::span<const handler::Settling> settlings) override;

  base::Result<std::vector<bool>> seen(std::span<const message::Identity> events) override;
  base::Status remember(std::span<const message::Identity> events) override;

  base::Result<std::vector<FoundLetter>> find_letters(
      std::span<const ReplayRequest> requests) override;
  base::Status revive(std::span<const Revival> revivals) override;

  base::Result<CommandTargets> targets(const Command&, std::size_t) override;
  base::Status settle_letters(const Command& command, std::span<const base::Uuid> letters) override;
  base::Status hasten(std::span<const std::int64_t> numbers, base::EpochMicros due) override;
  base::Status prioritize(std::span<const std::int64_t> numbers, std::int16_t priority) override;
  base::Status finish_page(const Command&, const CommandCount& count, bool last) override;

  base::Status suspect(const Suspicion& suspicion) override;
  base::Status move_companions(const std::map<std::string, std::int64_t>& next) override;
  base::Status let_go() override;
  base::Status allow(std::chrono::milliseconds limit) override;
  base::Status settle_outbox(std::span<const std::int64_t> published,
                             std::span<const RefusedRow>) override;
  base::Status commit(Durability durability) override;

 private:
  void move(const Advance& step);
  bool bury(const DeadLetter& letter);
  void resolve(const KeptRow& ended);
  KeptLetter& letter(const KeptRow& kept) { return mine_.letters.at({kept.source, kept.id}); }
  void leave(Leaving leaving) { mine_.outbox.emplace(mine_.outbox_next++, std::move(leaving)); }

  MemoryStore& store_;
  Tables mine_;
  std::vector<Tables> saved_;
  bool marked_ = false;
};

}  // namespace spool::delivery::test
