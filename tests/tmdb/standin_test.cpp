#include "tests/tmdb/standin_fixture.hpp"

namespace spool::standin {
namespace {

class StandinFaults : public StandinTest {
 protected:
  // A rule for `route` and the delivery of adding a movie under it.
  const Delivery& add_under(const std::string& rule) {
    list_ = "/list/" + make_list();
    faults(rule);
    v3("POST", list_ + "/add_item", movie(550));
    return last_;
  }
  static std::string adding(const std::string& more) {
    return R"([{"route":"list.add",)" + more + "}]";
  }
  std::string header(const std::string& name) {
    for (const auto& [known, value] : last_.answer.headers) {
      if (known == name) return value;
    }
    return "none";
  }

  std::string list_;
};

TEST_F(StandinFaults, BeforeTheApiLeaveNoEffect) {
  EXPECT_EQ(add_under(adding(R"("kind":"status","code":9)")).answer.status, 503);
  EXPECT_EQ(add_under(adding(R"("kind":"status","code":11,"status":502)")).answer.status, 502);
  EXPECT_EQ(add_under(adding(R"("kind":"reset_before")")).ending, Ending::reset);
  EXPECT_EQ(add_under(adding(R"("kind":"html_200")")).answer.content_type, "text/html");
  EXPECT_EQ(last_.answer.status, 200);
  EXPECT_EQ(add_under(adding(R"("kind":"refuse","ms":50)")).presence, Presence::away);
  EXPECT_EQ(last_.away_ms, 50);
  EXPECT_EQ(ledger(), "create create create create create");
}

TEST_F(StandinFaults, RateLimitsTellHowLongOrNot) {
  add_under(adding(R"("kind":"rate_limited")"));
  EXPECT_EQ(last_.answer.status, 429);
  EXPECT_EQ(header("Retry-After"), "none");
  add_under(adding(R"("kind":"rate_limited","retry_after":3)"));
  EXPECT_EQ(header("Retry-After"), "3");
  add_under(adding(R"("kind":"html_429")"));
  EXPECT_EQ(last_.answer.status, 429);
  EXPECT_EQ(last_.answer.content_type, "text/html");
  EXPECT_EQ(header("Retry-After"), "1");
}

TEST_F(StandinFaults, AfterTheApiLeaveTheEffect) {
  EXPECT_EQ(add_under(adding(R"("kind":"drop_answer_after_write")")).ending, Ending::closed);
  EXPECT_EQ(add_under(adding(R"("kind":"reset_after")")).ending, Ending::reset);
  EXPECT_EQ(add_under(adding(R"("kind":"truncated_page")")).ending, Ending::cut_short);
  EXPECT_EQ(add_under(adding(R"("kind":"trickle","ms":2,"bytes":3)")).trickle_ms, 2);
  EXPECT_EQ(last_.trickle_bytes, 3);
  EXPECT_EQ(ledger(), "create add create add create add create add");
}

TEST_F(StandinFaults, ADeleteThatSaysItFailedHasDeleted) {
  const std::string list = "/list/" + make_list();
  faults(R"([{"route":"list.delete","kind":"delete_500_11"}])");
  EXPECT_EQ(v3("DELETE", list), "500/11");
  EXPECT_EQ(v3("GET", list), "404/34");
  EXPECT_EQ(v3("DELETE", list), "404/34");
}

TEST_F(StandinFaults, BendPages) {
  const std::string list = "/list/" + make_list();
  v3("POST", list + "/add_item", movie(550));
  faults(R"([{"route":"list.get","kind":"total_pages_over_500","count":1},
             {"route":"list.get","kind":"null_ids","count":1},
             {"route":"list.get","kind":"truncated_page","clean":true,"count":1}])");
  const json::object pages = v3_told("GET", list);
  EXPECT_EQ(whole_number(pages, "total_pages"), 58'326);
  EXPECT_EQ(pages.at("items").as_array().size(), 1U);
  EXPECT_TRUE(v3_told("GET", list).at("items").as_array()[0].at("id").is_null());
  const Delivery half = deliver("GET", "/3" + list + "?" + kKey);
  EXPECT_EQ(half.ending, Ending::whole);
  EXPECT_FALSE(parse_object(half.answer.body));
}

TEST_F(StandinFaults, ALateEffectWaitsForItsTime) {
  const std::string list = make_list();
  faults(R"([{"route":"list.add","kind":"late_effect_ms","ms":500}])");
  const Request request{"POST",
                        "/3/list/" + list + "/add_item",
                        {{"api_key", "standin-api-key"}, {"session_id", "session-7"}},
                        {},
                        movie(550)};
  const Ticket ticket = standin_.arrive(request, at_);
  EXPECT_EQ(ticket.met.late_effect_ms, 500);
  EXPECT_EQ(ledger(), "create");
  EXPECT_EQ(standin_.perform(request, ticket, at_).answer.status, 201);
  EXPECT_EQ(ledger(), "create add");
}

}  // namespace
}  // namespace spool::standin
