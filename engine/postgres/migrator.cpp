#include "engine/postgres/migrator.hpp"

#include <algorithm>
#include <map>

namespace spool::postgres {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

constexpr const char* kBootstrap =
    "set client_min_messages = warning;"
    "create schema if not exists spool;"
    "create table if not exists spool.schema_migrations ("
    " line text not null, version int not null, title text not null, checksum text not null,"
    " applied_at timestamptz not null default clock_timestamp(), took_ms bigint not null,"
    " primary key (line, version));"
    "reset client_min_messages";

// "spool" in ASCII: no other program's advisory lock in this database is likely to be the same.
constexpr Statement kLock{"migrator_lock", "select pg_advisory_lock(495891738476)"};
constexpr Statement kUnlock{"migrator_unlock", "select pg_advisory_unlock(495891738476)"};
constexpr Statement kHolder{
    "migrator_holder",
    "select a.pid, a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid"
    " where l.locktype = 'advisory' and l.granted and l.objsubid = 1"
    " and (l.classid::bigint << 32 | l.objid::bigint) = 495891738476"};
constexpr Statement kSetLockTimeout{"migrator_lock_timeout",
                                    "select set_config('lock_timeout', $1, false)"};
constexpr Statement kHasTable{"migrator_has_table",
                              "select to_regclass('spool.schema_migrations') is not null"};
constexpr Statement kApplied{
    "migrator_applied",
    "select line, version, title, checksum, took_ms,"
    " to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    " from spool.schema_migrations order by line, version"};
constexpr Statement kRecord{
    "migrator_record",
    "insert into spool.schema_migrations (line, version, title, checksum, took_ms)"
    " values ($1, $2, $3, $4,"
    " (extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000)::bigint)"
    " returning took_ms"};
constexpr Statement kForget{
    "migrator_forget",
    "delete from spool.schema_migrations where line = $1 and version = $2"
    " returning (extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000)::bigint"};

std::string name_of(const std::string& line, int version, const std::string& title) {
  return line + "/" + std::to_string(version) + " " + title;
}

Failure about(const Migration& migration, const Failure& failure) {
  return {failure.kind,
          name_of(migration.line, migration.version, migration.title) + ": " + failure.text,
          failure.sqlstate};
}

std::map<std::string, int> highest_applied(const std::vector<MigrationStatus>& all) {
  std::map<std::string, int> highest;
  for (const MigrationStatus& one : all) {
    int& version = highest[one.line];
    if (one.applied_at) version = std::max(version, one.version);
  }
  return highest;
}

}  // namespace

Migrator::Migrator(Connection& connection, std::vector<Migration> migrations,
                   std::chrono::milliseconds lock_deadline)
    : connection_(connection), migrations_(std::move(migrations)), lock_deadline_(lock_deadline) {}

Result<std::vector<MigrationStatus>> Migrator::applied() {
  auto table = connection_.execute(kHasTable);
  if (!table) return table.failure();
  std::vector<MigrationStatus> all;
  if (!table->boolean(0, 0)) return all;
  auto rows = connection_.execute(kApplied);
  if (!rows) return rows.failure();
  for (std::size_t i = 0; i < rows->size(); ++i) {
    all.push_back({rows->text(i, 0), rows->int32(i, 1), rows->text(i, 2), false, rows->text(i, 5),
                   rows->text(i, 3), rows->int64(i, 4)});
  }
  return all;
}

Result<std::vector<MigrationStatus>> Migrator::status() {
  auto done = applied();
  if (!done) return done;
  std::vector<MigrationStatus> all;
  for (const Migration& migration : migrations_) {
    MigrationStatus one{migration.line, migration.version, migration.title, true, {}, {}, 0};
    const auto found = std::find_if(done->begin(), done->end(), [&](const MigrationStatus& had) {
      return had.line == migration.line && had.version == migration.version;
    });
    if (found != done->end()) {
      one.applied_at = found->applied_at;
      one.applied_checksum = found->applied_checksum;
      one.took_ms = found->took_ms;
      found->known = true;
    }
    all.push_back(std::move(one));
  }
  for (MigrationStatus& unknown : *done) {
    if (!unknown.known) all.push_back(std::move(unknown));
  }
  return all;
}

Failure Migrator::lock_refused(const Failure& failure) {
  if (failure.kind != FailureKind::slow) return failure;
  auto rows = connection_.execute(kHolder);
  if (!rows) return rows.failure();
  std::string text = "another migration is running";
  if (!rows->empty()) {
    text += ": pid " + rows->text(0, 0) + " (" + rows->text(0, 1) + ") holds the migration lock";
  }
  return {FailureKind::slow, std::move(text), failure.sqlstate};
}

Status Migrator::lock() {
  auto set = connection_.execute(kSetLockTimeout,
                                 Params::of(std::to_string(lock_deadline_.count()) + "ms"));
  if (!set) return set.failure();
  auto locked = connection_.execute(kLock);
  Status reset = connection_.execute_script("reset lock_timeout");
  if (!locked) return lock_refused(locked.failure());
  return reset;
}

Status Migrator::unlock() {
  auto unlocked = connection_.execute(kUnlock);
  return unlocked ? Status{} : Status{unlocked.failure()};
}

Result<std::int64_t> Migrator::apply(const Migration& migration) {
  auto transaction = connection_.begin();
  if (!transaction) return transaction.failure();
  Transaction& open = **transaction;
  if (Status s = open.execute_script("set local synchronous_commit = on"); !s) return s.failure();
  if (Status s = open.execute_script(migration.up); !s) return about(migration, s.failure());
  auto row = open.execute(
      kRecord, Params::of(migration.line, migration.version, migration.title, migration.checksum));
  if (!row) return about(migration, row.failure());
  if (Status s = open.commit(); !s) return about(migration, s.failure());
  return row->int64(0, 0);
}

Result<std::int64_t> Migrator::revert(const Migration& migration) {
  auto transaction = connection_.begin();
  if (!transaction) return transaction.failure();
  Transaction& open = **transaction;
  if (Status s = open.execute_script("set local synchronous_commit = on"); !s) return s.failure();
  // The row first: the way down of the first migration may take the whole schema with it.
  auto row = open.execute(kForget, Params::of(migration.line, migration.version));
  if (!row) return about(migration, row.failure());
  if (Status s = open.execute_script(migration.down); !s) return about(migration, s.failure());
  if (Status s = open.commit(); !s) return about(migration, s.failure());
  return row->empty() ? 0 : row->int64(0, 0);
}

Result<std::vector<MigrationStep>> Migrator::run_up(const MigrateUp& request) {
  if (!request.dry_run) {
    if (Status s = connection_.execute_script(kBootstrap); !s) return s.failure();
  }
  auto all = status();
  if (!all) return all.failure();
  std::vector<MigrationStep> steps;
  for (std::size_t i = 0; i < migrations_.size(); ++i) {
    const Migration& migration = migrations_[i];
    if ((*all)[i].applied_at) continue;
    if (!request.line.empty() && migration.line != request.line) continue;
    if (request.to && migration.version > *request.to) continue;
    if (request.steps && steps.size() >= static_cast<std::size_t>(std::max(0, *request.steps)))
      break;
    std::int64_t took_ms = 0;
    if (!request.dry_run) {
      auto applied = apply(migration);
      if (!applied) return applied.failure();
      took_ms = *applied;
    }
    steps.push_back({migration.line, migration.version, migration.title, migration.up, took_ms});
  }
  return steps;
}

Result<std::vector<MigrationStep>> Migrator::run_down(const MigrateDown& request) {
  auto all = status();
  if (!all) return all.failure();
  std::vector<MigrationStep> steps;
  const int newest = highest_applied(*all)[request.line];
  for (int version = newest; version > std::max(0, newest - request.steps); --version) {
    const auto found = std::find_if(
        migrations_.begin(), migrations_.end(),
        [&](const Migration& one) { return one.line == request.line && one.version == version; });
    if (found == migrations_.end()) {
      return Failure(FailureKind::invalid, "this program does not know " + request.line + "/" +
                                               std::to_string(version) +
                                               ": use the version that applied it");
    }
    std::int64_t took_ms = 0;
    if (!request.dry_run) {
      auto reverted = revert(*found);
      if (!reverted) return reverted.failure();
      took_ms = *reverted;
    }
    steps.push_back({found->line, version, found->title, found->down, took_ms});
  }
  return steps;
}

Result<std::vector<MigrationStep>> Migrator::up(const MigrateUp& request) {
  if (request.dry_run) return run_up(request);
  if (Status s = lock(); !s) return s.failure();
  auto steps = run_up(request);
  const Status unlocked = unlock();
  if (steps && !unlocked) return unlocked.failure();
  return steps;
}

Result<std::vector<MigrationStep>> Migrator::down(const MigrateDown& request) {
  if (request.dry_run) return run_down(request);
  if (Status s = lock(); !s) return s.failure();
  auto steps = run_down(request);
  const Status unlocked = unlock();
  if (steps && !unlocked) return unlocked.failure();
  return steps;
}

Result<std::vector<std::string>> Migrator::validate() {
  auto all = status();
  if (!all) return all.failure();
  auto highest = highest_applied(*all);
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < all->size(); ++i) {
    const MigrationStatus& one = (*all)[i];
    const std::string name = name_of(one.line, one.version, one.title);
    if (!one.known) {
      problems.push_back(name + " is applied, but unknown to this program");
    } else if (!one.applied_at) {
      if (one.version < highest[one.line]) {
        problems.push_back(name + " is not applied, but a later one is");
      }
    } else if (one.applied_checksum != migrations_[i].checksum) {
      problems.push_back(name + " was changed after it had been applied");
    }
  }
  return problems;
}

Status Migrator::compatibility() {
  auto all = status();
  if (!all) return all.failure();
  std::map<std::string, int> known;
  for (const Migration& migration : migrations_) {
    known[migration.line] = std::max(known[migration.line], migration.version);
  }
  for (const auto& [line, version] : highest_applied(*all)) {
    if (version < known[line]) {
      return Failure(FailureKind::schema, "the schema " + line + " is at version " +
                                              std::to_string(version) + ", this program needs " +
                                              std::to_string(known[line]) +
                                              "; run: spool migrate up");
    }
    if (known.at(line) > 0 && version > known[line] + 1) {
      return Failure(FailureKind::schema, "the schema " + line + " is at version " +
                                              std::to_string(version) + ", this program knows " +
                                              std::to_string(known[line]) +
                                              " and runs on one more: upgrade the worker");
    }
  }
  return {};
}

}  // namespace spool::postgres
