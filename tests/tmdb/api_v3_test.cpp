#include "tests/tmdb/standin_fixture.hpp"

namespace spool::standin {
namespace {

using V3 = StandinTest;

TEST_F(V3, AListIsCreatedReadAndDeleted) {
  const json::object made = v3_told("POST", "/list", R"({"name":"mine","description":"d"})");
  EXPECT_EQ(last_.answer.status, 201);
  EXPECT_EQ(whole_number(made, "status_code"), 1);
  const std::string id = std::to_string(*whole_number(made, "list_id"));
  const json::object read = v3_told("GET", "/list/" + id);
  EXPECT_EQ(text(read, "name"), "mine");
  EXPECT_EQ(text(read, "description"), "d");
  EXPECT_EQ(text(read, "created_by"), "user7");
  EXPECT_EQ(v3("DELETE", "/list/" + id), "200/13");
  EXPECT_EQ(v3("GET", "/list/" + id), "404/34");
  EXPECT_EQ(v3("DELETE", "/list/" + id), "404/34");
  EXPECT_EQ(ledger(), "create delete delete!");
}

TEST_F(V3, AddingTwiceIsADuplicateAndRemovingTwiceFindsNothing) {
  const std::string list = "/list/" + make_list();
  EXPECT_EQ(v3("POST", list + "/add_item", movie(550)), "201/12");
  EXPECT_EQ(v3("POST", list + "/add_item", movie(550)), "403/8");
  EXPECT_EQ(v3("POST", list + "/remove_item", movie(550)), "200/13");
  EXPECT_EQ(v3("POST", list + "/remove_item", movie(550)), "200/21");
  EXPECT_EQ(ledger(), "create add add! remove remove!");
}

TEST_F(V3, ItemStatusTellsWhetherTheMovieIsThere) {
  const std::string list = "/list/" + make_list();
  v3("POST", list + "/add_item", movie(550));
  EXPECT_TRUE(v3_told("GET", list + "/item_status?movie_id=550").at("item_present").as_bool());
  EXPECT_FALSE(v3_told("GET", list + "/item_status?movie_id=551").at("item_present").as_bool());
  EXPECT_EQ(v3("GET", list + "/item_status"), "422/5");
}

TEST_F(V3, ClearingNeedsToBeConfirmed) {
  const std::string list = "/list/" + make_list();
  v3("POST", list + "/add_item", movie(1));
  EXPECT_EQ(v3("POST", list + "/clear"), "400/29");
  EXPECT_EQ(v3("POST", list + "/clear?confirm=true"), "201/12");
  EXPECT_EQ(v3("POST", list + "/clear?confirm=true"), "201/12");
  EXPECT_EQ(ledger(), "create add clear clear!");
}

TEST_F(V3, PagesHaveTwentyItemsInTheOrderOfAdding) {
  const std::string list = "/list/" + make_list();
  for (std::int64_t id = 100; id > 55; --id) v3("POST", list + "/add_item", movie(id));
  const json::object third = v3_told("GET", list + "?page=3");
  EXPECT_EQ(whole_number(third, "total_pages"), 3);
  EXPECT_EQ(whole_number(third, "total_results"), 45);
  const json::array& items = third.at("items").as_array();
  ASSERT_EQ(items.size(), 5U);
  EXPECT_EQ(whole_number(items[0].as_object(), "id"), 60);
  EXPECT_EQ(whole_number(items[4].as_object(), "id"), 56);
  EXPECT_TRUE(v3_told("GET", list + "?page=4").at("items").as_array().empty());
}

TEST_F(V3, PagesBeyondFiveHundredOrBelowOneAreRefused) {
  const std::string list = "/list/" + make_list();
  EXPECT_EQ(v3("GET", list + "?page=500"), "200");
  for (const char* page : {"501", "0", "-1", "one", ""}) {
    EXPECT_EQ(v3("GET", list + "?page=" + page), "400/22") << page;
  }
}

TEST_F(V3, TheAccountsListsComeTwentyAPage) {
  for (int i = 0; i < 21; ++i) make_list("list " + std::to_string(i));
  const json::object first = v3_told("GET", "/account/7/lists");
  EXPECT_EQ(first.at("results").as_array().size(), 20U);
  EXPECT_EQ(whole_number(first, "total_results"), 21);
  const json::object second = v3_told("GET", "/account/7/lists?page=2");
  ASSERT_EQ(second.at("results").as_array().size(), 1U);
  EXPECT_EQ(text(second.at("results").as_array()[0].as_object(), "name"), "list 20");
  EXPECT_EQ(v3("GET", "/account/8/lists"), "401/3");
}

TEST_F(V3, OnlyTheOwnerMayChangeAList) {
  const std::string list = "/3/list/" + make_list();
  const std::string other = std::string("?") + kKey + "&session_id=session-8";
  EXPECT_EQ(code("POST", list + "/add_item" + other, movie(1)), "401/38");
  EXPECT_EQ(code("DELETE", list + other), "401/38");
  EXPECT_EQ(code("GET", list + other), "200");
  EXPECT_EQ(ledger(), "create");
}

TEST_F(V3, WhatIsMissingOrWrongHasItsOwnCode) {
  const std::string list = "/list/" + make_list();
  EXPECT_EQ(v3("POST", "/list", "{}"), "422/5");
  EXPECT_EQ(v3("POST", "/list", "{nonsense"), "400/47");
  EXPECT_EQ(v3("POST", list + "/add_item", "{}"), "422/5");
  EXPECT_EQ(v3("POST", list + "/add_item", movie(2'000'000'001)), "404/34");
  EXPECT_EQ(v3("GET", "/list/999"), "404/34");
  EXPECT_EQ(v3("GET", "/list/abc"), "404/6");
  EXPECT_EQ(v3("GET", "/nowhere"), "404/34");
  EXPECT_EQ(v3("PUT", list), "405/42");
}

}  // namespace
}  // namespace spool::standin
