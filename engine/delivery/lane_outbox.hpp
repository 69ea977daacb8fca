// What a lane knows of its outbox: whether rows wait to be read, which are on their way to Kafka,
// and which answers are to be written down. Part of a lane, under its rules.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/delivery/backoff.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/ports.hpp"

namespace spool::delivery {

class LaneOutbox {
 public:
  // Pages that are not full are read at most every so often: what is written meanwhile goes with
  // them.
  LaneOutbox(std::chrono::milliseconds every, std::chrono::milliseconds wait_first,
             std::chrono::milliseconds wait_cap)
      : every_(every), backoff_(wait_first, wait_cap) {}

  void clear();
  void written() { waiting_ = true; }

  // All rows in hand are answered: written down before anything else is read.
  bool to_settle() const { return in_flight_ == 0 && !(published_.empty() && refused_.empty()); }
  bool to_read(Instant now) const {
    return waiting_ && in_flight_ == 0 && now >= not_before_ && now >= next_page_;
  }
  SettleOutboxJob settle(const Claim& claim);
  void unsettled(SettleOutboxJob job);

  // `full`: there may be more, looked for once this page is settled.
  void read(std::size_t rows, bool full, Instant now);
  void answered(std::int64_t number, const base::Status& outcome, Instant now);

  bool quiet() const {
    return in_flight_ == 0 && published_.empty() && refused_.empty() && !waiting_;
  }
  // Reading is due then; empty: nothing waits.
  std::optional<Instant> wake_at() const;
  std::size_t in_flight() const { return in_flight_; }

 private:
  bool waiting_ = false;
  Instant not_before_{};
  std::chrono::milliseconds every_;
  Instant next_page_{};
  Backoff backoff_;
  std::size_t in_flight_ = 0;
  std::vector<std::int64_t> published_;
  std::vector<RefusedRow> refused_;
};

}  // namespace spool::delivery
