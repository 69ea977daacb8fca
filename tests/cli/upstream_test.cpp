// Logging users in at TMDB, against a stand-in for it: words, an approval and Enter in; a sealed
// row out, and no secret anywhere else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>

#include "engine/app/program.hpp"
#include "handlers/program.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"
#include "tests/cli/command.hpp"
#include "tests/support/pg_database.hpp"
#include "tests/tmdb/standin_process.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kKey(64, '5');
constexpr std::int32_t kUser = 42;

// A person at a terminal, who does something before the line that is read.
class Person : public std::streambuf {
 public:
  std::function<void()> before_enter;

 protected:
  int_type underflow() override {
    if (pressed_) return traits_type::eof();
    pressed_ = true;
    if (before_enter) before_enter();
    setg(line_.data(), line_.data(), line_.data() + line_.size());
    return traits_type::to_int_type(line_.front());
  }

 private:
  std::string line_ = "\n";
  bool pressed_ = false;
};

class UpstreamTest : public testing::Test {
 protected:
  UpstreamTest() {
    set("DATABASE__URL", database_.url());
    set("UPSTREAM__TMDB__BASE_URL", standin_.url() + "/3");
    set("UPSTREAM__TMDB__BASE_URL_V4", standin_.url() + "/4");
    set("UPSTREAM__TMDB__API_KEY", "standin-read-token");
    set("UPSTREAM__TMDB__SESSION_KEY", kKey);
    user_ = standin_.add_user(kUser);
    standin_.add_user(17);
  }

  void set(const std::string& name, const std::string& value) {
    environment_["SPOOL__" + name] = value;
  }

  int run(const std::vector<std::string>& words, std::istream& in) {
    out_.str("");
    err_.str("");
    config::Pairs pairs;
    for (const auto& [name, value] : environment_) pairs.emplace_back(name, value);
    const int code = app::run_command_line(program_, words, pairs, {in, out_, err_});
    const std::string said = out_.str() + err_.str();
    for (const std::string& secret :
         {user_.session_id, user_.access_token, std::string("standin-read-token"),
          std::string("standin-api-key"), kKey, std::string("wrong-secret"),
          std::string("session-17"), std::string("token-17")})
      EXPECT_THAT(said, Not(HasSubstr(secret)));
    return code;
  }
  int run(const std::vector<std::string>& words, const std::string& in = {}) {
    std::istringstream stream(in);
    return run(words, stream);
  }

  // Logs in, with that done when the address to open is there and Enter not yet pressed.
  int log_in(const std::vector<std::string>& more, std::function<void()> meanwhile) {
    Person person;
    person.before_enter = std::move(meanwhile);
    std::istream in(&person);
    std::vector<std::string> words = {"upstream", "login", "tmdb", "--user", "42"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, in);
  }

  // The address that was shown ends with the request token.
  static std::string token_in(const std::string& text) {
    const std::size_t at = text.find("request-token-");
    return at == std::string::npos ? "" : text.substr(at, text.find_first_of(" \n", at) - at);
  }
  void approve(const std::string& token, std::int64_t user) {
    standin_.control("POST", "/_standin/request_tokens/" + token + ":approve",
                     "{\"user_id\": " + std::to_string(user) + "}");
  }
  void approve_as(std::int64_t user) { approve(token_in(err_.str()), user); }

  std::optional<tmdb_sessions::StoredSession> stored(std::int32_t user = kUser) {
    auto connection = database_.connect();
    auto transaction = connection->begin();
    auto loaded =
        tmdb_sessions::load_session(**transaction, *tmdb_sessions::session_box(kKey, ""), user);
    EXPECT_TRUE(loaded.ok()) << loaded.failure().text;
    return *loaded;
  }
  std::string sessions(const std::string& columns = "tmdb_user_id, state") {
    return database_.value("select string_agg(concat_ws(' ', " + columns +
                           "), '; ' order by tmdb_user_id) from media.tmdb_sessions");
  }
  // How often the stand-in has served it.
  int served(const std::string& route, int status) {
    int count = 0;
    for (const StandinRequest& one : standin_.requests())
      if (one.route == route && one.status == status) ++count;
    return count;
  }
  std::string file(const std::string& content) {
    const std::string name = testing::TempDir() + "upstream_test_" + database_.name();
    std::ofstream(name) << content;
    return name;
  }

  PgDatabase database_;
  StandinProcess standin_;
  StandinUser user_;
  app::Program program_ = program();
  Environment environment_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(UpstreamTest, AUserOfVersion3ApprovesAndIsLoggedIn) {
  EXPECT_EQ(log_in({"--api-version", "3"}, [&] { approve_as(kUser); }), 0) << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr("https://www.themoviedb.org/authenticate/request-token-1\n"));
  EXPECT_EQ(out_.str(), "TMDB user 42 is logged in (version 3)\n");
  EXPECT_EQ(sessions(), "42 active");
  const auto session = stored();
  EXPECT_EQ(session->session.api, tmdb::Api::v3);
  EXPECT_THAT(session->session.v3_session_id.reveal(), StartsWith("session-42"));
  EXPECT_TRUE(session->session.v4_access_token.empty());
  EXPECT_EQ(session->session.v3_account_id, kUser);
  EXPECT_THAT(sessions("encode(sealed, 'escape'), tmdb_sessions::text"),
              AllOf(Not(HasSubstr("session-42")), Not(HasSubstr("v3_session_id"))));
}

TEST_F(UpstreamTest, AUserOfVersion4ApprovesAndIsLoggedInForBothVersions) {
  EXPECT_EQ(log_in({"-o", "json"}, [&] { approve_as(kUser); }), 0) << err_.str();
  EXPECT_THAT(err_.str(),
              HasSubstr("https://www.themoviedb.org/auth/access?request_token=request-token-1\n"));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"user_id\": 42"), HasSubstr("\"api_version\": 4"),
                                HasSubstr("\"released\": 0")));
  const auto session = stored();
  EXPECT_EQ(session->session.api, tmdb::Api::v4);
  EXPECT_THAT(session->session.v4_access_token.reveal(), StartsWith("token-42"));
  EXPECT_EQ(session->session.v4_account_id, user_.account_object_id);
  EXPECT_THAT(session->session.v3_session_id.reveal(), StartsWith("session-42"));
  EXPECT_EQ(database_.value("select string_agg(concat_ws(' ', action, subject, reason), '; ')"
                            " from spool.audit_log"),
            "tmdb_session.login 42 login at TMDB");
}

TEST_F(UpstreamTest, AnApiKeyInTheAddressIsEnoughForVersion3Only) {
  set("UPSTREAM__TMDB__API_KEY", "standin-api-key");
  set("UPSTREAM__TMDB__API_KEY_AS", "query");
  EXPECT_EQ(log_in({}, [&] { approve_as(kUser); }), 2);
  EXPECT_THAT(err_.str(), HasSubstr("version 4 takes no API key"));
  EXPECT_EQ(log_in({"--api-version", "3"}, [&] { approve_as(kUser); }), 0) << err_.str();
  EXPECT_EQ(sessions(), "42 active");
}

TEST_F(UpstreamTest, ALoginThatNobodyApprovedKeepsNothing) {
  EXPECT_EQ(log_in({"--api-version", "3"}, {}), 7);
  EXPECT_THAT(err_.str(), HasSubstr("not approved, or was denied"));
  EXPECT_EQ(log_in({"--api-version", "4"}, {}), 7);
  EXPECT_THAT(err_.str(), HasSubstr("not approved, or was denied"));
  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "42", "--wait", "10ms"}), 7);
  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "42"}), 2) << "stdin has ended";
  EXPECT_EQ(sessions(), "");
}

TEST_F(UpstreamTest, ARequestTokenThatTmdbKnowsNoMoreIsRefused) {
  for (const char* version : {"3", "4"})
    EXPECT_EQ(log_in({"--api-version", version}, [&] { standin_.reset(); }), 7) << version;
  EXPECT_EQ(sessions(), "");
}

TEST_F(UpstreamTest, WaitingAsksUntilTheUserHasApprovedWhateverHappensMeanwhile) {
  standin_.set_faults(R"([
      {"route": "v4.auth.access", "kind": "status", "code": 41, "count": 1},
      {"route": "v4.auth.access", "kind": "status", "code": 9, "count": 1}])");
  Running login({"upstream", "login", "tmdb", "--user", "42", "--wait", "1m"}, environment_);
  approve(token_in(login.line_with("request-token-")), kUser);
  EXPECT_EQ(login.wait(), 0);
  EXPECT_EQ(served("v4.auth.access", 422), 1) << "not approved yet";
  EXPECT_EQ(served("v4.auth.access", 503), 1) << "away";
  EXPECT_EQ(served("v4.auth.access", 200), 1);
  EXPECT_EQ(sessions(), "42 active");
}

TEST_F(UpstreamTest, WaitingEndsAtOnceWhenThePersonDoes) {
  Running login({"upstream", "login", "tmdb", "--user", "42", "--wait", "1h"}, environment_);
  EXPECT_THAT(login.line_with("and approve"), Not(IsEmpty()));
  login.signal(SIGINT);
  EXPECT_EQ(login.wait(), 130);
  EXPECT_EQ(sessions(), "");
}

TEST_F(UpstreamTest, AnotherUsersApprovalIsRefusedAndEndedAgain) {
  EXPECT_EQ(log_in({}, [&] { approve_as(17); }), 5);
  EXPECT_THAT(err_.str(), HasSubstr("of TMDB user 17, not of 42: it was ended again"));
  EXPECT_EQ(sessions(), "");
  EXPECT_EQ(served("auth.delete", 200), 1);
  EXPECT_EQ(served("v4.auth.delete", 200), 1);
}

TEST_F(UpstreamTest, ACredentialThatIsThereAlreadyComesFromAFileOrFromStdin) {
  const std::vector<std::string> session = {"upstream",          "login", "tmdb", "--user", "42",
                                            "--session-id-file", "-"};
  EXPECT_EQ(run(session, user_.session_id + "\n"), 0) << err_.str();
  EXPECT_EQ(stored()->session.v3_session_id.reveal(), user_.session_id);
  const std::string name = file(user_.access_token);
  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "42", "--access-token-file", name,
                 "--account-object-id", user_.account_object_id}),
            0)
      << err_.str();
  std::remove(name.c_str());
  EXPECT_EQ(stored()->session.v4_access_token.reveal(), user_.access_token);
  EXPECT_EQ(sessions(), "42 active");

  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "17", "--session-id-file", "-"},
                user_.session_id),
            5);
  EXPECT_EQ(served("auth.delete", 200), 0) << "a session of somebody's is not ours to end";
  EXPECT_EQ(run(session, "wrong-secret"), 7);
  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "42", "--access-token-file", "-",
                 "--account-object-id", "5f"},
                "wrong-secret"),
            7);
  standin_.control("POST", "/_standin/sessions/" + user_.session_id + ":expire");
  EXPECT_EQ(run(session, user_.session_id), 7) << "expired";
  EXPECT_EQ(stored()->session.v4_access_token.reveal(), user_.access_token) << "as it was";
}

TEST_F(UpstreamTest, WrongUseIsSaidBeforeTmdbIsAsked) {
  const auto expect_usage = [&](const std::vector<std::string>& more, const std::string& hint) {
    std::vector<std::string> words = {"upstream", "login", "tmdb"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words, "wrong-secret two"), 2) << hint;
    EXPECT_THAT(err_.str(), HasSubstr(hint));
  };
  expect_usage({}, "--user N is needed");
  expect_usage({"--user", "0"}, "user");
  expect_usage({"--user", "2147483648"}, "user");
  expect_usage({"--user", "42", "--api-version", "5"}, "api-version");
  expect_usage({"--user", "42", "--session-id-file", "a", "--access-token-file", "b"}, "not both");
  expect_usage({"--user", "42", "--api-version", "4", "--session-id-file", "a"},
               "takes --access-token-file");
  expect_usage({"--user", "42", "--access-token-file", "-"}, "--account-object-id");
  expect_usage({"--user", "42", "--session-id-file", "-", "--wait", "1m"}, "needs none");
  expect_usage({"--user", "42", "--session-id-file", "-"}, "one word");
  expect_usage({"--user", "42", "--quiet"}, "--quiet");
  EXPECT_EQ(run({"upstream", "login", "tmdb", "--user", "42", "--session-id-file", "/none"}), 4);
  set("UPSTREAM__TMDB__SESSION_KEY", kKey.substr(1));
  expect_usage({"--user", "42"}, "upstream.tmdb.session_key: a key is 32 bytes");
  set("UPSTREAM__TMDB__SESSION_KEY", kKey);
  set("UPSTREAM__TMDB__API_KEY", "");
  expect_usage({"--user", "42"}, "application key");
  EXPECT_THAT(standin_.requests(), IsEmpty());
}

TEST_F(UpstreamTest, SaysWhetherTmdbRefusesOrIsAway) {
  set("UPSTREAM__TMDB__API_KEY", "wrong-secret");
  EXPECT_EQ(log_in({}, {}), 7);
  set("UPSTREAM__TMDB__API_KEY", "standin-read-token");
  standin_.set_faults(R"([{"route": "v4.auth.token", "kind": "status", "code": 9}])");
  EXPECT_EQ(log_in({}, {}), 6);
  standin_.refuse();
  EXPECT_EQ(log_in({}, {}), 6);
}

TEST_F(UpstreamTest, ANewLoginLetsTheOperationsThatWaitedGoOn) {
  database_.execute(
      "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner, start_offset,"
      " next_offset) values ('list_operations', 0, 't', 1, gen_random_uuid(), 1, 'host-a', 0, 0);"
      "insert into spool.open_events (handler, partition, number, order_key, state, due_at, source,"
      " event_id, event_type, record_offset, record_timestamp_ms, key, value, headers, bytes,"
      " error_type) values ('list_operations', 0, 1, gen_random_uuid(), 'head',"
      " now() + interval '1 hour', 's', 'e', 't', 5, 1000, '42', '{}', '', 10, 'upstream.auth')");
  EXPECT_EQ(log_in({"--reason", "asked by mail", "--actor", "anna"}, [&] { approve_as(kUser); }),
            0);
  EXPECT_EQ(out_.str(), "TMDB user 42 is logged in (version 4); 1 operation that waited goes on\n");
  EXPECT_EQ(database_.value("select concat_ws(' ', kind, handler, matched, filter ->> 'key', actor,"
                            " reason) from spool.commands"),
            "retry_now list_operations 1 42 anna asked by mail");
}

TEST_F(UpstreamTest, ShowsWhatIsConfiguredAndWhoIsLoggedIn) {
  ASSERT_EQ(log_in({}, [&] { approve_as(kUser); }), 0) << err_.str();
  EXPECT_EQ(run({"upstream", "sessions", "-o", "jsonl"}), 0);
  EXPECT_THAT(out_.str(),
              AllOf(StartsWith("{\"user_id\": 42, \"state\": \"active\", \"created_at\": \"20"),
                    HasSubstr("\"expired_at\": null}")));
  database_.execute("update media.tmdb_sessions set state = 'expired', expired_at = now()");
  EXPECT_EQ(run({"upstream", "sessions", "--state", "active"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("nobody is logged in"));
  const auto status = [&] {
    EXPECT_EQ(run({"upstream", "status", "-o", "jsonl"}), 0) << err_.str();
    return out_.str();
  };
  EXPECT_EQ(status(), "{\"service\": \"tmdb\", \"base_url\": \"" + standin_.url() +
                          "/3\", \"api_key\": \"given\", \"session_key\": \"given\","
                          " \"sessions_active\": 0, \"sessions_expired\": 1,"
                          " \"sessions_of_key_before\": 0}\n");
  set("UPSTREAM__TMDB__SESSION_KEY", std::string(64, '6'));
  EXPECT_THAT(status(), HasSubstr("\"sessions_of_key_before\": 1}"));
  set("UPSTREAM__TMDB__SESSION_KEY", "wrong-secret");
  set("UPSTREAM__TMDB__API_KEY", "");
  EXPECT_THAT(status(), AllOf(HasSubstr("\"api_key\": \"missing\", \"session_key\": \"unusable\""),
                              HasSubstr("\"sessions_of_key_before\": null}")));
}

TEST_F(UpstreamTest, ALogoutEndsTheSessionAtTmdbAndHere) {
  ASSERT_EQ(log_in({}, [&] { approve_as(kUser); }), 0) << err_.str();
  const std::vector<std::string> logout = {"upstream", "logout", "tmdb", "--user", "42"};
  standin_.refuse();
  EXPECT_EQ(run(logout), 6);
  EXPECT_THAT(err_.str(), HasSubstr("--local"));
  EXPECT_EQ(sessions(), "42 active");
  standin_.resume();
  EXPECT_EQ(run(logout), 0) << err_.str();
  EXPECT_EQ(out_.str(), "TMDB user 42 is logged out\n");
  EXPECT_EQ(served("auth.delete", 200), 1);
  EXPECT_EQ(served("v4.auth.delete", 200), 1);
  EXPECT_EQ(sessions(), "");
  EXPECT_EQ(run(logout), 4);
}

TEST_F(UpstreamTest, ASessionThatIsOverAtTmdbCanStillBeLoggedOut) {
  ASSERT_EQ(log_in({}, [&] { approve_as(kUser); }), 0) << err_.str();
  const auto session = stored();
  for (const std::string& secret :
       {session->session.v3_session_id.reveal(), session->session.v4_access_token.reveal()})
    standin_.control("POST", "/_standin/sessions/" + secret + ":expire");
  EXPECT_EQ(run({"upstream", "logout", "tmdb", "--user", "42"}), 0) << err_.str();
  EXPECT_EQ(sessions(), "");
}

TEST_F(UpstreamTest, ASessionWhoseKeyIsLostCanBeForgottenHere) {
  ASSERT_EQ(log_in({}, [&] { approve_as(kUser); }), 0) << err_.str();
  set("UPSTREAM__TMDB__SESSION_KEY", std::string(64, '6'));
  EXPECT_EQ(run({"upstream", "logout", "tmdb", "--user", "42"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("a key that is not configured"));
  EXPECT_EQ(run({"upstream", "logout", "tmdb", "--user", "42", "--local"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("at TMDB the session goes on"));
  EXPECT_EQ(sessions(), "");
  EXPECT_EQ(served("auth.delete", 200), 0);
}

}  // namespace
}  // namespace spool::test
