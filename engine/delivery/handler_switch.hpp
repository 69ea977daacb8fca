// What operators have decided of a handler, as its row in the database says: whether it is paused,
// and until when. Paused means: what arrives is taken in as far as there is room, nothing has an
// effect. Of a handler that performs: everything goes on but its calls. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/time.hpp"

namespace spool::delivery {

struct HandlerSwitch {
  std::string handler;
  bool paused = false;
  std::optional<base::EpochMicros> until = {};  // a pause ends by itself; the database's clock
  std::int64_t version = 0;                     // one more with each decision; 0: there was none

  bool holds(base::EpochMicros now) const { return paused && (!until || now < *until); }
};

}  // namespace spool::delivery
