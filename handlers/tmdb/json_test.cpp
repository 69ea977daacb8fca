#include "handlers/tmdb/json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace spool::tmdb {
namespace {

template <typename T>
T accepted(Parsed<T> parsed) {
  if (const auto* rejection = std::get_if<message::Rejection>(&parsed)) {
    ADD_FAILURE() << rejection->message();
    return {};
  }
  return std::get<T>(std::move(parsed));
}

template <typename T>
std::string refused(const Parsed<T>& parsed) {
  const auto* rejection = std::get_if<message::Rejection>(&parsed);
  return rejection ? rejection->message() : "accepted";
}

TEST(TmdbJson, ListDetailsOfVersionThree) {
  const auto list = accepted(parse_list_details(R"({
    "created_by": "travisbell", "description": "d", "favorite_count": 0, "id": "8136",
    "iso_639_1": "en", "item_count": 2, "items": [
      {"adult": false, "id": 550, "media_type": "movie", "title": "Fight Club",
       "release_date": "1999-10-15", "poster_path": "/a.jpg", "genre_ids": [18]},
      {"id": 551, "title": "Untitled", "release_date": "", "poster_path": null}],
    "name": "n", "page": 1, "total_pages": 3, "total_results": 42, "poster_path": null})"));
  EXPECT_EQ(list.id, 8136);
  EXPECT_EQ(list.name, "n");
  EXPECT_EQ(list.description, "d");
  EXPECT_EQ(list.language, "en");
  EXPECT_FALSE(list.is_public);
  EXPECT_EQ(list.item_count, 2);
  EXPECT_EQ(list.page, 1);
  EXPECT_EQ(list.total_pages, 3);
  EXPECT_EQ(list.total_results, 42);
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].id, 550);
  EXPECT_EQ(list.items[0].title, "Fight Club");
  EXPECT_EQ(list.items[0].date, "1999-10-15");
  EXPECT_EQ(list.items[0].poster_path, "/a.jpg");
  EXPECT_EQ(list.items[1].media_type, MediaType::movie);
  EXPECT_EQ(list.items[1].poster_path, "");
}

TEST(TmdbJson, ListDetailsOfVersionFour) {
  const auto list = accepted(parse_list_details(R"({
    "id": 8136, "name": "n", "description": null, "public": true, "sort_by": "original_order.asc",
    "item_count": 2, "comments": {"movie:1": "good", "tv:1": null, "tv:9": "x"},
    "results": [{"media_type": "movie", "id": 1, "title": "M"},
                {"media_type": "tv", "id": 1, "name": "T", "first_air_date": "2001-01-01"}],
    "page": 2, "total_pages": 2, "total_results": 22})"));
  EXPECT_EQ(list.is_public, true);
  EXPECT_EQ(list.sort_by, "original_order.asc");
  EXPECT_EQ(list.description, "");
  EXPECT_EQ(list.page, 2);
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].comment, "good");
  EXPECT_EQ(list.items[1].media_type, MediaType::tv);
  EXPECT_EQ(list.items[1].title, "T");
  EXPECT_EQ(list.items[1].date, "2001-01-01");
  EXPECT_EQ(list.items[1].comment, "");
}

TEST(TmdbJson, AListWithoutPagesIsOnePage) {
  const auto list = accepted(parse_list_details(R"({"id": 1, "items": [{"id": 5}]})"));
  EXPECT_EQ(list.page, 1);
  EXPECT_EQ(list.total_pages, 1);
  EXPECT_EQ(list.total_results, 1);
  EXPECT_EQ(list.item_count, 1);
}

TEST(TmdbJson, WhatAListCannotBeWithoutIsNamed) {
  EXPECT_EQ(refused(parse_list_details(R"({"items": []})")), "id: is missing, null or 0");
  EXPECT_EQ(refused(parse_list_details(R"({"id": null, "items": []})")),
            "id: is missing, null or 0");
  EXPECT_EQ(refused(parse_list_details(R"({"id": "x1", "items": []})")),
            "id: is not a number that counts");
  EXPECT_EQ(refused(parse_list_details(R"({"id": -1, "items": []})")),
            "id: is not a number that counts");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1.5, "items": []})")),
            "id: is not a number that counts");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1})")), "results: is missing or no array");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1, "items": {}})")),
            "items: is missing or no array");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1, "items": [{"id": 1}, {"id": null}]})")),
            "items[1].id: is missing, null or 0");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1, "items": [7]})")), "items[0]: is no object");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1, "results": [{"id": 1, "media_type": "p"}]})")),
            "results[0].media_type: is neither movie nor tv");
  EXPECT_EQ(refused(parse_list_details(R"({"id": 1, "name": 7, "items": []})")),
            "name: is not a string");
}

TEST(TmdbJson, WhatIsNoObjectIsRefused) {
  for (const char* json : {"", "{", "[]", "7", "null", "<html></html>", "{\"id\": 1",
                           "{\"a\": tru}", "{\"a\": \"\xff\"}", "\xef\xbb\xbf", "{} {}"}) {
    const auto parsed = parse_list_details(json);
    ASSERT_TRUE(std::holds_alternative<message::Rejection>(parsed)) << json;
    const auto& rejection = std::get<message::Rejection>(parsed);
    EXPECT_EQ(rejection.type, message::ErrorType::schema_invalid_json) << json;
    EXPECT_FALSE(rejection.text.empty());
    EXPECT_FALSE(parse_status(json)) << json;
  }
}

TEST(TmdbJson, NestingWithoutEndIsRefused) {
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + "}";
  EXPECT_NE(refused(parse_list_details(deep)), "accepted");
}

TEST(TmdbJson, AccountListsOfVersionThree) {
  const auto page = accepted(parse_account_lists(R"({"page": 1, "results": [
    {"description": "", "favorite_count": 0, "id": 1724, "item_count": 50, "iso_639_1": "en",
     "list_type": "movie", "name": "n", "poster_path": null}],
    "total_pages": 2, "total_results": 21})"));
  EXPECT_EQ(page.total_pages, 2);
  EXPECT_EQ(page.total_results, 21);
  ASSERT_EQ(page.lists.size(), 1U);
  EXPECT_EQ(page.lists[0].id, 1724);
  EXPECT_EQ(page.lists[0].name, "n");
  EXPECT_EQ(page.lists[0].item_count, 50);
  EXPECT_FALSE(page.lists[0].is_public);
  EXPECT_FALSE(page.lists[0].created_at);
}

TEST(TmdbJson, AccountListsOfVersionFour) {
  const auto page = accepted(parse_account_lists(R"({"page": 1, "results": [
    {"id": "7", "name": "n", "number_of_items": "3", "public": 0, "sort_by": 1, "runtime": "118",
     "created_at": "2016-08-26 17:04:39 UTC", "updated_at": 5},
    {"id": 8, "public": "1"}]})"));
  ASSERT_EQ(page.lists.size(), 2U);
  EXPECT_EQ(page.lists[0].id, 7);
  EXPECT_EQ(page.lists[0].item_count, 3);
  EXPECT_EQ(page.lists[0].is_public, false);
  EXPECT_EQ(page.lists[0].created_at, 1'472'231'079LL * 1'000'000);
  EXPECT_FALSE(page.lists[0].updated_at);
  EXPECT_EQ(page.lists[1].is_public, true);
  EXPECT_EQ(page.total_results, 2);
  EXPECT_EQ(refused(parse_account_lists(R"({"results": [{"id": 1, "public": 2}]})")),
            "results[0].public: is neither true nor false");
}

TEST(TmdbJson, ACreatedListHasItsNumberInEitherField) {
  EXPECT_EQ(accepted(parse_created_list(R"({"success": true, "list_id": 5861})")).id, 5861);
  EXPECT_EQ(accepted(parse_created_list(R"({"success": true, "id": "12"})")).id, 12);
  EXPECT_EQ(refused(parse_created_list(R"({"success": true})")), "id: is missing, null or 0");
}

TEST(TmdbJson, WhatWasClearedMayBeCounted) {
  EXPECT_EQ(accepted(parse_cleared(R"({"items_deleted": 3, "id": 1})")).items_deleted, 3);
  EXPECT_FALSE(accepted(parse_cleared(R"({"status_code": 12})")).items_deleted);
}

TEST(TmdbJson, AnItemIsThereOrNot) {
  EXPECT_TRUE(accepted(parse_item_status(R"({"id": "7", "item_present": true})")).present);
  EXPECT_FALSE(accepted(parse_item_status(R"({"id": 7, "item_present": false})")).present);
  EXPECT_TRUE(accepted(parse_item_status(R"({"media_id": 5, "success": true})")).present);
  EXPECT_FALSE(accepted(parse_item_status(R"({"media_id": 5, "success": false})")).present);
  EXPECT_EQ(refused(parse_item_status(R"({"id": 7})")), "item_present: is missing");
}

TEST(TmdbJson, EachItemOfAChangeHasAResult) {
  const auto results = accepted(parse_item_results(R"({"success": true, "results": [
    {"media_type": "movie", "media_id": 5, "success": true},
    {"media_type": "tv", "media_id": "6", "success": false, "error": ["taken"]},
    {"media_type": "tv", "media_id": 7}]})"));
  ASSERT_EQ(results.size(), 3U);
  EXPECT_TRUE(results[0].success);
  EXPECT_EQ(results[1].id, 6);
  EXPECT_EQ(results[1].media_type, MediaType::tv);
  EXPECT_FALSE(results[1].success);
  EXPECT_FALSE(results[2].success);
  EXPECT_EQ(refused(parse_item_results(R"({"success": true})")), "results: is missing or no array");
}

TEST(TmdbJson, TokensAndSessions) {
  const auto token = accepted(parse_request_token(
      R"({"success": true, "expires_at": "2016-08-26 17:04:39 UTC", "request_token": "abc"})"));
  EXPECT_EQ(token.token, "abc");
  EXPECT_EQ(token.expires_at, 1'472'231'079LL * 1'000'000);
  EXPECT_FALSE(accepted(parse_request_token(R"({"request_token": "abc"})")).expires_at);
  EXPECT_EQ(accepted(parse_session(R"({"success": true, "session_id": "s"})")).id, "s");
  const auto access = accepted(parse_access_token(R"({"access_token": "t", "account_id": "4bc"})"));
  EXPECT_EQ(access.token, "t");
  EXPECT_EQ(access.account_id, "4bc");
}

TEST(TmdbJson, ATokenThatWouldBreakOutOfItsHeaderIsRefused) {
  EXPECT_EQ(refused(parse_session(R"({"session_id": "a\r\nb"})")),
            "session_id: has characters that it may not have");
  EXPECT_EQ(refused(parse_session(R"({"session_id": ""})")),
            "session_id: is missing, empty or longer than it may be");
  EXPECT_EQ(refused(parse_session(R"({"session_id": null})")),
            "session_id: is missing, empty or longer than it may be");
  EXPECT_EQ(refused(parse_access_token(R"({"access_token": "t"})")),
            "account_id: is missing, empty or longer than it may be");
}

TEST(TmdbJson, ARejectionDoesNotRepeatTheToken) {
  EXPECT_EQ(refused(parse_session(R"({"session_id": "secret secret"})")).find("secret"),
            std::string::npos);
}

TEST(TmdbJson, TheStatusOfAnAnswer) {
  const auto status =
      parse_status(R"({"success": false, "status_code": 34, "status_message": "not\u0000 found"})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 34);
  EXPECT_EQ(status->success, false);
  EXPECT_EQ(status->message.find('\0'), std::string::npos);
  const auto none = parse_status(R"({"errors": ["x"], "status_code": "7", "success": null})");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->code);
  EXPECT_FALSE(none->success);
  EXPECT_EQ(none->message, "");
}

TEST(TmdbJson, TimesOfBothForms) {
  EXPECT_EQ(parse_time("2016-08-26 17:04:39 UTC"), 1'472'231'079LL * 1'000'000);
  EXPECT_EQ(parse_time("2016-08-26T17:04:39.000Z"), 1'472'231'079LL * 1'000'000);
  for (const char* text : {"", "2016-08-26", "2016-08-26x17:04:39 UTC", "2016-13-26 17:04:39 UTC"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace spool::tmdb
