// What an event of the simulation is and what happens when it is run: a function of the event, the
// life, the attempt and the time only, so that what must become of it can be computed again. Its
// record carries its number; everything else is looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/message/error_type.hpp"
#include "engine/message/header_block.hpp"
#include "engine/message/identity.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::simulation {

inline constexpr const char* kSource = "/simulation";
inline constexpr const char* kService = "service";
inline constexpr base::EpochMicros kDatabaseTime = 1'767'323'045'000'000;

enum class Nature {
  healthy,
  no_id,         // cannot be read
  unknown_type,  // the engine refuses it
  rejected,      // by stage()
  refused,       // by the database
  throws,        // in apply()
  throws_early,  // in stage()
  transient,     // fails `fails` times in each life
  rate_limited,  // likewise, and says when to come again
  needs_service,
  needs_login,  // waits until `at`, without being charged
  slow,
  kills,        // in apply()
  kills_early,  // in stage()
  declined,     // by the service, for good
};

// Of the handler that performs: what admission makes of an event of a list.
enum class Manner {
  waits,
  swallows,  // ... and what waits there already need not be performed any more
  ends,      // at once
};

struct Plan {
  int number = 0;
  int key = 0;  // 0: none
  int finer = 0;
  int version = 0;
  Nature nature = Nature::healthy;
  Manner manner = Manner::waits;
  int heals = 1;  // from this life on nothing is wrong with it
  int fails = 0;
  int pause_ms = 0;           // of rate_limited
  base::EpochMicros at = 0;   // of needs_login
  base::EpochMicros due = 0;  // it is not to be applied before; 0: at once

  // Whether what is wrong with it is still wrong in this life.
  bool ails(std::int32_t life) const {
    const bool for_ever = nature == Nature::no_id || nature == Nature::unknown_type;
    return nature != Nature::healthy && (for_ever || life < heals);
  }
  bool scheduled() const { return due > 0; }
};

// What a run should end with. `service_down`: at that time.
struct Verdict {
  enum class Kind { applies, fails, dies, slow, kills } kind = Kind::applies;
  message::ErrorType type = message::ErrorType::other;
  std::optional<base::EpochMicros> not_before = {};
};
Verdict verdict(const Plan& plan, std::int32_t life, std::int32_t attempt, base::EpochMicros now,
                bool service_down);

// One offset of a log.
struct Entry {
  bool gap = false;  // a control record: no consumer sees it
  int serial = 0;    // of the record: no two share it
  int event = 0;     // number of its plan; copies of an event share it
  std::int64_t timestamp_ms = 0;
  message::Identity identity;
  // A copy of a dead letter that somebody published by hand: its life, and the record as it was.
  int asks = -1;
  message::OwnedHeaders headers;  // of a copy only
};

// A record with memory of its own.
struct Kept {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  message::OwnedHeaders headers;

  static Kept of(const message::Record& record);
  void append_to(message::RecordBatch& batch) const;
};

// The record of an entry, at its offset.
Kept record_of(const Entry& entry, const Plan& plan, std::int64_t offset);

// The serial that a record carries, in a header that copies keep.
int serial_of(const message::Record& record);
int event_of(std::string_view data);

}  // namespace spool::simulation
