// Lists as files, and moving local lists to TMDB, as people ask for it: without a worker.
#include <fstream>
#include <sstream>

#include "tests/cli/cli_fixture.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Words = std::vector<std::string>;

class LocalListsCliTest : public CliTest {
 protected:
  LocalListsCliTest() {
    environment_["SPOOL__UPSTREAM__TMDB__API_KEY"] = "standin-read-token";
    environment_["SPOOL__UPSTREAM__TMDB__SESSION_KEY"] = std::string(64, '5');
    environment_["SPOOL__HANDLERS__LIST_OPERATIONS__TOPIC"] = topic_ + ".lists";
  }

  Ended lists(Words words, const std::string& in = {}) {
    words.insert(words.begin(), "lists");
    words.insert(words.end(), {"-o", "json"});
    return spool(words, in);
  }
  Ended changed(Words words, const std::string& in = {}) {
    words.insert(words.end(), {"--reason", "ticket 7", "--actor", "anna"});
    return lists(std::move(words), in);
  }
  // Its id.
  std::string keep(const std::string& name, const std::string& csv, const std::string& user = "7") {
    const Ended ended = changed({"import", "-", "--user", user, "--name", name, "--local"}, csv);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return database_.value("select id from media.local_lists where name = '" + name + "'");
  }
  void log_in(const std::string& user) {
    database_.execute("insert into media.tmdb_sessions (tmdb_user_id, sealed) values (" + user +
                      ", 'x')");
  }
  std::string audited() {
    return database_.value(
        "select string_agg(concat_ws(' ', action, reason), '; ' order by number)"
        " from spool.audit_log where actor = 'anna'");
  }
};

TEST_F(LocalListsCliTest, AFileBecomesALocalListAndAFileAgain) {
  const std::string csv =
      "movie_id,position,added_at\n550,1,2026-01-02T03:04:05Z\n551,x,\n552,2,\n";
  const Words words{"import", "-", "--user", "7", "--name", "Noir", "--local"};
  Words dry = words;
  dry.push_back("--dry-run");
  const Ended planned = lists(dry, csv);
  EXPECT_EQ(planned.code, 3) << planned.err;
  EXPECT_THAT(planned.out, AllOf(HasSubstr("\"movies\": 2"), HasSubstr("\"problems\": 1")));
  EXPECT_EQ(database_.value("select count(*) from media.local_lists"), "0");
  const Ended first = changed(words, csv);
  EXPECT_EQ(first.code, 3);
  EXPECT_THAT(first.err, HasSubstr("line 3: position: \"x\" is not a whole number"));
  EXPECT_THAT(first.out, HasSubstr("\"changed\": true"));
  EXPECT_THAT(changed(words, csv).out, HasSubstr("\"changed\": false"));
  EXPECT_EQ(audited(), "list.import ticket 7");

  const std::string id = database_.value("select id from media.local_lists");
  const std::string file = testing::TempDir() + topic_ + ".json";
  EXPECT_EQ(spool({"lists", "export", id, "--out", file}).code, 0);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_THAT(text.str(), AllOf(HasSubstr("\"name\": \"Noir\""), Not(HasSubstr("551")),
                                HasSubstr("{\"movie_id\": 552, \"position\": 2, \"added_at\"")));
  const Ended back = changed({"import", file, "--user", "8", "--local"});
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_EQ(database_.value("select name from media.local_lists where user_id = 8"), "Noir");
  EXPECT_THAT(
      spool({"lists", "export", id, "--format", "csv"}).out,
      HasSubstr("movie_id,position,added_at\r\n550,1,2026-01-02T03:04:05.000000Z\r\n552,2,"));
  static_cast<void>(std::remove(file.c_str()));
}

TEST_F(LocalListsCliTest, MovingIsPlannedConsentedStartedAndTakenBack) {
  keep("Noir", "tmdb_id\n550\n551\n");
  const Ended unready = lists({"migrate", "plan", "--user", "7"});
  EXPECT_EQ(unready.code, 5);
  EXPECT_THAT(unready.err, HasSubstr("no session"));
  log_in("7");
  const Ended plan = lists({"migrate", "plan", "--user", "7"});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("\"movies\": 2"), HasSubstr("\"problem\": null")));
  EXPECT_THAT(plan.err, HasSubstr("4 calls, about 1 s"));
  EXPECT_THAT(lists({"migrate", "plan", "--all"}).out,
              AllOf(HasSubstr("\"user_id\": 7"), HasSubstr("\"chosen\": false")));

  EXPECT_EQ(changed({"migrate", "start", "--user", "7"}).code, 5) << "nobody has consented";
  EXPECT_EQ(changed({"migrate", "consent", "--user", "7"}).code, 0);
  const Ended nobody = changed({"migrate", "start", "--all"});
  EXPECT_EQ(nobody.code, 0);
  EXPECT_THAT(nobody.err, HasSubstr("1 users are outside lists.migration.percent = 0"));
  EXPECT_EQ(database_.value("select state from media.list_migrations"), "consented");
  environment_["SPOOL__LISTS__MIGRATION__PERCENT"] = "100";
  EXPECT_THAT(changed({"migrate", "start", "--all"}).out, HasSubstr("\"state\": \"running\""));
  EXPECT_THAT(lists({"migrate", "status"}).out,
              AllOf(HasSubstr("\"state\": \"running\""), HasSubstr("\"movies\": 2")));
  EXPECT_THAT(lists({"migrate", "status", "--user", "7", "--lists"}).out,
              AllOf(HasSubstr("\"name\": \"Noir\""), HasSubstr("\"state\": \"waiting\"")));
  const std::string id = database_.value("select id from media.list_migrations");
  EXPECT_EQ(changed({"migrate", "rollback", id}).code, 2) << "nobody to ask";
  EXPECT_THAT(changed({"migrate", "rollback", id, "--yes"}).out,
              HasSubstr("\"state\": \"rolling_back\""));
  EXPECT_THAT(changed({"migrate", "rollback", "--user", "7", "--yes"}).out,
              HasSubstr("\"changed\": false"));
  EXPECT_EQ(audited(),
            "list.import ticket 7; list_migration.consent ticket 7; list_migration.start ticket 7; "
            "list_migration.rollback ticket 7");
}

TEST_F(LocalListsCliTest, WhoCannotBeStartedIsToldAndTheOthersAre) {
  environment_["SPOOL__LISTS__MIGRATION__PERCENT"] = "100";
  for (const std::string& user : {std::string("7"), std::string("8")}) {
    keep("of " + user, "movie_id\n550\n", user);
    EXPECT_EQ(changed({"migrate", "consent", "--user", user}).code, 0);
  }
  log_in("8");
  const Ended started = changed({"migrate", "start", "--all"});
  EXPECT_EQ(started.code, 3);
  EXPECT_THAT(started.out, HasSubstr("\"user_id\": 8"));
  EXPECT_THAT(started.err, HasSubstr("user 7: TMDB user 7 has no session"));
}

TEST_F(LocalListsCliTest, WrongUseIsRefused) {
  expect_usage({"lists", "import", "x.csv", "--local"}, "--user N is needed");
  expect_usage({"lists", "import", "x.csv", "--user", "7"}, "--reason TEXT is needed");
  expect_usage({"lists", "import", "x", "--user", "7", "--local", "--to", "8"}, "not both");
  expect_usage({"lists", "import", "x", "--user", "7", "--name", "n", "--to", "8"}, "--to adds");
  expect_usage({"lists", "migrate", "plan"}, "--user N or --all");
  expect_usage({"lists", "migrate", "start", "--all", "--consent"}, "--consent is a user's own");
  expect_usage({"lists", "migrate", "status", "--lists"}, "--lists goes with --user");
  expect_usage({"lists", "migrate", "status", "--cursor", "x"},
               "no cursor of a list of migrations");
  expect_usage({"lists", "migrate", "rollback"}, "ID or --user N");
  expect_usage({"lists", "export", "noir"}, "LIST: \"noir\"");
  expect_code(4, {"lists", "export", "8136"});
  expect_code(4, {"lists", "migrate", "plan", "--user", "7"});
  expect_code(4, {"lists", "migrate", "rollback", "--user", "7", "--yes", "--reason", "r"});
  const Words import{"lists", "import", "-", "--user", "7", "--dry-run", "--name", "n"};
  expect_code(2, import, "title\nHeat\n");
  expect_code(2, {"lists", "import", "-", "--user", "7", "--dry-run"}, "movie_id\n1\n");
  expect_code(0, import, "movie_id\n1\n");
  std::string many = "movie_id\n";
  for (int movie = 1; movie <= 10'001; ++movie) many += std::to_string(movie) + "\n";
  EXPECT_THAT(spool(import, many).err, HasSubstr("10001 movies, at most 10000 at once"));
  expect_code(4, {"lists", "import", "/no/such/file", "--user", "7", "--dry-run"});
}

}  // namespace
}  // namespace spool::test
