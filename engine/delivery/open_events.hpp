// Rows of open_events: events of a lane that are neither applied nor dead. Written and read by the
// lane's owner only (rule 11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/delivery/held_keys.hpp"
#include "engine/delivery/order_key.hpp"
#include "engine/message/identity.hpp"
#include "engine/message/record_batch.hpp"
#include "engine/message/rejection.hpp"

namespace spool::delivery {

enum class OpenState : std::uint8_t {
  head,       // holds its key; acts when it is due
  parked,     // waits behind its key's head
  scheduled,  // not due yet, holds nobody
  dead,       // a dead head that goes on holding its key, by the handler's choice
};

// A row as it is.
struct OpenRow {
  std::int64_t number = 0;  // the order of a key's rows; per lane
  KeyHash key;
  OpenState state = OpenState::head;
  base::EpochMicros due = 0;
  bool called = false;  // it was scheduled, and its time has come, or an operator said so
  std::int32_t life = 0;
  std::int32_t attempts = 0;              // made so far in this life
  base::EpochMicros first_failed_at = 0;  // 0: never
  std::int64_t bytes = 0;                 // as the lane's bound counts them
  // Somebody may have begun to perform it, and has surely ended by then; 0: nobody has.
  base::EpochMicros doubt_until = 0;
  // Whose calls are counted together; known where it was looked at. Not stored.
  KeyHash group = {};
  std::int16_t priority = handler::kPriorityDefault;
};

// Rows with the records they keep, index by index; offset and timestamp are the original's.
struct OpenPage {
  message::RecordBatch records;
  std::vector<OpenRow> rows;
  std::vector<message::Identity> names;  // of read_rows() only
};

// An attempt that failed and will be made again: what its retry record says.
struct FailedOnce {
  message::Rejection why;
  std::size_t rung = 0;  // which of the handler's retry topics carries it
};

// A row to be written. The views point into the records of the batch.
struct OpenEvent {
  OpenRow row;
  std::string source;
  std::string id;
  std::string type;
  message::Record record;
  std::optional<FailedOnce> failed;  // then it leaves a retry record too
};

// A row whose attempt failed: it is its key's head, and due again.
struct Reschedule {
  OpenRow row;  // as it becomes
  std::string source;
  std::string id;
  message::Record record;
  FailedOnce failed;
};

// A scheduled row that has become due takes its place in the order.
struct Awakening {
  std::int64_t number = 0;
  std::int64_t new_number = 0;
  OpenState state = OpenState::head;
  KeyHash key;  // where admission has put it
  std::int16_t priority = handler::kPriorityDefault;
};

// A parked row that has become its key's head.
struct Promoted {
  std::int64_t number = 0;
  std::int16_t priority = handler::kPriorityDefault;
};

// A head that is begun, or that is not after all.
struct HeadMark {
  std::int64_t number = 0;
  base::EpochMicros due = 0;
  base::EpochMicros doubt_until = 0;
};

// A head or a parked event that is not due yet: it holds its key no longer.
struct Postponement {
  std::int64_t number = 0;
  std::int64_t new_number = 0;
  base::EpochMicros due = 0;
  KeyHash key;
};

// What holds a key, as the lane reads it when it is taken.
struct OpenSummary {
  std::vector<KeyChange> keys;
  std::int64_t events = 0;  // all rows but dead heads: the lane's counter `open`
  std::int64_t bytes = 0;
  std::int64_t next_number = 1;
  std::optional<base::EpochMicros> next_scheduled;
};

// How a transaction changes them, for the lane's memory.
struct OpenChange {
  std::vector<KeyChange> keys;
  std::int64_t bytes = 0;  // more than before
  std::int64_t next_number = 0;
  // The earliest event that is scheduled after this; only if the transaction looked at or added to
  // them.
  std::optional<base::EpochMicros> next_scheduled;
  bool scheduled_known = false;  // next_scheduled is the whole truth, not one more candidate
};

// A request to replay one life of a dead letter, as a record or an operator makes it.
struct ReplayRequest {
  std::string source;
  std::string id;
  std::int32_t life = 0;
};

// A dead letter as a replay finds it.
struct FoundLetter {
  base::Uuid id;
  std::string source;
  std::string event_id;
  KeyHash key;
  std::int32_t life = 0;
  bool open = false;  // may be replayed
  std::int64_t bytes = 0;
  std::int64_t held_by = -1;  // number of the dead head that it is, if it holds its key
};

// A dead letter that begins its next life as this row. held_by: it settles in place.
struct Revival {
  base::Uuid letter;
  std::int64_t number = 0;
  OpenState state = OpenState::head;
  base::EpochMicros due = 0;
  bool in_place = false;
};

}  // namespace spool::delivery
