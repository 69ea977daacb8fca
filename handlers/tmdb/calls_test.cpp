#include "handlers/tmdb/calls.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spool::tmdb {
namespace {

const Credentials kThree = Credentials::of_session("ses/1", "77");
const Credentials kFour = Credentials::of_token("user-token", "4bc8892a");

// "METHOD target body | authorization"
std::string shown(const Calls::Made& made) {
  if (!made.ok()) return made.failure().text;
  std::string text = made->method + " " + made->target + " " + made->body + " |";
  for (const auto& header : made->headers)
    if (header.name == "Authorization") text += " " + header.value;
  return text;
}

Calls calls() {
  return Calls({"key", false});
}

TEST(TmdbCalls, OfVersionThreeHaveTheSessionInTheQueryAndTheKeyInTheHeader) {
  const std::string end = "session_id=ses%2F1 ";
  EXPECT_EQ(shown(calls().delete_list(kThree, 5)), "DELETE /list/5?" + end + " | Bearer key");
  EXPECT_EQ(shown(calls().clear_list(kThree, 5)),
            "POST /list/5/clear?confirm=true&" + end + " | Bearer key");
  EXPECT_EQ(shown(calls().add_movie(kThree, 5, 550)),
            "POST /list/5/add_item?" + end + "{\"media_id\":550} | Bearer key");
  EXPECT_EQ(shown(calls().remove_movie(kThree, 5, 550)),
            "POST /list/5/remove_item?" + end + "{\"media_id\":550} | Bearer key");
  EXPECT_EQ(shown(calls().list_details(kThree, 5, 2)),
            "GET /list/5?page=2&" + end + " | Bearer key");
  EXPECT_EQ(shown(calls().item_status(kThree, 5, 550)),
            "GET /list/5/item_status?movie_id=550&" + end + " | Bearer key");
  EXPECT_EQ(shown(calls().account_lists(kThree, 3)),
            "GET /account/77/lists?page=3&" + end + " | Bearer key");
}

TEST(TmdbCalls, OfVersionFourHaveTheUsersTokenInTheHeader) {
  EXPECT_EQ(shown(calls().delete_list(kFour, 5)), "DELETE /list/5  | Bearer user-token");
  EXPECT_EQ(shown(calls().clear_list(kFour, 5)), "GET /list/5/clear  | Bearer user-token");
  const std::string items = R"({"items":[{"media_type":"movie","media_id":550}]})";
  EXPECT_EQ(shown(calls().add_movie(kFour, 5, 550)),
            "POST /list/5/items " + items + " | Bearer user-token");
  EXPECT_EQ(shown(calls().remove_movie(kFour, 5, 550)),
            "DELETE /list/5/items " + items + " | Bearer user-token");
  EXPECT_EQ(shown(calls().list_details(kFour, 5, 2)), "GET /list/5?page=2  | Bearer user-token");
  EXPECT_EQ(shown(calls().item_status(kFour, 5, 550)),
            "GET /list/5/item_status?media_id=550&media_type=movie  | Bearer user-token");
  EXPECT_EQ(shown(calls().account_lists(kFour, 1)),
            "GET /account/4bc8892a/lists?page=1  | Bearer user-token");
}

TEST(TmdbCalls, TheKeyStandsInTheQueryWhereThatIsConfigured) {
  const Calls in_query({"k&y", true});
  EXPECT_EQ(shown(in_query.request_token()), "GET /authentication/token/new?api_key=k%26y  |");
  EXPECT_EQ(shown(in_query.delete_list(kThree, 5)),
            "DELETE /list/5?session_id=ses%2F1&api_key=k%26y  |");
  // Version 4 knows no such thing.
  EXPECT_EQ(shown(in_query.request_token_v4("")), "POST /auth/request_token {} | Bearer k&y");
}

TEST(TmdbCalls, ANewList) {
  NewList list("My \"list\"");
  list.description = "d";
  EXPECT_EQ(shown(calls().create_list(kThree, list)),
            R"(POST /list?session_id=ses%2F1 {"name":"My \"list\"","description":"d",)"
            R"("language":"en"} | Bearer key)");
  list.is_public = false;
  list.country = "DE";
  EXPECT_EQ(shown(calls().create_list(kFour, list)),
            R"(POST /list {"name":"My \"list\"","description":"d","iso_639_1":"en",)"
            R"("iso_3166_1":"DE","public":0} | Bearer user-token)");
  list.is_public = true;
  EXPECT_NE(shown(calls().create_list(kFour, list)).find("\"public\":1"), std::string::npos);
}

TEST(TmdbCalls, AListIsNeverMorePublicThanItWasMeantToBe) {
  NewList list("n");
  list.is_public = false;
  EXPECT_FALSE(calls().create_list(kThree, list).ok());
  list.is_public = true;
  EXPECT_TRUE(calls().create_list(kThree, list).ok());
}

TEST(TmdbCalls, AChangeNamesWhatChanges) {
  ListChange change;
  change.name = "n";
  change.is_public = false;
  EXPECT_EQ(shown(calls().update_list(kFour, 5, change)),
            R"(PUT /list/5 {"name":"n","public":0} | Bearer user-token)");
  change = {};
  change.description = "";
  change.language = "de";
  change.sort_by = "title.asc";
  EXPECT_EQ(shown(calls().update_list(kFour, 5, change)),
            R"(PUT /list/5 {"description":"","iso_639_1":"de","sort_by":"title.asc"})"
            " | Bearer user-token");
  EXPECT_FALSE(calls().update_list(kThree, 5, change).ok());
}

TEST(TmdbCalls, LoggingInAndOut) {
  EXPECT_EQ(shown(calls().request_token()), "GET /authentication/token/new  | Bearer key");
  EXPECT_EQ(shown(calls().create_session("t")),
            R"(POST /authentication/session/new {"request_token":"t"} | Bearer key)");
  EXPECT_EQ(shown(calls().convert_session("t")),
            R"(POST /authentication/session/convert/4 {"access_token":"t"} | Bearer key)");
  EXPECT_EQ(shown(calls().request_token_v4("https://a/b")),
            R"(POST /auth/request_token {"redirect_to":"https://a/b"} | Bearer key)");
  EXPECT_EQ(shown(calls().access_token("t")),
            R"(POST /auth/access_token {"request_token":"t"} | Bearer key)");
  EXPECT_EQ(shown(calls().delete_session(kThree)),
            R"(DELETE /authentication/session {"session_id":"ses/1"} | Bearer key)");
  EXPECT_EQ(shown(calls().delete_session(kFour)),
            R"(DELETE /auth/access_token {"access_token":"user-token"} | Bearer key)");
}

TEST(TmdbCalls, WhatStandsInAnAddressIsEncoded) {
  EXPECT_EQ(encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(encode("a b/&?%\r\n\xc3\xa4"), "a%20b%2F%26%3F%25%0D%0A%C3%A4");
  const auto user = Credentials::of_token("t", "../x?");
  EXPECT_EQ(shown(calls().account_lists(user, 1)),
            "GET /account/..%2Fx%3F/lists?page=1  | Bearer t");
}

}  // namespace
}  // namespace spool::tmdb
