#include "tests/tmdb/standin_fixture.hpp"

namespace spool::standin {
namespace {

class V4 : public StandinTest {
 protected:
  std::string make(const std::string& more = {}) {
    const json::object made =
        v4_told("POST", "/list", R"({"name":"mine","iso_639_1":"en")" + more + "}");
    EXPECT_EQ(last_.answer.status, 201) << last_.answer.body;
    return "/list/" + std::to_string(whole_number(made, "id").value_or(0));
  }
  bool is_public(const std::string& list) { return v4_told("GET", list).at("public").as_bool(); }
};

TEST_F(V4, PublicIsHeardAsANumberOnly) {
  EXPECT_TRUE(is_public(make(R"(,"public":false)")));
  EXPECT_FALSE(is_public(make(R"(,"public":0)")));
  EXPECT_TRUE(is_public(make()));
}

TEST_F(V4, SingleItemsFailInsideASuccess) {
  const std::string list = make();
  const std::string items =
      R"({"items":[{"media_type":"movie","media_id":1},{"media_type":"tv","media_id":1},)"
      R"({"media_type":"movie","media_id":1},{"media_type":"person","media_id":2}]})";
  const json::object added = v4_told("POST", list + "/items", items);
  EXPECT_TRUE(added.at("success").as_bool());
  std::string results;
  for (const json::value& one : added.at("results").as_array()) {
    results += one.at("success").as_bool() ? '+' : '-';
  }
  EXPECT_EQ(results, "++--");
  EXPECT_EQ(ledger(), "create add add add!");
  EXPECT_EQ(v4("DELETE", list + "/items", R"({"items":[{"media_type":"tv","media_id":1}]})"),
            "200/1");
  EXPECT_EQ(whole_number(v4_told("GET", list), "item_count"), 1);
  EXPECT_EQ(v4("POST", list + "/items", "{}"), "422/5");
}

TEST_F(V4, OnlyPutStoresComments) {
  const std::string list = make();
  const std::string items = R"({"items":[{"media_type":"movie","media_id":1,"comment":"good"}]})";
  v4("POST", list + "/items", items);
  EXPECT_TRUE(v4_told("GET", list).at("comments").at("movie:1").is_null());
  v4("PUT", list + "/items", items);
  EXPECT_EQ(v4_told("GET", list).at("comments").at("movie:1").as_string(), "good");
  EXPECT_EQ(ledger(), "create add update");
}

TEST_F(V4, AListIsChangedAndDeleted) {
  const std::string list = make();
  EXPECT_EQ(v4("PUT", list, R"({"name":"other","public":0})"), "201/12");
  EXPECT_EQ(v4("PUT", list, R"({"name":"other"})"), "201/12");
  EXPECT_EQ(v4("PUT", list), "200/40");
  EXPECT_EQ(text(v4_told("GET", list), "name"), "other");
  EXPECT_FALSE(is_public(list));
  EXPECT_EQ(v4("DELETE", list), "200/13");
  EXPECT_EQ(v4("DELETE", list), "404/34");
  EXPECT_EQ(ledger(), "create update update! delete delete!");
}

TEST_F(V4, ClearingIsAGetAndTellsHowMany) {
  const std::string list = make();
  v4("POST", list + "/items", R"({"items":[{"media_type":"movie","media_id":1}]})");
  EXPECT_EQ(v4("POST", list + "/clear"), "404/34");
  EXPECT_EQ(whole_number(v4_told("GET", list + "/clear"), "items_deleted"), 1);
  EXPECT_EQ(whole_number(v4_told("GET", list + "/clear"), "items_deleted"), 0);
  EXPECT_EQ(ledger(), "create add clear clear!");
}

TEST_F(V4, ItemStatusDoesNotTellAbsentThingsApart) {
  const std::string list = make(R"(,"public":0)");
  v4("POST", list + "/items", R"({"items":[{"media_type":"movie","media_id":1}]})");
  const std::string query = "/item_status?media_type=movie&media_id=";
  EXPECT_EQ(v4("GET", list + query + "1"), "200/1");
  EXPECT_EQ(v4("GET", list + query + "2"), "404/34");
  EXPECT_EQ(v4("GET", "/list/999" + query + "1"), "404/34");
  EXPECT_EQ(code("GET", "/4" + list + query + "1", {}, "token-8"), "404/34");
}

TEST_F(V4, APrivateListIsItsOwnersAlone) {
  const std::string list = make(R"(,"public":0)");
  EXPECT_EQ(v4("GET", list), "200");
  EXPECT_EQ(code("GET", "/4" + list, {}, "token-8"), "401/39");
  EXPECT_EQ(code("GET", "/4" + list, {}, "standin-read-token"), "401/39");
  EXPECT_EQ(code("GET", "/3" + list + "?" + kKey), "401/39");
  EXPECT_EQ(code("PUT", "/4" + list, R"({"name":"x"})", "token-8"), "401/38");
}

TEST_F(V4, TheAccountsListsHaveOtherTypesThanAList) {
  make(R"(,"public":0)");
  const json::object lists = v4_told("GET", "/account/" + Accounts::object_id(7) + "/lists");
  ASSERT_EQ(lists.at("results").as_array().size(), 1U);
  const json::object& one = lists.at("results").as_array()[0].as_object();
  EXPECT_EQ(whole_number(one, "public"), 0);
  EXPECT_EQ(whole_number(one, "sort_by"), 1);
  EXPECT_EQ(whole_number(one, "number_of_items"), 0);
  EXPECT_EQ(text(one, "runtime"), "0");
  EXPECT_EQ(text(one, "created_at"), "2027-01-15 08:00:00 UTC");
  EXPECT_EQ(v4("GET", "/account/" + Accounts::object_id(8) + "/lists"), "401/3");
}

}  // namespace
}  // namespace spool::standin
