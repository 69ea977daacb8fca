#include "tests/tmdb/standin_fixture.hpp"

namespace spool::standin {
namespace {

class Authentication : public StandinTest {
 protected:
  std::string new_session(const std::string& token) {
    return code("POST", std::string("/3/authentication/session/new?") + kKey,
                "{\"request_token\":\"" + token + "\"}");
  }
  std::string v3_token() {
    return text(told("GET", std::string("/3/authentication/token/new?") + kKey), "request_token")
        .value_or("");
  }
};

TEST_F(Authentication, ASessionNeedsAnApprovedTokenAndUsesItUp) {
  const std::string token = v3_token();
  EXPECT_EQ(new_session(token), "401/17");
  control("POST", "/_standin/request_tokens/" + token + ":approve", R"({"user_id":9})");
  EXPECT_EQ(new_session(token), "200");
  const auto session = text(*parse_object(last_.answer.body), "session_id");
  EXPECT_EQ(new_session(token), "401/33");
  const std::string account = std::string("/3/account?") + kKey + "&session_id=" + *session;
  EXPECT_EQ(whole_number(told("GET", account), "id"), 9);
  const std::string end = std::string("/3/authentication/session?") + kKey;
  EXPECT_EQ(code("DELETE", end, "{\"session_id\":\"" + *session + "\"}"), "200");
  EXPECT_EQ(code("GET", account), "401/3");
}

TEST_F(Authentication, RequestTokensEnd) {
  const std::string token = v3_token();
  EXPECT_EQ(text(*parse_object(last_.answer.body), "expires_at"), "2027-01-15 09:00:00 UTC");
  control("POST", "/_standin/request_tokens/" + token + ":approve", R"({"user_id":9})");
  at_.unix_s += 3600;
  EXPECT_EQ(new_session(token), "401/33");
}

TEST_F(Authentication, AnAccessTokenNeedsApprovalToo) {
  const json::object made =
      told("POST", "/4/auth/request_token", R"({"redirect_to":"x"})", "standin-read-token");
  const std::string token = text(made, "request_token").value_or("");
  const std::string body = "{\"request_token\":\"" + token + "\"}";
  EXPECT_EQ(code("POST", "/4/auth/access_token", body, "standin-read-token"), "422/41");
  control("POST", "/_standin/request_tokens/" + token + ":approve", R"({"user_id":9})");
  const json::object granted = told("POST", "/4/auth/access_token", body, "standin-read-token");
  EXPECT_EQ(text(granted, "account_id"), Accounts::object_id(9));
  const std::string access = text(granted, "access_token").value_or("");
  const std::string lists = "/4/account/" + Accounts::object_id(9) + "/lists";
  EXPECT_EQ(code("GET", lists, {}, access), "200");
  const std::string end = "{\"access_token\":\"" + access + "\"}";
  EXPECT_EQ(code("DELETE", "/4/auth/access_token", end, "standin-read-token"), "200/13");
  EXPECT_EQ(code("GET", lists, {}, access), "401/35");
}

TEST_F(Authentication, AnAccessTokenBecomesASession) {
  const json::object made = told("POST", std::string("/3/authentication/session/convert/4?") + kKey,
                                 R"({"access_token":"token-7"})");
  EXPECT_EQ(text(made, "session_id"), "session-7-2");
  EXPECT_EQ(code("GET", std::string("/3/account?") + kKey + "&session_id=session-7-2"), "200");
}

TEST_F(Authentication, WithoutAKeyNothingIsAnswered) {
  EXPECT_EQ(code("GET", "/3/account?session_id=session-7"), "401/7");
  EXPECT_EQ(code("GET", "/3/account?api_key=wrong&session_id=session-7"), "401/7");
  EXPECT_EQ(code("GET", "/3/account?session_id=session-7", {}, "standin-read-token"), "200");
  EXPECT_EQ(code("GET", std::string("/3/account?") + kKey), "401/3");
  EXPECT_EQ(code("GET", std::string("/3/account?") + kKey + "&session_id=wrong"), "401/3");
}

TEST_F(Authentication, Version4WantsABearerAndForWritesAUsers) {
  const std::string body = R"({"name":"n","iso_639_1":"en"})";
  EXPECT_EQ(code("POST", std::string("/4/list?") + kKey, body), "401/7");
  EXPECT_EQ(code("POST", "/4/list", body, "wrong"), "401/35");
  EXPECT_EQ(code("POST", "/4/list", body, "standin-read-token"), "401/36");
  EXPECT_EQ(code("POST", "/4/list", body, "token-7"), "201/1");
  EXPECT_EQ(code("POST", std::string("/4/auth/request_token?") + kKey), "401/7");
}

TEST_F(Authentication, AnExpiredCredentialIsWorthNothing) {
  control("POST", "/_standin/sessions/session-7:expire");
  EXPECT_EQ(v3("GET", "/account"), "401/3");
  control("POST", "/_standin/sessions/token-7:expire");
  EXPECT_EQ(v4("GET", "/account/" + Accounts::object_id(7) + "/lists"), "401/35");
  EXPECT_EQ(code("POST", "/_standin/sessions/session-7:expire"), "404");
  EXPECT_EQ(text(control("POST", "/_standin/users", R"({"user_id":7})"), "session_id"),
            "session-7-2");
}

TEST(OpenAccounts, NameTheirUserUntilTheyExpire) {
  AccountSettings settings;
  settings.open = true;
  Accounts accounts(settings);
  EXPECT_TRUE(accounts.is_key("anything"));
  EXPECT_FALSE(accounts.is_key(""));
  EXPECT_EQ(accounts.user_of_session("user-12"), 12);
  EXPECT_EQ(accounts.user_of_token("user-12"), 12);
  EXPECT_FALSE(accounts.user_of_session("user-x"));
  EXPECT_FALSE(accounts.is_read_token("user-12"));
  EXPECT_TRUE(accounts.end_session("user-12"));
  EXPECT_FALSE(accounts.user_of_session("user-12"));
  EXPECT_EQ(accounts.user_of_session("user-13"), 13);
}

}  // namespace
}  // namespace spool::standin
