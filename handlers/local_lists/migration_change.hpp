// What people decide about the moving of local lists: consent, start, going on, taking it back.
// Each is a part of the caller's durable transaction, with its row in the audit log; the duty does
// the rest. Asked for twice it changes nothing the second time. Fails with `conflict` when
// something speaks against it, with `not_found`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "engine/store/audit_log.hpp"
#include "handlers/local_lists/migration_state.hpp"

namespace spool::local_lists {

struct ChangedMigration {
  base::Uuid id = {};
  std::int32_t user = 0;
  MigrationState state = MigrationState::consented;
  bool changed = false;
};

// The user wants it.
base::Result<ChangedMigration> consent_migration(postgres::Transaction& transaction,
                                                 std::int32_t user, const store::Operator& who);

// Of a user who has consented; one that failed goes on where it was.
base::Result<ChangedMigration> start_migration(postgres::Transaction& transaction,
                                               std::int32_t user, const store::Operator& who);

// The user's newest, or the one of this id.
base::Result<ChangedMigration> roll_migration_back(postgres::Transaction& transaction,
                                                   std::optional<std::int32_t> user,
                                                   const std::optional<base::Uuid>& id,
                                                   const store::Operator& who);

// Users who have consented and whose migration nobody has started, behind `after`.
base::Result<std::vector<std::int32_t>> consented_users(postgres::Connection& connection,
                                                        std::int32_t after, std::int64_t limit);

}  // namespace spool::local_lists
