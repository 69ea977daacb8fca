#include "engine/store/pg_rate_slots.hpp"

#include <chrono>
#include <utility>

#include "engine/postgres/array_text.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using postgres::ArrayText;
using postgres::Params;
using postgres::Statement;

constexpr Statement kLease{
    "rate_lease",
    "select l.arrived_us, l.answered_us, l.next_us, g.begins, g.tokens"
    " from spool.lease_rate($1, $2, $3, $4, $5, $6, $7) l"
    " left join lateral unnest(l.begins, l.tokens) as g (begins, tokens) on true"};

}  // namespace

PgRateSlots::PgRateSlots(postgres::ConnectionSettings connection, std::string upstream,
                         const delivery::RatePolicy& policy)
    : settings_(std::move(connection)), upstream_(std::move(upstream)), policy_(policy) {}

PgRateSlots::~PgRateSlots() = default;

Result<delivery::RateLease> PgRateSlots::lease(const delivery::LeaseRequest& request) {
  auto open = connection();
  if (!open) return open.failure();
  ArrayText begins;
  ArrayText tokens;
  for (const delivery::RateSlot& unused : request.unused) {
    begins.add_int64(unused.begins);
    tokens.add_int64(unused.tokens);
  }
  delivery::RateLease lease;
  lease.sent = std::chrono::steady_clock::now();
  auto rows = (*open)->execute(
      kLease, Params::of(upstream_, policy_.requests, policy_.span().count(),
                         policy_.slot().count(), request.wanted, begins.text(), tokens.text()));
  lease.received = std::chrono::steady_clock::now();
  if (!rows) return rows.failure();
  lease.arrived = rows->int64(0, 0);
  lease.answered = rows->int64(0, 1);
  lease.next = rows->int64(0, 2);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (rows->optional_int64(i, 3)) lease.slots.push_back({rows->int64(i, 3), rows->int64(i, 4)});
  }
  return lease;
}

Result<postgres::Connection*> PgRateSlots::connection() {
  if (!connection_ || !connection_->usable()) {
    {
      const std::lock_guard lock(connection_mutex_);
      connection_.reset();
      if (closed_) return Failure(FailureKind::stopped, "the rate slots are closed");
    }
    auto opened = postgres::Connection::open(settings_);
    if (!opened) return opened.failure();
    const std::lock_guard lock(connection_mutex_);
    if (closed_) return Failure(FailureKind::stopped, "the rate slots are closed");
    connection_ = std::move(opened).value();
  }
  return connection_.get();
}

void PgRateSlots::interrupt(std::chrono::milliseconds limit) {
  const std::lock_guard lock(connection_mutex_);
  if (connection_) connection_->interrupt(limit);
}

void PgRateSlots::close() {
  const std::lock_guard lock(connection_mutex_);
  closed_ = true;
  if (connection_) connection_->sever();
}

}  // namespace spool::store
