// The lanes in PostgreSQL. Owned and used by one database worker (one thread): it has one
// connection of its own, opened with the first call and again with the first call after it broke.
// The call that finds it broken fails with `unavailable` (`in_doubt` in a COMMIT) and so tells its
// caller.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/delivery/ports.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

// What the lanes of one handler have in common.
struct LaneContext {
  std::string handler;
  std::string topic;
  std::string dead_letter_topic;
  std::string group;
  std::string release;  // of the program, for the headers of dead letters
  std::string owner;    // host and process, for operators
};

struct PgStoreSettings {
  postgres::ConnectionSettings connection;
  std::chrono::milliseconds take_lock_timeout{500};  // while a frozen owner holds the row
  std::chrono::hours batches_kept{24};
};

struct OpenDeadLetters {
  std::string error_type;
  std::int64_t count = 0;
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
                                         std::int64_t earliest) override;

  // The transaction must be gone before the next call.
  base::Result<std::unique_ptr<delivery::LaneTransaction>> begin(
      const delivery::LaneId& lane) override;

  base::Result<std::vector<delivery::ClaimSeen>> claims(
      std::span<const delivery::LaneId> lanes) override;

  base::Result<std::vector<delivery::OutboxRow>> outbox(const delivery::LaneId& lane,
                                                        std::size_t rows_max) override;

  // One of the claim's transactions: its sequence number grows by one.
  base::Status mark_stopped(const delivery::LaneId& lane, const delivery::Claim& claim,
                            const std::string& reason, const std::string& detail) override;

  // For the metrics: what is open by error type, and how much waits to be published, of all lanes.
  base::Result<std::vector<OpenDeadLetters>> open_dead_letters(const std::string& handler);
  base::Result<std::int64_t> outbox_waiting();

  // Any thread: ends a round trip that lasts longer than `limit`, see
  // postgres::Connection::interrupt().
  void interrupt(std::chrono::milliseconds limit);
  // Any thread, once: ends the call under way, whatever it waits for, and fails all that come.
  void close();

  // The database's clock.
  base::Result<base::EpochMicros> database_time();

  // Deletes at most `rows_max` rows of lane_batches that are old enough; how many it were.
  base::Result<std::int64_t> prune(std::int64_t rows_max);

 private:
  base::Result<delivery::LaneState> try_take(const delivery::LaneId& lane, const std::string& topic,
                                             std::int64_t earliest);
  base::Result<postgres::Connection*> connection();
  const LaneContext& context(const std::string& handler) const;

  PgStoreSettings settings_;
  std::map<std::string, LaneContext, std::less<>> contexts_;
  bool closed_ = false;          // under the mutex
  std::mutex connection_mutex_;  // held to replace it, and by other threads
  std::unique_ptr<postgres::Connection> connection_;
};

}  // namespace spool::store
