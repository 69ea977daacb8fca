#include "tests/tmdb/standin_process.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "tests/tmdb/plain_http.hpp"

namespace spool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using End = Exchange::End;

class StandinProgram : public ::testing::Test {
 protected:
  // The clock of the server's times.
  static double now_ms() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(since).count();
  }
  Exchange ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    return exchange(standin_.port(), method,
                    path + "?api_key=standin-api-key&session_id=" + user_.session_id, body);
  }
  std::string list_path() {
    EXPECT_EQ(ask("POST", "/3/list", R"({"name":"mine"})").status, 201);
    return "/3/list/" + std::to_string(standin_.state().back().id);
  }
  std::vector<std::string> kinds() {
    std::vector<std::string> all;
    for (const StandinEffect& effect : standin_.ledger()) {
      all.push_back(effect.changed ? effect.kind : effect.kind + "!");
    }
    return all;
  }

  StandinProcess standin_;
  StandinUser user_ = standin_.add_user(7);
};

TEST_F(StandinProgram, ServesTheLifeOfAList) {
  const std::string list = list_path();
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":550})").status, 201);
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":550})").status, 403);
  EXPECT_THAT(standin_.state().at(0).media_ids, ElementsAre(550));
  EXPECT_THAT(ask("GET", list).body, HasSubstr("\"item_count\":1"));
  EXPECT_EQ(ask("POST", list + "/remove_item", R"({"media_id":550})").status, 200);
  EXPECT_EQ(ask("DELETE", list).status, 200);
  EXPECT_EQ(ask("GET", list).status, 404);
  EXPECT_THAT(kinds(), ElementsAre("create", "add", "add!", "remove", "delete"));
  EXPECT_THAT(standin_.state(), IsEmpty());
  EXPECT_EQ(standin_.stop(), 0);
}

TEST_F(StandinProgram, ADroppedAnswerLeavesItsEffect) {
  const std::string list = list_path();
  standin_.set_faults(R"([{"route":"list.add","kind":"drop_answer_after_write","count":1}])");
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":550})").end, End::closed);
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":550})").status, 403);
  EXPECT_THAT(kinds(), ElementsAre("create", "add", "add!"));
  EXPECT_EQ(standin_.requests().at(1).status, 0);
}

TEST_F(StandinProgram, ResetsAndCutsAsTold) {
  const std::string list = list_path();
  standin_.set_faults(R"([{"route":"list.add","kind":"reset_before","count":1},
                          {"route":"list.add","kind":"reset_after","count":1},
                          {"route":"list.get","kind":"truncated_page","count":1}])");
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":1})").end, End::reset);
  EXPECT_THAT(kinds(), ElementsAre("create"));
  EXPECT_EQ(ask("POST", list + "/add_item", R"({"media_id":1})").end, End::reset);
  EXPECT_THAT(kinds(), ElementsAre("create", "add"));
  EXPECT_EQ(ask("GET", list).end, End::cut_short);
  EXPECT_EQ(ask("GET", list).end, End::answered);
}

TEST_F(StandinProgram, ATrickleArrivesPieceByPiece) {
  const std::string list = list_path();
  standin_.set_faults(R"([{"route":"list.get","kind":"trickle","ms":2,"bytes":40,"count":1}])");
  const double before = now_ms();
  const Exchange slow = ask("GET", list);
  EXPECT_EQ(slow.end, End::answered);
  // The body alone is so many pieces, and between two of them pass 2 ms.
  EXPECT_GE(now_ms() - before, 2.0 * static_cast<double>(slow.body.size() / 40));
  EXPECT_GT(slow.body.size(), 100U);
  EXPECT_EQ(slow.body, ask("GET", list).body);
}

TEST_F(StandinProgram, RefusesUntilItIsToldToComeBack) {
  const std::string list = list_path();
  standin_.refuse();
  EXPECT_EQ(ask("GET", list).end, End::refused);
  EXPECT_EQ(ask("GET", list).end, End::refused);
  standin_.resume();
  EXPECT_EQ(ask("GET", list).status, 200);
  standin_.set_faults(R"([{"route":"list.get","kind":"refuse","count":1}])");
  EXPECT_EQ(ask("GET", list).end, End::reset);
  EXPECT_EQ(ask("GET", list).end, End::refused);
  standin_.reset();
  EXPECT_EQ(ask("GET", list).status, 401);
}

TEST_F(StandinProgram, LatencyIsKeptAndTimesAreOfTheSameClock) {
  standin_.set_faults(R"([{"route":"list.create","kind":"latency_ms","ms":30}])");
  const double before = now_ms();
  list_path();
  const double after = now_ms();
  EXPECT_GE(after - before, 30);
  const StandinRequest request = standin_.requests().at(0);
  EXPECT_EQ(request.route, "list.create");
  EXPECT_GE(request.at_ms, before - 1);
  EXPECT_LE(request.at_ms, after - 30);
}

TEST(OpenStandin, TakesUsersByName) {
  StandinProcess standin({"--open", "--latency-ms", "1", "--first-list", "77"});
  const Exchange made = exchange(standin.port(), "POST", "/3/list?api_key=x&session_id=user-41",
                                 R"({"name":"mine"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(standin.ledger().at(0).user, 41);
  EXPECT_EQ(standin.state().at(0).id, 77);
}

}  // namespace
}  // namespace spool::test
