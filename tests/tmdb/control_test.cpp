#include "tests/tmdb/control.hpp"

#include "tests/tmdb/standin_fixture.hpp"

namespace spool::standin {
namespace {

using ::testing::HasSubstr;

using Control = StandinTest;

TEST_F(Control, SomebodyElsesChangesAreMarked) {
  const std::string list = "/_standin/lists/" + make_list();
  control("POST", list + "/add", movie(1));
  control("POST", list + "/add", movie(1));
  control("POST", list + "/remove", movie(1));
  control("POST", list + "/update", R"({"name":"theirs"})");
  control("POST", list + "/clear");
  control("POST", list + "/delete");
  control("POST", "/_standin/lists", R"({"user_id":7,"name":"new"})");
  EXPECT_EQ(ledger(),
            "create add(outside) add!(outside) remove(outside) update(outside) clear!(outside) "
            "delete(outside) create(outside)");
  EXPECT_EQ(code("POST", list + "/add", movie(1)), "404");
}

TEST_F(Control, TheLedgerNamesEverythingAndGoesOnFromAnyNumber) {
  make_list("with \\\"quotes\\\"");
  v3("POST", "/list/8200001/add_item", movie(550));
  const std::string all = deliver("GET", "/_standin/ledger").answer.body;
  EXPECT_THAT(all,
              HasSubstr(R"({"n":1,"at_ms":1003.000,"user":7,"list_id":8200001,"kind":"create",)"
                        R"("name":"with \"quotes\"","changed":true,"origin":"api"})"));
  EXPECT_EQ(deliver("GET", "/_standin/ledger?since=1").answer.body,
            R"({"n":2,"at_ms":1004.000,"user":7,"list_id":8200001,"kind":"add",)"
            R"("media_type":"movie","media_id":550,"changed":true,"origin":"api"})"
            "\n");
  EXPECT_EQ(deliver("GET", "/_standin/ledger?since=2").answer.body, "");
}

TEST_F(Control, RequestsAreLoggedWithWhatWasAnswered) {
  faults(R"([{"route":"list.create","kind":"drop_answer_after_write","count":1}])");
  make_list();
  v3("GET", "/nowhere");
  v3("GET", "/list/77");
  EXPECT_EQ(deliver("GET", "/_standin/requests").answer.body,
            "{\"n\":1,\"at_ms\":1004.000,\"route\":\"list.create\",\"status\":0,"
            "\"leaves_ms\":1004.000}\n"
            "{\"n\":2,\"at_ms\":1005.000,\"route\":\"unknown\",\"status\":404,"
            "\"leaves_ms\":1005.000}\n"
            "{\"n\":3,\"at_ms\":1006.000,\"route\":\"list.get\",\"target\":\"77\",\"status\":404,"
            "\"leaves_ms\":1006.000}\n");
  const json::object counts = control("GET", "/_standin/counts");
  EXPECT_EQ(counts.at("requests").to_number<int>(), 3);
  EXPECT_EQ(counts.at("effects").to_number<int>(), 1);
  EXPECT_EQ(counts.at("faults").as_array()[0].at("fired").to_number<int>(), 1);
}

TEST_F(Control, TheStateHoldsEveryList) {
  const std::string list = make_list();
  v3("POST", "/list/" + list + "/add_item", movie(2));
  v3("POST", "/list/" + list + "/add_item", movie(1));
  const json::object state = control("GET", "/_standin/state");
  const json::value& mine = state.at("users").as_array()[0].at("lists").as_array()[0];
  EXPECT_EQ(mine.at("name").as_string(), "mine");
  EXPECT_EQ(mine.at("items").as_array()[0].at("media_id").to_number<int>(), 2);
  EXPECT_EQ(mine.at("items").as_array()[1].at("media_id").to_number<int>(), 1);
}

TEST_F(Control, AResetForgetsEverything) {
  faults(R"([{"route":"*","kind":"status"}])");
  const Request late{"GET", "/3/account", {{"api_key", "standin-api-key"}}, {}, {}};
  const Ticket ticket = standin_.arrive(late, at_);
  EXPECT_EQ(deliver("POST", "/_standin/reset").presence, Presence::back);
  standin_.perform(late, ticket, at_);
  EXPECT_EQ(deliver("GET", "/_standin/requests").answer.body, "");
  EXPECT_EQ(ledger(), "");
  EXPECT_EQ(v3("GET", "/account"), "401/3");
}

TEST_F(Control, TheServerGoesAndComes) {
  const Delivery gone = deliver("POST", "/_standin/refuse");
  EXPECT_EQ(gone.presence, Presence::away);
  EXPECT_FALSE(gone.away_ms);
  EXPECT_EQ(deliver("POST", "/_standin/refuse", R"({"ms":40})").away_ms, 40);
  EXPECT_EQ(deliver("POST", "/_standin/resume").presence, Presence::back);
}

TEST_F(Control, WhatItDoesNotKnowIsRefused) {
  EXPECT_EQ(code("GET", "/_standin/what"), "404");
  EXPECT_EQ(code("POST", "/_standin/what"), "404");
  EXPECT_EQ(code("PUT", "/_standin/faults"), "405");
  EXPECT_EQ(code("POST", "/_standin/faults", "x"), "400");
  EXPECT_EQ(code("POST", "/_standin/users", "{}"), "400");
  EXPECT_EQ(code("POST", "/_standin/lists/8200009/add", movie(1)), "404");
}

}  // namespace
}  // namespace spool::standin
