// What the moving of local lists reads and writes: media.list_migrations, list_migration_lists, the
// local lists, the operations that it asked for, and the mirror that they changed. On the duty's
// transaction and thread; the statements are set-based, for all migrations of one run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "handlers/local_lists/migration_step.hpp"

namespace spool::postgres {
class Transaction;
}

namespace spool::local_lists {

struct Migration {
  base::Uuid id = {};
  std::int32_t user = 0;
  MigrationState state = MigrationState::running;
  std::int32_t waiting = 0;
  bool logged_in = false;  // the user, at TMDB
};

struct WorkingMigrations {
  std::vector<Migration> migrations = {};
  std::int32_t waiting = 0;  // operations of all migrations whose users are logged in
};

// A page of a local list: what stands behind `after`.
struct PageOfMovies {
  base::Uuid list = {};
  std::int32_t after = 0;
  std::int32_t limit = 0;
};

class DutyStore {
 public:
  explicit DutyStore(postgres::Transaction& transaction) : transaction_(transaction) {}

  // Those that are under way with users who can be served, then the others, who waited longest
  // first; locked until the end.
  base::Result<WorkingMigrations> working(std::int32_t limit);

  // Of each migration those with something to do, those that were begun first; of the others a few.
  base::Result<std::vector<MigrationList>> lists(const std::vector<Migration>& migrations);

  // What became of operations of ours, by their ids.
  base::Result<std::map<std::string, Answer>> answers(const std::vector<std::string>& ids);

  // What was asked for and has not ended in front, by local list.
  base::Result<std::map<base::Uuid, std::vector<AskedMovie>>> asked(
      const std::vector<MigrationList>& lists);

  base::Result<std::map<base::Uuid, std::vector<NextMovie>>> next(
      const std::vector<PageOfMovies>& pages);

  // How TMDB's lists, as they were read last, differ from these; empty: not at all.
  base::Result<std::map<base::Uuid, std::string>> differences(const std::vector<MovedList>& lists);

  base::Result<std::int64_t> write(const std::vector<MigrationList>& lists);

  // How many lists of each are in which state.
  base::Result<std::map<base::Uuid, StateCounts>> counts(const std::vector<Migration>& migrations);
  base::Result<std::int64_t> write(const std::vector<Migration>& migrations);

 private:
  postgres::Transaction& transaction_;
};

}  // namespace spool::local_lists
