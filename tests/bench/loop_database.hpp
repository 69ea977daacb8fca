// The loop's (progress_loop.cpp) one connection: the upsert of coalesced rows and the offsets, in
// one transaction that does not wait for the disk. Any failure ends the program. One thread.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/loop_events.hpp"

namespace spool::bench {

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "progress_loop: %s\n", why.c_str());
  std::_Exit(1);
}

// The statement of handlers/progress_events, so that the database does the same work for both.
#define NEWER                                                                          \
  "(excluded.updated_at, excluded.event_id, excluded.position_s, excluded.duration_s," \
  " coalesce(excluded.session_id, ''), coalesce(excluded.state, ''))"                  \
  " > (w.updated_at, w.event_id, w.position_s, w.duration_s,"                          \
  " coalesce(w.session_id, ''), coalesce(w.state, ''))"
#define NEWER_OF(column) \
#column " = case when " NEWER " then excluded." #column " else w." #column " end, "
#define TIME(column) "'epoch'::timestamptz + " #column " * interval '1 microsecond'"

inline constexpr const char* kUpsert =
    "insert into media.watch_progress as w"
    " (user_id, media_type, tmdb_id, season, episode, position_s, duration_s,"
    " updated_at, event_id, session_id, state, completed_at)"
    " select user_id, media_type, tmdb_id, season, episode, position_s, duration_s, "
    TIME(updated_us) ", event_id, session_id, state, " TIME(completed_us)
    " from unnest($1::bigint[], $2::text[], $3::integer[], $4::smallint[], $5::smallint[],"
    " $6::integer[], $7::integer[], $8::bigint[], $9::text[], $10::text[], $11::text[],"
    " $12::bigint[]) as event(user_id, media_type, tmdb_id, season, episode, position_s,"
    " duration_s, updated_us, event_id, session_id, state, completed_us)"
    " on conflict (user_id, media_type, tmdb_id, season, episode) do update set "
    NEWER_OF(position_s) NEWER_OF(duration_s) NEWER_OF(updated_at) NEWER_OF(event_id)
    NEWER_OF(session_id) NEWER_OF(state)
    "completed_at = least(w.completed_at, excluded.completed_at)"
    " where " NEWER " or excluded.completed_at < coalesce(w.completed_at, 'infinity')";

#undef NEWER
#undef NEWER_OF
#undef TIME

inline constexpr const char* kMove =
    "update bench.loop_offsets o set next_offset = n.next_offset"
    " from unnest($1::integer[], $2::bigint[]) as n (partition, next_offset)"
    " where o.partition = n.partition";

inline constexpr const char* kTable =
    "create schema if not exists bench;"
    "create table if not exists bench.loop_offsets (partition integer primary key,"
    " next_offset bigint not null, taken_at timestamptz not null default clock_timestamp())";

class Column {
 public:
  void clear() { text_.assign(1, '{'); }
  void add(std::int64_t number) {
    separate();
    std::array<char, 24> room{};
    text_.append(room.data(), std::to_chars(room.data(), room.data() + room.size(), number).ptr);
  }
  void add(std::string_view value) {
    separate();
    text_.push_back('"');
    for (const char c : value) {
      if (c == '"' || c == '\\') text_.push_back('\\');
      text_.push_back(c);
    }
    text_.push_back('"');
  }
  void add_null() {
    separate();
    text_ += "NULL";
  }
  const char* close() {
    text_.push_back('}');
    return text_.c_str();
  }

 private:
  void separate() {
    if (text_.size() > 1) text_.push_back(',');
  }
  std::string text_;
};

class Database {
 public:
  explicit Database(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) give_up(PQerrorMessage(connection_));
    run("set synchronous_commit = off; set client_min_messages = warning");
  }
  ~Database() { PQfinish(connection_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void prepare() {
    check(PQprepare(connection_, "upsert", kUpsert, 0, nullptr));
    check(PQprepare(connection_, "move", kMove, 0, nullptr));
  }

  void run(const char* sql) { check(PQexec(connection_, sql)); }

  std::int64_t take(int partition) {
    const std::string number = std::to_string(partition);
    const char* values[] = {number.c_str()};
    check(PQexecParams(connection_,
                       "insert into bench.loop_offsets values ($1, 0) on conflict do nothing", 1,
                       nullptr, values, nullptr, nullptr, 0));
    PGresult* rows =
        PQexecParams(connection_, "select next_offset from bench.loop_offsets where partition = $1",
                     1, nullptr, values, nullptr, nullptr, 0);
    if (PQntuples(rows) != 1) give_up(PQerrorMessage(connection_));
    const std::int64_t next = std::atoll(PQgetvalue(rows, 0, 0));
    PQclear(rows);
    return next;
  }

  void write(const std::vector<const Row*>& rows, const std::map<int, std::int64_t>& next) {
    run("begin");
    if (!rows.empty()) upsert(rows);
    Column partitions, offsets;
    partitions.clear();
    offsets.clear();
    for (const auto& [partition, offset] : next) {
      partitions.add(std::int64_t{partition});
      offsets.add(offset);
    }
    const char* values[] = {partitions.close(), offsets.close()};
    check(PQexecPrepared(connection_, "move", 2, values, nullptr, nullptr, 0));
    run("commit");
  }

 private:
  void upsert(const std::vector<const Row*>& rows) {
    for (Column& column : columns_) column.clear();
    auto& [user, media, tmdb, season, episode, position, duration, updated, id, session, state,
           completed] = columns_;
    for (const Row* row : rows) {
      user.add(row->user);
      media.add(row->tv ? "tv" : "movie");
      tmdb.add(row->tmdb);
      season.add(row->season);
      episode.add(row->episode);
      position.add(row->position_s);
      duration.add(row->duration_s);
      updated.add(row->updated_us);
      id.add(std::string_view(row->id));
      row->session.empty() ? session.add_null() : session.add(std::string_view(row->session));
      row->state.empty() ? state.add_null() : state.add(std::string_view(row->state));
      row->completed_us == kNever ? completed.add_null() : completed.add(row->completed_us);
    }
    std::array<const char*, 12> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = columns_[i].close();
    check(PQexecPrepared(connection_, "upsert", 12, values.data(), nullptr, nullptr, 0));
  }

  void check(PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      give_up(PQerrorMessage(connection_));
    PQclear(result);
  }

  PGconn* connection_;
  std::array<Column, 12> columns_;
};

}  // namespace spool::bench
