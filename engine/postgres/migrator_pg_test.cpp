#include "engine/postgres/migrator.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/pg_database.hpp"

namespace spool::postgres {
namespace {

using base::FailureKind;
using std::chrono::milliseconds;

class MigratorPg : public testing::Test {
 protected:
  static std::vector<Migration> migrations(int count) {
    std::vector<Migration> all;
    for (int version = 1; version <= count; ++version) {
      const std::string table = "public.t" + std::to_string(version);
      all.push_back(make_migration(
          "spool", version, "t" + std::to_string(version),
          "create table " + table + " (n int); insert into " + table + " values (1);",
          "drop table " + table));
    }
    return all;
  }

  Migrator migrator(std::vector<Migration> all) {
    return {*connection_, std::move(all), milliseconds(10'000)};
  }
  std::string tables() const {
    return database_.value(
        "select coalesce(string_agg(tablename, ' ' order by tablename), '')"
        " from pg_tables where schemaname = 'public'");
  }
  std::string recorded() const {
    return database_.value(
        "select coalesce(string_agg(line || version, ' ' order by line, version), '')"
        " from spool.schema_migrations");
  }

  test::PgDatabase database_{test::PgDatabase::Content::empty};
  std::unique_ptr<Connection> connection_ = database_.connect();
};

TEST_F(MigratorPg, UpDownUpWithTheEmbeddedOnes) {
  auto all = migrator(embedded_migrations());
  const std::size_t count = embedded_migrations().size();
  const auto up = all.up({});
  ASSERT_TRUE(up.ok()) << up.failure().text;
  EXPECT_EQ(up->size(), count);
  EXPECT_TRUE(all.validate()->empty());
  EXPECT_TRUE(all.compatibility().ok());
  EXPECT_TRUE(all.up({})->empty());

  std::size_t reverted = 0;
  for (const char* line : {"media", "spool"}) {
    const auto down = all.down({.line = line, .steps = 1000});
    ASSERT_TRUE(down.ok()) << down.failure().text;
    reverted += down->size();
  }
  EXPECT_EQ(reverted, count);
  EXPECT_EQ(recorded(), "");
  EXPECT_EQ(
      database_.value("select count(*) from pg_tables where schemaname in ('spool', 'media')"),
      "1");
  const auto again = all.up({});
  ASSERT_TRUE(again.ok()) << again.failure().text;
  EXPECT_EQ(again->size(), count);
}

TEST_F(MigratorPg, GoesAsFarAsAsked) {
  ASSERT_EQ(migrator(migrations(4)).up({.to = 1})->size(), 1U);
  EXPECT_EQ(tables(), "t1");
  ASSERT_EQ(migrator(migrations(4)).up({.steps = 2})->size(), 2U);
  EXPECT_EQ(tables(), "t1 t2 t3");
  const auto down = migrator(migrations(4)).down({.line = "spool", .steps = 2});
  ASSERT_EQ(down->size(), 2U);
  EXPECT_EQ(down->front().version, 3);
  EXPECT_EQ(tables(), "t1");
  EXPECT_TRUE(migrator(migrations(4)).up({.line = "media"})->empty());
}

TEST_F(MigratorPg, ADryRunShowsAndChangesNothing) {
  const auto steps = migrator(migrations(2)).up({.dry_run = true});
  ASSERT_TRUE(steps.ok()) << steps.failure().text;
  ASSERT_EQ(steps->size(), 2U);
  EXPECT_EQ(steps->front().sql, migrations(1).front().up);
  EXPECT_EQ(tables(), "");
  EXPECT_EQ(database_.value("select to_regnamespace('spool')"), "");
  ASSERT_TRUE(migrator(migrations(2)).up({}).ok());
  ASSERT_EQ(migrator(migrations(2)).down({.line = "spool", .dry_run = true})->size(), 1U);
  EXPECT_EQ(tables(), "t1 t2");
  EXPECT_EQ(recorded(), "spool1 spool2");
}

TEST_F(MigratorPg, StatusTellsAppliedPendingAndUnknown) {
  ASSERT_TRUE(migrator(migrations(2)).up({}).ok());
  auto shorter = migrations(3);
  shorter.erase(shorter.begin());
  const auto status = migrator(shorter).status();
  ASSERT_TRUE(status.ok());
  ASSERT_EQ(status->size(), 3U);
  EXPECT_TRUE((*status)[0].known && (*status)[0].applied_at.has_value());
  EXPECT_TRUE((*status)[1].known && !(*status)[1].applied_at.has_value());
  EXPECT_FALSE((*status)[2].known);
  EXPECT_EQ((*status)[2].version, 1);
}

TEST_F(MigratorPg, ValidateFindsWhatIsWrong) {
  ASSERT_TRUE(migrator(migrations(3)).up({}).ok());
  EXPECT_TRUE(migrator(migrations(3)).validate()->empty());
  auto changed = migrations(3);
  changed[1] = make_migration("spool", 2, "t2", "create table other ()", "");
  ASSERT_EQ(migrator(changed).validate()->size(), 1U);
  EXPECT_NE(migrator(changed).validate()->front().find("changed"), std::string::npos);
  EXPECT_EQ(migrator(migrations(2)).validate()->size(), 1U);
  database_.execute("delete from spool.schema_migrations where version = 2");
  ASSERT_EQ(migrator(migrations(3)).validate()->size(), 1U);
  EXPECT_NE(migrator(migrations(3)).validate()->front().find("later"), std::string::npos);
}

TEST_F(MigratorPg, AFailingMigrationLeavesNothingHalf) {
  auto all = migrations(3);
  all[1] = make_migration("spool", 2, "bad", "create table half (n int); select 1 / 0;", "");
  const auto steps = migrator(all).up({});
  ASSERT_FALSE(steps.ok());
  EXPECT_NE(steps.failure().text.find("spool/2 bad"), std::string::npos) << steps.failure().text;
  EXPECT_EQ(tables(), "t1");
  EXPECT_EQ(recorded(), "spool1");
  // The lock is free again.
  EXPECT_TRUE(migrator(migrations(3)).up({}).ok());
}

TEST_F(MigratorPg, TheSecondMigratorWaitsAndThenSaysForWhom) {
  ConnectionSettings settings = database_.settings();
  settings.application_name = "the other migrator";
  auto other = Connection::open(settings);
  ASSERT_TRUE(other.ok());
  // Whatever the first one does, it holds this lock.
  ASSERT_TRUE((*other)->execute_script("select pg_advisory_lock(495891738476)").ok());
  Migrator second(*connection_, migrations(1), milliseconds(50));
  const auto refused = second.up({});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().kind, FailureKind::slow);
  EXPECT_NE(refused.failure().text.find("the other migrator"), std::string::npos);
  EXPECT_NE(refused.failure().text.find("pid "), std::string::npos);
  EXPECT_EQ(tables(), "");
  ASSERT_TRUE((*other)->execute_script("select pg_advisory_unlock(495891738476)").ok());
  EXPECT_TRUE(second.up({}).ok());
}

TEST_F(MigratorPg, RunsOnTheKnownSchemaAndTheNext) {
  const auto fresh = migrator(migrations(1)).compatibility();
  ASSERT_FALSE(fresh.ok());
  EXPECT_EQ(fresh.failure().kind, FailureKind::schema);
  EXPECT_NE(fresh.failure().text.find("spool migrate up"), std::string::npos);
  ASSERT_TRUE(migrator(migrations(3)).up({}).ok());
  EXPECT_TRUE(migrator(migrations(3)).compatibility().ok());
  EXPECT_TRUE(migrator(migrations(2)).compatibility().ok());
  const auto old = migrator(migrations(1)).compatibility();
  ASSERT_FALSE(old.ok());
  EXPECT_NE(old.failure().text.find("upgrade the worker"), std::string::npos);
  EXPECT_FALSE(migrator(migrations(4)).compatibility().ok());
}

}  // namespace
}  // namespace spool::postgres
