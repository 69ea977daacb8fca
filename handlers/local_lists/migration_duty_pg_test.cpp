// The moving of local lists against the tables: the duty is run as the engine runs it, and what it
// asks for is carried out by writing what the list operations' handler would have written.
#include "handlers/local_lists/migration_duty.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/connection.hpp"
#include "handlers/local_lists/migration_change.hpp"
#include "handlers/local_lists/migration_plan.hpp"
#include "handlers/local_lists/migration_query.hpp"
#include "handlers/local_lists/migration_step.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::local_lists {
namespace {

using handler::PublishedEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const store::Operator kAnna{"anna", "ticket 7"};

class MigrationDutyPg : public testing::Test {
 public:
  static void SetUpTestSuite() { shared_ = std::make_unique<test::PgDatabase>(); }
  static void TearDownTestSuite() { shared_.reset(); }

 protected:
  MigrationDutyPg() : connection_(shared_->connect()) {
    for (const char* table : {"list_migrations", "local_lists", "queued_list_operations",
                              "operation_tombstones", "lists", "tmdb_sessions"})
      execute(std::string("delete from media.") + table);
    log_in(7);
  }

  void execute(const std::string& sql) {
    const auto done = connection_->execute_script(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.failure().text;
  }
  std::string value(const std::string& sql) const { return shared_->value(sql); }

  void log_in(int user) {
    execute("insert into media.tmdb_sessions (tmdb_user_id, sealed) values (" +
            std::to_string(user) + ", 'x')");
  }
  // With so many movies, from `first` on.
  void local(const std::string& name, int movies, int user = 7, int first = 1) {
    execute("with l as (insert into media.local_lists (user_id, name, created_at) values (" +
            std::to_string(user) + ", '" + name +
            "', clock_timestamp()) returning id) insert into media.local_list_items"
            " (list_id, position, movie_id) select l.id, n, n + " +
            std::to_string(first - 1) + " from l, generate_series(1, " + std::to_string(movies) +
            ") n");
  }

  template <typename Work>
  auto change(Work work) {
    auto transaction = store::begin_durable(*connection_);
    EXPECT_TRUE(transaction.ok());
    auto result = work(**transaction);
    if (result) {
      EXPECT_TRUE((*transaction)->commit().ok());
    }
    return result;
  }
  base::Result<ChangedMigration> start(int user = 7) {
    return change([&](postgres::Transaction& transaction) -> base::Result<ChangedMigration> {
      auto consented = consent_migration(transaction, user, kAnna);
      return consented ? start_migration(transaction, user, kAnna) : consented;
    });
  }
  base::Result<ChangedMigration> roll_back(int user = 7) {
    return change([&](postgres::Transaction& transaction) {
      return roll_migration_back(transaction, user, std::nullopt, kAnna);
    });
  }

  std::vector<PublishedEvent> run(bool commit = true) {
    auto transaction = connection_->begin();
    EXPECT_TRUE(transaction.ok());
    auto done = migration_duty()->run(**transaction);
    EXPECT_TRUE(done.ok()) << done.failure().text;
    if (commit) {
      EXPECT_TRUE((*transaction)->commit().ok());
    }
    return done.ok() ? std::move(done->publish) : std::vector<PublishedEvent>();
  }

  // As the handler would: admitted once, and ended.
  void carry_out(const std::vector<PublishedEvent>& events, const std::string& status = "completed",
                 bool effective = true) {
    for (const PublishedEvent& event : events) {
      execute("with e as (select '" + event.data +
              "'::jsonb as d), l as (insert into media.lists (tmdb_user_id, list_ref, existence)"
              " select (d->>'tmdb_user_id')::integer, (d->>'list_ref')::uuid, 'never' from e"
              " on conflict (tmdb_user_id, list_ref) do update set updated_at = now() returning id)"
              " insert into media.queued_list_operations (list_id, tmdb_user_id, list_ref, status,"
              " operation_type, operation_data, source, event_id, error_type)"
              " select l.id, (d->>'tmdb_user_id')::integer, (d->>'list_ref')::uuid, '" +
              status + "', d->>'operation_type', d->'operation_data', 'spool.list_operations', '" +
              event.id + "', case when '" + status +
              "' = 'failed' then 'upstream.rejected' end from e, l"
              " on conflict (source, event_id) do nothing");
      if (status == "completed" && effective) take_effect(event);
    }
  }
  void take_effect(const PublishedEvent& event) {
    const std::string the_list =
        "media.lists l where l.list_ref = ('" + event.data + "'::jsonb->>'list_ref')::uuid";
    if (event.data.find("create_list") != std::string::npos)
      execute(
          "update media.lists l set existence = 'exists', complete = true where l.list_ref = ('" +
          event.data + "'::jsonb->>'list_ref')::uuid");
    if (event.data.find("delete_list") != std::string::npos)
      execute("update media.lists l set existence = 'gone' where l.list_ref = ('" + event.data +
              "'::jsonb->>'list_ref')::uuid");
    if (event.data.find("add_movie") != std::string::npos)
      execute("insert into media.user_list_items (list_id, movie_id) select l.id, ('" + event.data +
              "'::jsonb->'operation_data'->>'movie_id')::integer from " + the_list +
              " on conflict do nothing");
  }

  // Until nothing more is asked for; answers how many operations there were.
  std::size_t carry_on() {
    std::size_t count = 0;
    for (int i = 0; i < 100; ++i) {
      const auto events = run();
      if (events.empty()) return count;
      count += events.size();
      carry_out(events);
    }
    ADD_FAILURE() << "it does not end";
    return count;
  }

  MigrationInfo status(int user = 7) {
    const auto page = migration_page(*connection_, {user, std::nullopt}, 10, "");
    EXPECT_TRUE(page.ok()) << page.failure().text;
    return page.ok() && !page->migrations.empty() ? page->migrations.front() : MigrationInfo{};
  }
  std::string states() const {
    return value("select string_agg(state, ' ' order by number) from media.list_migration_lists");
  }

  static inline std::unique_ptr<test::PgDatabase> shared_ = {};
  std::unique_ptr<postgres::Connection> connection_;
};

std::vector<std::string> kinds(const std::vector<PublishedEvent>& events) {
  std::vector<std::string> kinds;
  for (const PublishedEvent& event : events) {
    const std::string before = "\"operation_type\":\"";
    const std::size_t at = event.data.find(before) + before.size();
    kinds.push_back(event.data.substr(at, event.data.find('"', at) - at));
  }
  return kinds;
}

TEST_F(MigrationDutyPg, ListsAreCreatedFilledReadAndDone) {
  local("Noir", 2);
  local("Empty", 0);
  ASSERT_TRUE(start().ok());
  auto events = run();
  EXPECT_THAT(kinds(events), ElementsAre("create_list", "create_list"));
  EXPECT_THAT(run(), IsEmpty()) << "nothing has ended";
  carry_out(events);
  events = run();
  EXPECT_THAT(kinds(events), ElementsAre("add_movie", "add_movie", "refresh_list"));
  carry_out(events);
  events = run();
  EXPECT_THAT(kinds(events), ElementsAre("refresh_list"));
  EXPECT_EQ(status().state, "checking");
  carry_out(events);
  EXPECT_THAT(run(), IsEmpty());
  const MigrationInfo info = status();
  EXPECT_EQ(info.state, "done");
  EXPECT_EQ(info.lists_done, 2);
  EXPECT_EQ(info.movies, 2);
  EXPECT_EQ(info.movies_done, 2);
  EXPECT_EQ(info.waiting, 0);
  EXPECT_EQ(value("select count(*) from media.local_lists c join media.list_migration_lists l"
                  " on l.list_ref = c.moved_ref where c.moved_at is not null"),
            "2");
  EXPECT_EQ(start().failure().kind, base::FailureKind::not_found) << "all is moved";
}

TEST_F(MigrationDutyPg, ARunThatIsLostAsksForTheSameAgain) {
  local("Noir", 3);
  ASSERT_TRUE(start().ok());
  for (int i = 0; i < 10; ++i) {
    const auto lost = run(false);
    const auto events = run();
    ASSERT_EQ(events.size(), lost.size());
    for (std::size_t at = 0; at < events.size(); ++at) {
      EXPECT_EQ(events[at].id, lost[at].id);
      EXPECT_EQ(events[at].data, lost[at].data);
    }
    if (events.empty()) break;
    carry_out(lost);
    carry_out(events);
  }
  EXPECT_EQ(status().state, "done");
  EXPECT_EQ(value("select count(*) from media.queued_list_operations"), "5");
}

TEST_F(MigrationDutyPg, SoManyOperationsOfAUserAndOfAllWaitAtOnceAndNoMore) {
  for (int user = 1; user <= 8; ++user) {
    if (user != 7) log_in(user);
    local("Long", 60, user);
    ASSERT_TRUE(start(user).ok());
  }
  carry_out(run());
  const auto events = run();
  EXPECT_THAT(events, SizeIs(kWaitingMax));
  std::map<std::string, std::int32_t> of_user;
  for (const PublishedEvent& event : events) ++of_user[event.key];
  for (const auto& [user, count] : of_user) EXPECT_LE(count, kWaitingOfUserMax) << user;
  EXPECT_EQ(value("select sum(waiting) from media.list_migrations"), std::to_string(kWaitingMax));
  EXPECT_THAT(run(), IsEmpty());
  carry_out({events.front()});
  EXPECT_THAT(run(), SizeIs(1)) << "room for one";
  carry_out(events);
  carry_on();
  EXPECT_THAT(run(), IsEmpty());
}

TEST_F(MigrationDutyPg, WhoeverIsNotLoggedInHoldsNobodyUp) {
  for (int user = 1; user <= 6; ++user) {
    if (user != 7) log_in(user);
    local("Long", 60, user);
    ASSERT_TRUE(start(user).ok());
  }
  carry_out(run());
  EXPECT_THAT(run(), SizeIs(kWaitingMax));
  execute("update media.tmdb_sessions set state = 'expired' where tmdb_user_id <= 6");
  local("Short", 1);
  ASSERT_TRUE(start().ok());
  EXPECT_THAT(kinds(run()), ElementsAre("create_list"));
  EXPECT_FALSE(status(1).logged_in);
}

TEST_F(MigrationDutyPg, WhatFailsIsToldAndGoesOnWhereItWas) {
  local("Noir", 3);
  local("Other", 1, 7, 10);
  ASSERT_TRUE(start().ok());
  carry_out(run());
  const auto events = run();
  ASSERT_THAT(kinds(events), ElementsAre("add_movie", "add_movie", "add_movie", "add_movie"));
  carry_out({events[0], events[2], events[3]});
  carry_out({events[1]}, "failed");
  carry_on();
  MigrationInfo info = status();
  EXPECT_EQ(info.state, "failed");
  EXPECT_EQ(info.lists_done, 1);
  EXPECT_EQ(info.lists_failed, 1);
  EXPECT_THAT(info.problem, HasSubstr("add_movie 2 failed: upstream.rejected"));
  EXPECT_THAT(run(), IsEmpty());
  // Nothing was mended: it fails again.
  ASSERT_TRUE(start().ok());
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_EQ(status().state, "failed");
  execute("update media.queued_list_operations set status = 'completed' where status = 'failed'");
  take_effect(events[1]);
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(carry_on(), 1U);
  info = status();
  EXPECT_EQ(info.state, "done");
  EXPECT_EQ(info.problem, "");
  EXPECT_EQ(value("select string_agg(done::text, ' ' order by number)"
                  " from media.list_migration_lists"),
            "3 1");
}

TEST_F(MigrationDutyPg, WhatTmdbHasOtherwiseIsFound) {
  local("Noir", 2);
  ASSERT_TRUE(start().ok());
  carry_out(run());
  const auto events = run();
  carry_out({events[0]});
  carry_out({events[1]}, "completed", false);
  execute("insert into media.user_list_items (list_id, movie_id) select id, 99 from media.lists");
  carry_on();
  EXPECT_EQ(status().state, "failed");
  EXPECT_THAT(status().problem, HasSubstr("1 missing at TMDB: 2; 1 at TMDB that are not here: 99"));
  EXPECT_EQ(value("select moved_at from media.local_lists"), "");
  take_effect(events[1]);
  execute("delete from media.user_list_items where movie_id = 99");
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(carry_on(), 1U) << "it is read once more";
  EXPECT_EQ(status().state, "done");
}

TEST_F(MigrationDutyPg, WhatRetentionRemovedHasEnded) {
  local("Noir", 2);
  ASSERT_TRUE(start().ok());
  carry_out(run());
  const auto events = run();
  carry_out(events);
  execute("with gone as (delete from media.queued_list_operations where event_id = '" +
          events[1].id +
          "' returning source, event_id) insert into media.operation_tombstones (hash)"
          " select media.operation_hash(source, event_id) from gone");
  carry_on();
  EXPECT_EQ(status().state, "done");
}

TEST_F(MigrationDutyPg, RollingBackDeletesWhatWasCreatedAndNothingElse) {
  local("Noir", 2);
  local("Other", 1);
  ASSERT_TRUE(start().ok());
  const auto events = run();
  carry_out({events[0]});
  carry_out({events[1]}, "failed");
  carry_on();
  EXPECT_EQ(states(), "done failed");
  ASSERT_TRUE(roll_back().ok());
  const auto again = roll_back();
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->changed);
  const auto deletions = run();
  EXPECT_THAT(kinds(deletions), ElementsAre("delete_list", "delete_list"));
  carry_out({deletions[0]});
  carry_out({deletions[1]}, "failed");
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_EQ(status().state, "rolling_back");
  EXPECT_THAT(status().problem, HasSubstr("delete_list failed"));
  EXPECT_EQ(start().failure().kind, base::FailureKind::conflict);
  execute("update media.queued_list_operations set status = 'completed' where status = 'failed'");
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_EQ(status().state, "rolled_back");
  EXPECT_EQ(value("select count(*) from media.local_lists where moved_at is null"), "2");
  // Once more, as other lists.
  ASSERT_TRUE(start().ok());
  EXPECT_THAT(kinds(run()), ElementsAre("create_list", "create_list"));
  EXPECT_EQ(value("select count(distinct list_ref) from media.list_migration_lists"), "4");
}

TEST_F(MigrationDutyPg, WhatWasNotBegunIsNotDeleted) {
  local("Noir", 2);
  ASSERT_TRUE(start().ok());
  ASSERT_TRUE(roll_back().ok());
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_EQ(status().state, "rolled_back");
  const auto consent = change(
      [&](postgres::Transaction& transaction) { return consent_migration(transaction, 7, kAnna); });
  ASSERT_TRUE(consent.ok());
  EXPECT_TRUE(consent->changed);
  EXPECT_THAT(*consented_users(*connection_, 0, 10), ElementsAre(7));
  ASSERT_TRUE(roll_back().ok());
  EXPECT_EQ(status().state, "rolled_back") << "the consent is taken back";
}

TEST_F(MigrationDutyPg, NothingIsBegunWhileSomethingSpeaksAgainstIt) {
  const auto refused = [&](base::FailureKind kind, const std::string& text) {
    const auto started = start();
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.failure().kind, kind);
    EXPECT_THAT(started.failure().text, HasSubstr(text));
  };
  refused(base::FailureKind::not_found, "no local list");
  local("Noir", 2);
  const auto unasked = change(
      [&](postgres::Transaction& transaction) { return start_migration(transaction, 7, kAnna); });
  EXPECT_THAT(unasked.failure().text, HasSubstr("has not consented"));
  execute("update media.local_list_items set movie_id = -5 where position = 2");
  refused(base::FailureKind::conflict, "1 movie ids are not above 0");
  execute("update media.local_list_items set movie_id = 1 where position = 2");
  execute("update media.local_lists set name = repeat('ä', 256)");
  refused(base::FailureKind::conflict, "the name has 256 characters");
  execute("update media.local_lists set name = repeat('ä', 255)");
  execute("update media.tmdb_sessions set state = 'expired'");
  refused(base::FailureKind::conflict, "no session");
  execute("update media.tmdb_sessions set state = 'active'");
  auto users = planned_users(*connection_, std::nullopt, 0, 10);
  ASSERT_TRUE(users.ok()) << users.failure().text;
  ASSERT_THAT(*users, SizeIs(1));
  EXPECT_EQ((*users)[0].movies, 1);
  EXPECT_EQ((*users)[0].calls, calls_for(1));
  ASSERT_TRUE(start().ok());
  EXPECT_FALSE(start()->changed) << "it runs";
  EXPECT_THAT(*planned_users(*connection_, std::nullopt, 0, 10), IsEmpty());
  EXPECT_EQ(value("select string_agg(action, ' ' order by number) from spool.audit_log"
                  " where actor = 'anna' and subject = (select id::text from"
                  " media.list_migrations)"),
            "list_migration.consent list_migration.start");
}

}  // namespace
}  // namespace spool::local_lists
