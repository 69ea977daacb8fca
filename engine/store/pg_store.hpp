// The lanes in PostgreSQL. Owned and used by one database worker (one thread): it has one
// connection of its own, opened with the first call and again with the first call after it broke.
// The call that finds it broken fails with `unavailable` (`in_doubt` in a COMMIT) and so tells its
// caller.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/handler_switch.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/ledger_audit.hpp"
#include "engine/store/retention.hpp"

namespace spool::store {

// What the lanes of one handler have in common.
struct LaneContext {
  std::string handler;
  std::string topic;
  std::string dead_letter_topic;
  std::string group;
  std::string release;                         // of the program, for the headers of dead letters
  std::string owner;                           // this process, told from every other one
  std::vector<std::string> retry_topics = {};  // by rung
  std::string events_topic = {};               // where the end of a replay is told; empty: nowhere
};

struct PgStoreSettings {
  postgres::ConnectionSettings connection;
  std::chrono::milliseconds take_lock_timeout{500};  // while a frozen owner holds the row
  Retention retention;
};

struct OpenDeadLetters {
  std::string error_type;
  std::int64_t count = 0;
  base::EpochMicros oldest = 0;  // when it died
};

// Open events of one lane in one state that have failed equally often.
struct OpenEvents {
  delivery::LaneId lane;
  std::string state;
  std::int32_t attempts = 0;
  std::int64_t events = 0;
  std::int64_t bytes = 0;
  base::EpochMicros next_due = 0;  // 0: they wait for others
};

// What is on its way out, and the replays that have not ended: of all lanes together.
struct Backlog {
  std::int64_t outbox_waiting = 0;
  std::optional<base::EpochMicros> outbox_oldest;  // when it was written; empty: none waits
  std::int64_t outbox_refused = 0;
  std::int64_t replays_running = 0;
  std::int64_t replays_paused = 0;
};

class PgStore : public delivery::Store {
 public:
  PgStore(PgStoreSettings settings, const std::vector<LaneContext>& contexts);
  ~PgStore() override;

  base::Status admit(const delivery::LaneId& lane, const std::string& topic,
                     const delivery::LogBounds& bounds) override;

  // While another session holds the row: `slow`; if it has done so for longer than an owner may be
  // silent (idle_in_transaction_timeout), its session is ended.
  // Fails with `position` if the lane's row counts the offsets of another topic.
  base::Result<delivery::LaneState> take(const delivery::LaneId& lane, const std::string& topic,
                                         std::int64_t earliest,
                                         const delivery::Witness& witness) override;

  // The transaction must be gone before the next call.
  base::Result<std::unique_ptr<delivery::LaneTransaction>> begin(
      const delivery::LaneId& lane) override;

  base::Result<std::vector<delivery::ClaimSeen>> claims(
      std::span<const delivery::LaneId> lanes) override;

  base::Result<std::vector<delivery::OutboxRow>> outbox(const delivery::LaneId& lane,
                                                        std::size_t rows_max) override;

  // Only those that run; a rate is shared out evenly among a command's lanes.
  base::Result<std::vector<delivery::LaneCommand>> commands(
      std::span<const delivery::LaneId> lanes) override;

  // One of the claim's transactions: its sequence number grows by one.
  base::Status mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                            const std::string& reason, const std::string& detail) override;

  // For the metrics, of all lanes: what is open and dead by error type, what waits, what is to be
  // published and replayed. The last is a look through the batches of `window` or, without one,
  // all that are kept: seldom.
  base::Result<std::vector<OpenDeadLetters>> open_dead_letters(const std::string& handler);
  base::Result<std::vector<OpenEvents>> open_events();
  base::Result<Backlog> backlog();
  base::Result<LedgerReport> audit_ledger(
      std::optional<std::chrono::milliseconds> window = std::nullopt);

  // Waits until an operator has given a command, `wake_fd` is readable or `limit` has passed; while
  // the database is away, for the last two.
  base::Status wait_for_command(int wake_fd, std::chrono::milliseconds limit);

  // Any thread: ends a round trip that lasts longer than `limit`, see
  // postgres::Connection::interrupt().
  void interrupt(std::chrono::milliseconds limit);
  // Any thread, once: ends the call under way, whatever it waits for, and fails all that come.
  void close();

  // The database's clock.
  base::Result<base::EpochMicros> database_time();

  // What operators have decided of this worker's handlers; one that is not named runs.
  base::Result<std::vector<delivery::HandlerSwitch>> switches();
  // Says which of those decisions, by handler and version, this worker acts on. To be said again
  // and again: it tells that the worker lives.
  base::Status acknowledge(const std::map<std::string, std::int64_t>& versions);

  // Makes the inbox ready for the days to come and drops what is older than it remembers. Before
  // the first lane is taken, and at least once a day.
  base::Status keep_inbox();
  // Each removes at most `rows_max` rows of what is old enough: batches, dead letters (a tombstone
  // stays; those that hold their key stay), tombstones, ended commands, the audit log, what
  // workers that are gone have said. The most that one of them removed.
  base::Result<std::int64_t> prune(std::int64_t rows_max);

 private:
  base::Result<delivery::LaneState> try_take(const delivery::LaneId& lane, const std::string& topic,
                                             std::int64_t earliest,
                                             const delivery::Witness& witness);
  base::Result<postgres::Rows> execute(const postgres::Statement& statement,
                                       postgres::Params params = {});
  base::Result<postgres::Connection*> connection();
  const LaneContext& context(const std::string& handler) const;

  PgStoreSettings settings_;
  std::map<std::string, LaneContext, std::less<>> contexts_;
  bool listening_ = false;       // this connection hears of commands
  bool closed_ = false;          // under the mutex
  std::mutex connection_mutex_;  // held to replace it, and by other threads
  std::unique_ptr<postgres::Connection> connection_;
};

}  // namespace spool::store
