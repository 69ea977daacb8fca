// Jobs about open events that run no handler: scheduled ones wake up, retry topics are settled,
// operators' commands are carried out. Each is one fenced transaction. Used by one executor.
#pragma once

#include "engine/base/result.hpp"
#include "engine/delivery/jobs.hpp"
#include "engine/delivery/open_book.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/route.hpp"

namespace spool::delivery {

class OpenRun {
 public:
  explicit OpenRun(Store& store) : store_(store) {}

  base::Result<Committed> run(const LaneId& lane, const AwakenJob& job, base::EpochMicros now);
  base::Result<Committed> run(const LaneId& lane, const CompanionsJob& job, const Route& route,
                              base::EpochMicros now);
  base::Result<Committed> run(const LaneId& lane, const CommandJob& job, const Route& route,
                              base::EpochMicros now);
  // The same for a command of that kind; `bounds` are those of the log at this moment.
  base::Result<Committed> accept_loss(const LaneId& lane, const CommandJob& job,
                                      const LogBounds& bounds);

 private:
  // `work` writes through the transaction and keeps the book.
  template <typename Work>
  base::Result<Committed> transact(const LaneId& lane, const Footing& footing,
                                   Durability durability, Work work);

  Store& store_;
};

}  // namespace spool::delivery
