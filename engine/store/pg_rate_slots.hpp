// Tokens of a limited service, leased from PostgreSQL: one round trip and one short transaction a
// lease, serialised by the service's row. By the database's clock. Has a connection of its own,
// opened with the first call and again with the first call after it broke; the call that finds it
// broken fails. Threads: see delivery::RateSlots.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "engine/delivery/rate_slots.hpp"
#include "engine/postgres/connection.hpp"

namespace spool::store {

class PgRateSlots : public delivery::RateSlots {
 public:
  PgRateSlots(postgres::ConnectionSettings connection, std::string upstream,
              const delivery::RatePolicy& policy);
  ~PgRateSlots() override;

  base::Result<delivery::RateLease> lease(const delivery::LeaseRequest& request) override;
  void interrupt(std::chrono::milliseconds limit) override;
  void close() override;

 private:
  base::Result<postgres::Connection*> connection();

  const postgres::ConnectionSettings settings_;
  const std::string upstream_;
  const delivery::RatePolicy policy_;
  bool closed_ = false;          // under the mutex
  std::mutex connection_mutex_;  // held to replace it, and by other threads
  std::unique_ptr<postgres::Connection> connection_;
};

}  // namespace spool::store
