// Which dead letters and open events an operator means. The same words for looking and for acting:
// filter_json() is what spool.commands keeps, and what the statements of this folder read. Pure,
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"

namespace spool::store {

struct EventFilter {
  std::optional<std::string> handler = {};
  std::vector<base::Uuid> ids = {};       // of dead letters; empty: any
  std::optional<std::string> error = {};  // of the error type; '*' stands for anything
  std::optional<std::string> topic = {};  // of dead letters, as the one below
  std::optional<std::string> fingerprint = {};
  std::optional<std::string> key = {};  // the whole key of the record
  std::optional<std::string> event_type = {};
  std::optional<std::string> source = {};
  std::optional<std::string> state = {};
  // Dead (or open) since this time or longer.
  std::optional<base::EpochMicros> older_than = {};
  // What came later is not meant.
  std::optional<base::EpochMicros> until = {};
  // A member of the payload and its value; both or none.
  std::optional<std::string> user_field = {};
  std::optional<std::string> user = {};
  // Open events: of one partition, and which of them.
  std::optional<std::int32_t> partition = {};
  std::vector<std::int64_t> numbers = {};
};

// All but the handler, as one JSON object. Its texts are valid UTF-8.
std::string filter_json(const EventFilter& filter);

// The same for the audit log, where nobody is named: of a user only user_mark() stands there.
std::string audit_json(const EventFilter& filter);

// The same user has the same mark; it cannot be turned back, only compared.
std::string user_mark(const std::string& user);

}  // namespace spool::store
