// What a person may change of a dead letter: its payload, and a note on it. Never its key, headers
// or identity: order and recognition hang on them. Each call is one durable transaction with its
// audit row, on the caller's connection and thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "engine/message/envelope.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/audit_log.hpp"

namespace spool::store {

struct PayloadEdit {
  base::Uuid id;
  std::optional<std::string> before;  // the payload that the person saw
  std::string after;
  // Of a handler that orders events by more than the Kafka key: the hash of an event's order key,
  // from that and the event. Empty: the payload says nothing of the order.
  std::function<base::Uuid(std::string_view key, const message::Event& event)> order_key = {};
};

// Fails with `not_found`; with `conflict` if the letter is not open, was erased, or has another
// payload than `before` by now; with `invalid` if the new payload is no event, or another one.
base::Status edit_payload(postgres::Connection& connection, const PayloadEdit& edit,
                          const Operator& who);
// The same without the change: whether it would be made.
base::Status check_edit(postgres::Connection& connection, const PayloadEdit& edit);

struct MemberEdit {
  std::vector<std::string> path;
  std::string json;
};

// The JSON document with these members set, one after the other. Fails with `invalid` if the
// document or a value is no JSON, or if there is no object to hold the member.
base::Result<std::string> with_members(postgres::Connection& connection,
                                       const std::string& document,
                                       const std::vector<MemberEdit>& members);

// An empty note is none. Fails with `not_found`.
base::Status set_note(postgres::Connection& connection, const base::Uuid& id,
                      const std::string& note, const Operator& who);

}  // namespace spool::store
