// What operators ask for, page by page: which events are meant, and how far it has come.
#include <algorithm>

#include "engine/message/header_block.hpp"
#include "engine/store/event_filter_sql.hpp"
#include "engine/store/pg_lane_transaction.hpp"
#include "engine/store/row_columns.hpp"

namespace spool::store {
namespace {

using base::Result;
using base::Status;
using base::Uuid;
using delivery::CommandKind;
using postgres::ArrayText;
using postgres::Bytes;
using postgres::Params;
using postgres::Rows;
using postgres::Statement;

// The person of a filter apart from the rest: to look for one is to read every payload.
constexpr Statement kProgress{
    "command_progress",
    "select l.cursor_offset, l.cursor_id, l.cursor_number, c.filter - 'user', c.filter ->> 'user',"
    " c.filter ->> 'user_field'"
    " from spool.command_lanes l join spool.commands c on c.id = l.command_id"
    " where l.handler = $1 and l.partition = $2 and l.command_id = $3 and not l.finished"
    " for no key update of l"};
constexpr std::size_t kFilter = 3;
constexpr std::size_t kUser = 4;
constexpr std::size_t kUserField = 5;

// Lanes in the middle of a command do not wait for each other, whoever may be the last one does.
// An operator who pauses or cancels waits for the pages that are under way, and then there are
// none.
constexpr Statement kHoldShared{
    "command_hold_shared", "select state = 'running' from spool.commands where id = $1 for share"};
constexpr Statement kHold{"command_hold",
                          "select state = 'running' from spool.commands where id = $1"
                          " for no key update"};

// A page looks at so many candidates at most: one person among a million letters must not take
// longer than a statement may. The answer names the last of them also if none is meant.
constexpr std::size_t kExaminedMax = 5'000;

#define SPOOL_OF_USER(ROW) \
  "($4::text is null or spool.is_of_user(" ROW ".key, " ROW ".value, $4, $5::text)) as meant"

constexpr Statement kLetters{
    "command_letters",
    "with candidates as materialized (select d.id, d.source, d.event_id, d.order_key, d.life,"
    " d.state, d.erased, d.partition, d.record_offset, " SPOOL_LETTER_BYTES " as bytes,"
    " " SPOOL_OF_USER("d") ", row_number() over (order by d.record_offset, d.id) as place"
    " from spool.dead_letters d where d.handler = $1 and d.partition = $2 and not d.erased"
    " and d.state = any ($6::text[]) and (d.record_offset, d.id) > ($9::bigint, $10::uuid)"
    " and " SPOOL_LETTER_MATCHES("d", "$3::jsonb")
    " order by d.record_offset, d.id limit $8),"
    " page as (select * from candidates where meant order by place limit $7),"
    " last as (select place, record_offset, id from candidates order by place desc limit 1)"
    " select " SPOOL_LETTER_COLUMNS ", d.record_offset, last.place, last.record_offset, last.id"
    " from last left join page d on true" SPOOL_JOIN_HELD " order by d.place"};

constexpr Statement kRows{
    "command_rows",
    "with candidates as materialized (select o.number, o.order_key, o.state, o.due_at, o.life,"
    " o.attempts, o.first_failed_at, o.bytes, o.called, o.doubt_until, o.priority, o.source, o.event_id,"
    " " SPOOL_OF_USER("o") ", row_number() over (order by o.number) as place"
    " from spool.open_events o join spool.lanes l"
    " on l.handler = o.handler and l.partition = o.partition"
    " where o.handler = $1 and o.partition = $2 and o.state = any ($6::text[])"
    " and o.number > $9::bigint and " SPOOL_OPEN_MATCHES("o", "l", "$3::jsonb")
    " order by o.number limit $8),"
    " page as (select * from candidates where meant order by place limit $7),"
    " last as (select place, number from candidates order by place desc limit 1)"
    " select " SPOOL_OPEN_COLUMNS ", o.source, o.event_id, last.place, last.number"
    " from last left join page o on true order by o.place"};

#undef SPOOL_OF_USER

constexpr Statement kEraseOutbox{
    "command_erase_outbox",
    "delete from spool.outbox where handler = $1 and partition = $2 and (source, event_id) in"
    " (select source, event_id from unnest($3::text[], $4::text[]) as e (source, event_id))"};

constexpr Statement kFinishPage{
    "command_finish_page",
    "update spool.command_lanes set cursor_offset = coalesce($4::bigint, cursor_offset),"
    " cursor_id = coalesce($5::uuid, cursor_id),"
    " cursor_number = coalesce($6::bigint, cursor_number), done = done + $7,"
    " skipped = skipped + $8, finished = $9, updated_at = clock_timestamp()"
    " where handler = $1 and partition = $2 and command_id = $3"};

// By the last of the command's lanes.
constexpr Statement kFinish{
    "command_finish",
    "with finished as (update spool.commands c set state = 'finished',"
    " finished_at = clock_timestamp(), filter = c.filter - 'user'"  // nobody is named for longer
    " where c.id = $3 and c.state = 'running'"
    " and not exists (select 1 from spool.command_lanes l"
    " where l.command_id = c.id and not l.finished) returning c.*),"
    " summed as (select f.*, l.done, l.skipped from finished f cross join lateral"
    " (select sum(done)::bigint as done, sum(skipped)::bigint as skipped"
    " from spool.command_lanes where command_id = f.id) l),"
    " logged as (insert into spool.audit_log (actor, action, handler, subject, reason, detail)"
    " select actor, kind || '.finished', handler, id::text, reason,"
    " jsonb_build_object('matched', matched, 'done', done, 'skipped', skipped) from summed),"
    " told as (insert into spool.outbox (id, handler, partition, topic, key, value, headers)"
    " select $4::uuid, $1, $2::int, $5::text, convert_to(handler, 'UTF8'),"
    " convert_to(jsonb_build_object('replay_id', id, 'handler', handler, 'matched', matched,"
    " 'done', done, 'skipped', skipped, 'actor', actor, 'reason', reason, 'started_at', created_at,"
    " 'finished_at', finished_at)::text, 'UTF8'), $6::bytea"
    " from summed where kind = 'replay' and $5 <> '' on conflict (id) do nothing)"
    " select " SPOOL_DURABLE " from summed"};

constexpr const char* kFinishedType = "replay.finished.v1";

const char* letter_states(CommandKind kind) {
  switch (kind) {
    case CommandKind::replay:
    case CommandKind::discard:
      return "{open}";
    case CommandKind::restore:
      return "{discarded}";
    case CommandKind::erase:
      return "{open,replaying,resolved,discarded}";
    case CommandKind::retry_now:
    case CommandKind::cancel:
    case CommandKind::prioritize:
    case CommandKind::accept_loss:
      break;
  }
  return nullptr;
}

// A dead head belongs to its dead letter.
const char* row_states(CommandKind kind) {
  switch (kind) {
    case CommandKind::retry_now:
      return "{head,scheduled}";
    case CommandKind::cancel:
    case CommandKind::prioritize:
    case CommandKind::erase:
      return "{head,parked,scheduled}";
    case CommandKind::replay:
    case CommandKind::discard:
    case CommandKind::restore:
    case CommandKind::accept_loss:
      break;
  }
  return nullptr;
}

std::string finished_headers(const Uuid& command, base::EpochMicros now) {
  return message::pack_headers(message::OwnedHeaders{{"ce_id", base::to_string(command)},
                                                     {"ce_source", "spool"},
                                                     {"ce_type", kFinishedType},
                                                     {"ce_specversion", "1.0"},
                                                     {"ce_time", base::format_rfc3339(now)},
                                                     {"content-type", "application/json"}});
}

}  // namespace

// Where a lane stands with a command.
struct PgLaneTransaction::Progress {
  Rows row;

  // How many candidates a page of at most so many events looks at: one more than the page tells
  // whether there is another.
  std::size_t examined_max(std::size_t page_max) const {
    return std::max(page_max + 1, row.at(0, kUser) ? kExaminedMax : 0);
  }
  // $3 to $8 of kLetters and kRows.
  Params params(const char* states, std::size_t page_max) const {
    return Params::of(row.at(0, kFilter), row.at(0, kUser), row.at(0, kUserField), states,
                      page_max + 1, examined_max(page_max));
  }
};

Status PgLaneTransaction::read_letters(const Progress& progress, CommandKind kind,
                                       std::size_t page_max, delivery::CommandTargets& targets) {
  const char* states = letter_states(kind);
  if (states == nullptr) return {};
  Params params = progress.params(states, page_max);
  params.add(progress.row.int64(0, 0));
  params.add(progress.row.uuid(0, 1));
  auto rows = execute(kLetters, std::move(params));
  if (!rows) return rows.failure();
  if (rows->empty()) return {};
  const std::size_t found = rows->at(0, 0) ? rows->size() : 0;
  for (std::size_t i = 0; i < std::min(found, page_max); ++i) {
    targets.letters.push_back(read_letter(*rows, i));
    erased_.push_back({targets.letters.back().source, targets.letters.back().event_id});
    cursor_.offset = rows->int64(i, kLetterColumns);
    cursor_.letter = targets.letters.back().id;
  }
  if (found > page_max) {
    targets.more = true;
    return {};
  }
  const auto examined = static_cast<std::size_t>(rows->int64(0, kLetterColumns + 1));
  targets.more |= examined == progress.examined_max(page_max);
  cursor_.offset = rows->int64(0, kLetterColumns + 2);
  cursor_.letter = rows->uuid(0, kLetterColumns + 3);
  return {};
}

Status PgLaneTransaction::read_rows(const Progress& progress, CommandKind kind,
                                    std::size_t page_max, delivery::CommandTargets& targets) {
  const char* states = row_states(kind);
  if (states == nullptr) return {};
  Params params = progress.params(states, page_max);
  params.add(progress.row.int64(0, 2));
  auto rows = execute(kRows, std::move(params));
  if (!rows) return rows.failure();
  if (rows->empty()) return {};
  const std::size_t found = rows->at(0, 0) ? rows->size() : 0;
  for (std::size_t i = 0; i < std::min(found, page_max); ++i) {
    targets.rows.push_back(read_open_row(*rows, i));
    erased_.push_back({rows->text(i, kOpenColumns), rows->text(i, kOpenColumns + 1)});
    cursor_.number = targets.rows.back().number;
  }
  if (found > page_max) {
    targets.more = true;
    return {};
  }
  const auto examined = static_cast<std::size_t>(rows->int64(0, kOpenColumns + 2));
  targets.more |= examined == progress.examined_max(page_max);
  cursor_.number = rows->int64(0, kOpenColumns + 3);
  return {};
}

Status PgLaneTransaction::erase_outbox() {
  ArrayText sources;
  ArrayText ids;
  for (const message::Identity& event : erased_) {
    sources.add_text(event.source);
    ids.add_text(event.id);
  }
  auto rows = execute(kEraseOutbox, Params::of(sources.text(), ids.text()));
  if (!rows) return rows.failure();
  return {};
}

Result<delivery::CommandTargets> PgLaneTransaction::targets(const delivery::Command& command,
                                                            std::size_t page_max) {
  delivery::CommandTargets targets;
  cursor_ = {};
  erased_.clear();
  auto row = execute(kProgress, Params::of(command.id));
  if (!row) return row.failure();
  if (row->empty()) return targets;
  const Progress progress{*row};
  if (auto read = read_letters(progress, command.kind, page_max, targets); !read)
    return read.failure();
  const std::size_t room = page_max - targets.letters.size();
  if (auto read = read_rows(progress, command.kind, room, targets); !read) return read.failure();
  auto locked = transaction_->execute(targets.more ? kHoldShared : kHold, Params::of(command.id));
  if (!locked) return locked.failure();
  if (locked->empty() || !locked->boolean(0, 0)) return delivery::CommandTargets{};
  targets.live = true;
  if (command.kind == CommandKind::replay) replay_ = command.id;
  if (command.kind == CommandKind::erase && !erased_.empty()) {
    if (auto erased = erase_outbox(); !erased) return erased.failure();
  }
  return targets;
}

Status PgLaneTransaction::finish_page(const delivery::Command& command,
                                      const delivery::CommandCount& count, bool last) {
  auto moved = change(kFinishPage,
                      Params::of(command.id, cursor_.offset, cursor_.letter, cursor_.number,
                                 count.done, count.skipped, last),
                      1, "a command that is not the lane's");
  if (!moved || !last) return moved;
  const Uuid record = base::name_uuid("spool", base::to_string(command.id), "0", kFinishedType);
  const std::string headers = finished_headers(command.id, now_);
  return execute_sending(kFinish,
                         Params::of(command.id, record, context_.events_topic, Bytes{headers}));
}

}  // namespace spool::store
