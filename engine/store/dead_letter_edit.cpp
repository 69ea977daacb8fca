#include "engine/store/dead_letter_edit.hpp"

#include <variant>

#include "engine/message/header_block.hpp"
#include "engine/postgres/array_text.hpp"

namespace spool::store {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using postgres::Bytes;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;
using postgres::Transaction;

constexpr Statement kRead{
    "dead_letter_edit_read",
    "select state, erased, handler, source, event_id, event_type, order_key, key, value, headers"
    " from spool.dead_letters where id = $1 for update"};

constexpr Statement kWrite{
    "dead_letter_edit_write",
    "update spool.dead_letters set value = $2::bytea, edited = true where id = $1"};

constexpr Statement kIsJson{"dead_letter_edit_json", "select $1::jsonb is null"};

constexpr Statement kMember{
    "dead_letter_edit_member",
    "select changed::text, changed #> $2::text[] is not distinct from $3::jsonb"
    " from jsonb_set($1::jsonb, $2::text[], $3::jsonb, true) changed"};

constexpr Statement kNote{"dead_letter_note",
                          "update spool.dead_letters set note = nullif($2::text, '') where id = $1"
                          " returning handler"};

// A payload as the reader wants it: with bytes behind it that may be read.
std::string readable(const std::string& payload) {
  std::string copy = payload;
  copy.append(message::kReadAheadBytes, '\0');
  return copy;
}

// The letter with the new payload must be the same event.
Status same_event(const Rows& letter, const PayloadEdit& edit) {
  auto headers = message::unpack_headers(letter.bytes(0, 9).value_or(""));
  if (!headers) return headers.failure();
  std::vector<message::Header> views;
  for (const auto& [name, value] : *headers) views.push_back({name, value});
  const std::optional<std::string> key = letter.bytes(0, 7);
  const std::string payload = readable(edit.after);
  message::Record record;
  if (key) record.key = *key;
  record.value = std::string_view(payload).substr(0, edit.after.size());
  record.headers = views;
  message::EnvelopeReader reader;
  const auto read = reader.read(record);
  if (const auto* none = std::get_if<message::NotAnEvent>(&read)) {
    return Failure(FailureKind::invalid,
                   "with this payload the record is no event: " + none->why.message());
  }
  const auto& event = std::get<message::Event>(read);
  if (event.source != letter.text(0, 3) || event.id != letter.text(0, 4))
    return Failure(FailureKind::invalid,
                   "with this payload it would be another event (source and id): publish it anew "
                   "and discard this one");
  const std::string type = letter.text(0, 5);
  if (!type.empty() && event.type != type)
    return Failure(FailureKind::invalid, "an edit cannot change the event's type");
  if (edit.order_key && edit.order_key(key.value_or(""), event) != letter.uuid(0, 6))
    return Failure(FailureKind::invalid,
                   "an edit cannot change the key by which events are ordered");
  return {};
}

// The letter, locked, if the edit may be made.
Result<Rows> editable(Transaction& transaction, const PayloadEdit& edit) {
  auto rows = transaction.execute(kRead, Params::of(edit.id));
  if (!rows) return rows;
  const std::string id = base::to_string(edit.id);
  if (rows->empty()) return Failure(FailureKind::not_found, "there is no dead letter " + id);
  if (rows->boolean(0, 1))
    return Failure(FailureKind::conflict, "the payload of " + id + " was erased");
  if (const std::string state = rows->text(0, 0); state != "open")
    return Failure(FailureKind::conflict,
                   "dead letter " + id + " is " + state + "; only an open one can be edited");
  if (rows->bytes(0, 8) != edit.before)
    return Failure(FailureKind::conflict,
                   "somebody has edited " + id + " meanwhile: look at it again");
  if (auto same = same_event(*rows, edit); !same) return same.failure();
  return rows;
}

}  // namespace

Status edit_payload(postgres::Connection& connection, const PayloadEdit& edit,
                    const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  Transaction& transaction = **begun;
  const auto letter = editable(transaction, edit);
  if (!letter) return letter.failure();
  auto written = transaction.execute(kWrite, Params::of(edit.id, Bytes{edit.after}));
  if (!written) return written.failure();
  const std::string bytes =
      "{\"bytes_before\": " + std::to_string(edit.before ? edit.before->size() : 0) +
      ", \"bytes_after\": " + std::to_string(edit.after.size()) + "}";
  if (auto logged =
          write_audit(transaction, who,
                      {"dead_letter.edit", letter->text(0, 2), base::to_string(edit.id), bytes});
      !logged)
    return logged;
  return transaction.commit();
}

Status check_edit(postgres::Connection& connection, const PayloadEdit& edit) {
  auto begun = connection.begin();
  if (!begun) return begun.failure();
  const auto letter = editable(**begun, edit);
  return letter ? Status() : Status(letter.failure());
}

Result<std::string> with_members(postgres::Connection& connection, const std::string& document,
                                 const std::vector<MemberEdit>& members) {
  const auto no_json = [](const Failure& why, const std::string& what) {
    if (why.kind != FailureKind::bad_data) return why;
    return Failure(FailureKind::invalid, what + " is no JSON that PostgreSQL can keep");
  };
  if (auto read = connection.execute(kIsJson, Params::of(document)); !read)
    return no_json(read.failure(), "the payload");
  std::string changed = document;
  for (const MemberEdit& member : members) {
    std::string name;
    postgres::ArrayText path;
    for (const std::string& part : member.path) {
      name += (name.empty() ? "" : ".") + part;
      path.add_text(part);
    }
    auto rows = connection.execute(kMember, Params::of(changed, path.text(), member.json));
    if (!rows) return no_json(rows.failure(), "the value for " + name);
    if (!rows->boolean(0, 1))
      return Failure(FailureKind::invalid, "the payload has nothing that could hold " + name);
    changed = rows->text(0, 0);
  }
  return changed;
}

Status set_note(postgres::Connection& connection, const base::Uuid& id, const std::string& note,
                const Operator& who) {
  auto begun = begin_durable(connection);
  if (!begun) return begun.failure();
  auto rows = (*begun)->execute(kNote, Params::of(id, note));
  if (!rows) return rows.failure();
  if (rows->empty())
    return Failure(FailureKind::not_found, "there is no dead letter " + base::to_string(id));
  if (auto logged =
          write_audit(**begun, who, {"dead_letter.note", rows->text(0, 0), base::to_string(id)});
      !logged)
    return logged;
  return (*begun)->commit();
}

}  // namespace spool::store
