#include "engine/postgres/migration.hpp"

#include <map>

#include <gtest/gtest.h>

namespace spool::postgres {
namespace {

TEST(Migration, ChecksumIsSha256OfTheWayUp) {
  EXPECT_EQ(make_migration("spool", 1, "a", "abc", "other").checksum,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(EmbeddedMigrations, EachLineCountsFromOneWithoutGapsInOrder) {
  std::map<std::string, int> last;
  std::string line;
  for (const Migration& migration : embedded_migrations()) {
    EXPECT_EQ(migration.version, ++last[migration.line]) << migration.line;
    if (migration.line != line) {
      EXPECT_EQ(migration.version, 1) << "line " << migration.line << " is not in one piece";
    }
    line = migration.line;
    EXPECT_FALSE(migration.up.empty());
    EXPECT_FALSE(migration.down.empty());
  }
  EXPECT_GE(last["spool"], 1);
  EXPECT_EQ(embedded_migrations().front().line, "spool");
}

}  // namespace
}  // namespace spool::postgres
