#include "handlers/tmdb/client.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "engine/http/test_server_test_support.hpp"

namespace spool::tmdb {
namespace {

using namespace std::chrono_literals;
using enum message::ErrorType;
using http::answer;
using std::chrono::steady_clock;

constexpr const char* kReset = "";
constexpr const char* kSilence = "silence";

// Gives the answers in their order, whoever asks for what.
class Service {
 public:
  explicit Service(std::vector<std::string> answers) : answers_(std::move(answers)) {}

  void serve(http::Peer& peer) {
    while (auto request = peer.read_request()) {
      const std::string text = take(std::move(*request));
      if (text == kReset) return peer.reset();
      if (text != kSilence) peer.write(text);
    }
  }

  // "METHOD target body" of each request.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  std::string take(std::string request) {
    const std::lock_guard lock(mutex_);
    const std::string line = request.substr(0, request.find(" HTTP/1.1"));
    requests_.push_back(line + " " + request.substr(request.find("\r\n\r\n") + 4));
    const std::size_t index = requests_.size() - 1;
    return index < answers_.size() ? answers_[index] : answer(599, "{}");
  }

  std::mutex mutex_;
  const std::vector<std::string> answers_;
  std::vector<std::string> requests_;
};

class Granted : public Permits {
 public:
  boost::asio::awaitable<std::optional<Instant>> acquire(Instant) override {
    ++asked;
    std::optional<Instant> permit;
    if (asked <= granted) permit = steady_clock::now() + lasts;
    co_return permit;
  }

  int asked = 0;
  int granted = 1000;
  std::chrono::milliseconds lasts = 10s;
};

class TmdbClient : public ::testing::Test {
 protected:
  void serve(std::vector<std::string> answers) {
    service = std::make_unique<Service>(std::move(answers));
    server = std::make_unique<http::TestServer>([this](http::Peer& peer) { service->serve(peer); });
    ClientSettings settings;
    settings.base_url_v3 = server->url() + "/3";
    settings.base_url_v4 = server->url() + "/4";
    settings.application.key = "app-secret";
    auto made = Client::make(loop.io, settings, permits, [this](const Observation& seen) {
      observed.push_back(std::string(to_string(seen.operation)) + " " + std::string(seen.outcome) +
                         " " + std::string(seen.correlation_id));
      EXPECT_GE(seen.seconds.count(), 0);
    });
    ASSERT_TRUE(made.ok()) << made.failure().text;
    client = std::move(*made);
  }

  static CallContext context() {
    CallContext made(steady_clock::now() + 10s);
    made.correlation_id = "c1";
    return made;
  }

  http::TestLoop loop;
  std::shared_ptr<Granted> permits = std::make_shared<Granted>();
  std::vector<std::string> observed;
  std::unique_ptr<Service> service;
  std::unique_ptr<http::TestServer> server;
  std::unique_ptr<Client> client;
  const Credentials three = Credentials::of_session("user-secret", "77");
  const Credentials four = Credentials::of_token("user-secret", "4bc");
};

template <typename T>
T good(const CallResult<T>& result) {
  if (const auto* failure = std::get_if<CallFailure>(&result)) {
    ADD_FAILURE() << failure->text;
    return {};
  }
  return std::get<T>(result);
}

template <typename T>
CallFailure bad(const CallResult<T>& result) {
  const auto* failure = std::get_if<CallFailure>(&result);
  if (!failure) ADD_FAILURE() << "it did not fail";
  CallFailure seen = failure ? *failure : CallFailure{};
  EXPECT_EQ(seen.text.find("secret"), std::string::npos) << seen.text;
  EXPECT_FALSE(failure && seen.text.empty());
  return seen;
}

std::string ok(int code) {
  return answer(200, R"({"success":true,"status_code":)" + std::to_string(code) + "}");
}

std::string no(int http_status, int code, std::string_view headers = "") {
  return answer(
      http_status,
      R"({"success":false,"status_code":)" + std::to_string(code) + R"(,"status_message":"why"})",
      headers);
}

using Lines = std::vector<std::string>;

TEST_F(TmdbClient, MakesAListAndSaysSo) {
  serve({answer(201, R"({"success":true,"status_code":1,"list_id":5861})")});
  const auto made = loop.run(client->create_list(three, context(), NewList("n")));
  EXPECT_EQ(good(made).id, 5861);
  EXPECT_EQ(
      service->requests(),
      Lines{
          R"(POST /3/list?session_id=user-secret {"name":"n","description":"","language":"en"})"});
  EXPECT_EQ(observed, Lines{"create_list done c1"});
  EXPECT_EQ(permits->asked, 1);
}

TEST_F(TmdbClient, AnAnswerThatIsLostLeavesAChangeInDoubtAndIsNotAskedForAgain) {
  serve({kReset});
  const auto failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_network);
  EXPECT_TRUE(failure.in_doubt);
  EXPECT_FALSE(failure.not_begun);
  EXPECT_EQ(service->requests().size(), 1U);
  EXPECT_EQ(observed, Lines{"create_list upstream.network c1"});
}

TEST_F(TmdbClient, AnAnswerThatCannotBeReadLeavesAChangeInDoubt) {
  serve({answer(201, R"({"success":true})"), answer(200, "<html>")});
  auto failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_server_error);
  EXPECT_TRUE(failure.in_doubt);
  failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_server_error);
  EXPECT_TRUE(failure.in_doubt);
}

TEST_F(TmdbClient, ARefusalIsConclusive) {
  serve({no(401, 3), no(429, 25, "Retry-After: 7\r\n"),
         answer(429, "<html>", "Retry-After: 300\r\n")});
  auto failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_auth);
  EXPECT_FALSE(failure.in_doubt);
  EXPECT_EQ(failure.text, "create_list: HTTP 401, TMDB 3: why");
  failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_rate_limited);
  EXPECT_EQ(failure.retry_after, 7s);
  EXPECT_FALSE(failure.in_doubt);
  failure = bad(loop.run(client->create_list(three, context(), NewList("n"))));
  EXPECT_EQ(failure.type, upstream_rate_limited);
  EXPECT_EQ(failure.retry_after, 300s);
}

TEST_F(TmdbClient, SilenceEndsAtTheDeadlineInDoubt) {
  serve({kSilence});
  CallContext soon(steady_clock::now() + 50ms);
  const auto failure = bad(loop.run(client->add_movie(three, soon, 5, 550)));
  EXPECT_EQ(failure.type, upstream_timeout);
  EXPECT_TRUE(failure.in_doubt);
}

TEST_F(TmdbClient, WhatVersionThreeCannotDoIsRefusedWithoutARequest) {
  serve({});
  NewList list("n");
  list.is_public = false;
  EXPECT_EQ(bad(loop.run(client->create_list(three, context(), list))).type, upstream_rejected);
  EXPECT_EQ(bad(loop.run(client->update_list(three, context(), 5, {}))).type, upstream_rejected);
  EXPECT_TRUE(service->requests().empty());
  EXPECT_EQ(permits->asked, 0);
}

TEST_F(TmdbClient, UpdatesAndClearsAList) {
  serve({ok(12), answer(200, R"({"items_deleted":3,"id":5,"success":true})"), ok(12)});
  ListChange change;
  change.is_public = false;
  good(loop.run(client->update_list(four, context(), 5, change)));
  EXPECT_EQ(good(loop.run(client->clear_list(four, context(), 5))).items_deleted, 3);
  EXPECT_FALSE(good(loop.run(client->clear_list(three, context(), 5))).items_deleted);
  EXPECT_EQ(service->requests(),
            (Lines{R"(PUT /4/list/5 {"public":0})", "GET /4/list/5/clear ",
                   "POST /3/list/5/clear?confirm=true&session_id=user-secret "}));
}

TEST_F(TmdbClient, AGetThatChangesSomethingIsNotRepeated) {
  serve({kReset});
  const auto failure = bad(loop.run(client->clear_list(four, context(), 5)));
  EXPECT_TRUE(failure.in_doubt);
  EXPECT_EQ(service->requests().size(), 1U);
}

TEST_F(TmdbClient, ADeletionThatFailedAndHappenedIsDone) {
  serve({no(500, 11), no(404, 34)});
  good(loop.run(client->delete_list(three, context(), 5)));
  EXPECT_EQ(service->requests(), (Lines{"DELETE /3/list/5?session_id=user-secret ",
                                        "GET /3/list/5?page=1&session_id=user-secret "}));
  EXPECT_EQ(observed, (Lines{"delete_list unsure c1", "list_details upstream.not_found c1"}));
  EXPECT_EQ(permits->asked, 2);
}

TEST_F(TmdbClient, ADeletionThatFailedAndDidNotHappenHasFailed) {
  serve({no(500, 11), answer(200, R"({"id":5,"items":[]})")});
  const auto failure = bad(loop.run(client->delete_list(three, context(), 5)));
  EXPECT_EQ(failure.type, upstream_server_error);
  EXPECT_FALSE(failure.in_doubt);
}

TEST_F(TmdbClient, ADeletionThatCannotBeReadBackIsInDoubt) {
  serve({no(500, 11), no(503, 9), no(500, 11)});
  auto failure = bad(loop.run(client->delete_list(three, context(), 5)));
  EXPECT_EQ(failure.type, upstream_server_error);
  EXPECT_TRUE(failure.in_doubt);
  permits->granted = permits->asked + 1;
  failure = bad(loop.run(client->delete_list(three, context(), 5)));
  EXPECT_TRUE(failure.in_doubt);
  EXPECT_FALSE(failure.not_begun);
}

TEST_F(TmdbClient, AListThatIsNotThereHasBeenDeleted) {
  serve({no(404, 34)});
  good(loop.run(client->delete_list(four, context(), 5)));
  EXPECT_EQ(service->requests().size(), 1U);
}

TEST_F(TmdbClient, AddingWhatIsThereAndRemovingWhatIsNotIsDone) {
  serve({no(403, 8), no(404, 34), answer(200, R"({"success":false,"status_code":21})")});
  good(loop.run(client->add_movie(three, context(), 5, 550)));
  good(loop.run(client->remove_movie(three, context(), 5, 550)));
  good(loop.run(client->remove_movie(three, context(), 5, 550)));
}

TEST_F(TmdbClient, InVersionFourTheMoviesOwnResultCounts) {
  const auto result = [](const char* success) {
    return answer(200, std::string(R"({"success":true,"status_code":1,"results":[)") +
                           R"({"media_type":"movie","media_id":550,"success":)" + success + "}]}");
  };
  const std::string present =
      answer(200, R"({"media_type":"movie","media_id":550,"success":true})");
  serve({result("true"),                // added
         result("false"), present,      // there already
         result("false"), no(404, 34),  // refused
         result("false"), no(404, 34),  // removing what is not there
         result("false"), no(503, 46),  // nobody knows
         ok(12), present});             // no results at all
  good(loop.run(client->add_movie(four, context(), 5, 550)));
  good(loop.run(client->add_movie(four, context(), 5, 550)));
  auto failure = bad(loop.run(client->add_movie(four, context(), 5, 550)));
  EXPECT_EQ(failure.type, upstream_rejected);
  EXPECT_FALSE(failure.in_doubt);
  good(loop.run(client->remove_movie(four, context(), 5, 550)));
  failure = bad(loop.run(client->remove_movie(four, context(), 5, 550)));
  EXPECT_EQ(failure.type, upstream_unavailable);
  EXPECT_TRUE(failure.in_doubt);
  good(loop.run(client->add_movie(four, context(), 5, 550)));
  EXPECT_EQ(service->requests().size(), 11U);
}

TEST_F(TmdbClient, AReadIsRepeatedOnceWhenTheNetworkFailed) {
  const std::string page = answer(200, R"({"id":5,"items":[{"id":1}]})");
  serve({kReset, page, kReset, kReset, page});
  EXPECT_EQ(good(loop.run(client->list_details(three, context(), 5, 1))).items.size(), 1U);
  EXPECT_EQ(permits->asked, 2);
  const auto failure = bad(loop.run(client->list_details(three, context(), 5, 1)));
  EXPECT_EQ(failure.type, upstream_network);
  EXPECT_FALSE(failure.in_doubt);
  EXPECT_EQ(service->requests().size(), 4U);
}

TEST_F(TmdbClient, ALoginThatWasLostIsNotRepeated) {
  serve({kReset});
  const auto failure = bad(loop.run(client->create_session(context(), "r3")));
  EXPECT_EQ(failure.type, upstream_network);
  EXPECT_EQ(service->requests().size(), 1U);
}

std::string page_of(int page, int pages, int total, const std::string& ids) {
  return answer(200, R"({"id":5,"name":"n","page":)" + std::to_string(page) + R"(,"total_pages":)" +
                         std::to_string(pages) + R"(,"total_results":)" + std::to_string(total) +
                         R"(,"results":[)" + ids + "]}");
}

TEST_F(TmdbClient, AWholeListIsAllOfItsPages) {
  serve({page_of(1, 3, 5, R"({"id":1},{"id":2})"), page_of(2, 3, 5, R"({"id":3},{"id":4})"),
         page_of(3, 3, 5, R"({"id":5})")});
  const auto whole = good(loop.run(client->whole_list(four, context(), 5)));
  EXPECT_TRUE(whole.complete);
  ASSERT_EQ(whole.list.items.size(), 5U);
  EXPECT_EQ(whole.list.items[4].id, 5);
  EXPECT_EQ(permits->asked, 3);
}

TEST_F(TmdbClient, AListThatChangesBetweenItsPagesIsNotComplete) {
  serve({page_of(1, 2, 3, R"({"id":1},{"id":2})"), page_of(2, 2, 4, R"({"id":3},{"id":4})")});
  const auto whole = good(loop.run(client->whole_list(four, context(), 5)));
  EXPECT_FALSE(whole.complete);
  EXPECT_EQ(whole.list.items.size(), 4U);
}

TEST_F(TmdbClient, APageThatFailsFailsTheList) {
  serve({page_of(1, 2, 3, R"({"id":1})"), answer(200, R"({"id":5,"page":2,"items":[)"),
         page_of(1, 2, 3, R"({"id":1})"), page_of(1, 2, 3, R"({"id":1})")});
  auto failure = bad(loop.run(client->whole_list(four, context(), 5)));
  EXPECT_EQ(failure.type, upstream_server_error);
  // Another page than asked for, again and again: a list would never end.
  failure = bad(loop.run(client->whole_list(four, context(), 5)));
  EXPECT_EQ(failure.type, upstream_server_error);
  EXPECT_FALSE(failure.in_doubt);
}

TEST_F(TmdbClient, NoPageIsAskedForBeyondTheLastThatTmdbAnswers) {
  std::vector<std::string> pages;
  for (int i = 1; i <= 500; ++i)
    pages.push_back(answer(200, R"({"page":)" + std::to_string(i) +
                                    R"(,"total_pages":58326,"total_results":9,"results":[{"id":)" +
                                    std::to_string(i) + "}]}"));
  serve(pages);
  const auto all = good(loop.run(client->all_account_lists(four, context())));
  EXPECT_FALSE(all.complete);
  EXPECT_EQ(all.lists.size(), 500U);
  EXPECT_EQ(service->requests().size(), 500U);
  EXPECT_EQ(service->requests().back(), "GET /4/account/4bc/lists?page=500 ");
}

TEST_F(TmdbClient, AnItemThatIsNotThereIsAnAnswerInVersionFour) {
  serve({no(404, 34), answer(200, R"({"id":"5","item_present":false})"), no(404, 34)});
  EXPECT_FALSE(good(loop.run(client->item_status(four, context(), 5, 550))).present);
  EXPECT_FALSE(good(loop.run(client->item_status(three, context(), 5, 550))).present);
  EXPECT_EQ(bad(loop.run(client->item_status(three, context(), 5, 550))).type, upstream_not_found);
}

TEST_F(TmdbClient, LogsInAndOut) {
  serve({answer(200, R"({"request_token":"r3"})"), answer(200, R"({"session_id":"s"})"),
         answer(200, R"({"request_token":"r4"})"),
         answer(200, R"({"access_token":"a","account_id":"4bc"})"),
         answer(200, R"({"session_id":"s4"})"), answer(200, R"({"success":true})"),
         answer(401, R"({"success":false,"failure":true,"status_code":17})")});
  EXPECT_EQ(good(loop.run(client->request_token(context()))).token, "r3");
  EXPECT_EQ(good(loop.run(client->create_session(context(), "r3"))).id, "s");
  EXPECT_EQ(good(loop.run(client->request_token_v4(context(), ""))).token, "r4");
  EXPECT_EQ(good(loop.run(client->access_token(context(), "r4"))).account_id, "4bc");
  EXPECT_EQ(good(loop.run(client->convert_session(context(), "a"))).id, "s4");
  good(loop.run(client->delete_session(three, context())));
  EXPECT_EQ(bad(loop.run(client->create_session(context(), "r3"))).type, upstream_auth);
}

TEST_F(TmdbClient, WithoutAPermitNothingBegins) {
  serve({});
  permits->granted = 0;
  const auto failure = bad(loop.run(client->add_movie(three, context(), 5, 550)));
  EXPECT_TRUE(failure.not_begun);
  EXPECT_FALSE(failure.in_doubt);
  EXPECT_TRUE(service->requests().empty());
}

TEST_F(TmdbClient, ACallThatStopsForWantOfAPermitHasBegun) {
  serve({page_of(1, 2, 3, R"({"id":1})")});
  permits->granted = 1;
  const auto failure = bad(loop.run(client->whole_list(four, context(), 5)));
  EXPECT_FALSE(failure.not_begun);
  EXPECT_FALSE(failure.in_doubt);
}

TEST_F(TmdbClient, ThePermitOfTheCallerIsForTheFirstRequestOnly) {
  serve({no(500, 11), no(404, 34)});
  CallContext given = context();
  given.first_permit = steady_clock::now() + 10s;
  good(loop.run(client->delete_list(three, given, 5)));
  EXPECT_EQ(permits->asked, 1);
}

TEST_F(TmdbClient, APermitThatHasRunOutBeginsNothing) {
  serve({});
  CallContext late = context();
  late.first_permit = steady_clock::now() - 1ms;
  auto failure = bad(loop.run(client->add_movie(three, late, 5, 550)));
  EXPECT_TRUE(failure.not_begun);
  permits->lasts = -1ms;
  failure = bad(loop.run(client->add_movie(three, context(), 5, 550)));
  EXPECT_TRUE(failure.not_begun);
  EXPECT_EQ(observed, (Lines{"add_movie not_begun c1", "add_movie not_begun c1"}));
  EXPECT_TRUE(service->requests().empty());
}

TEST_F(TmdbClient, TheCallerMayForbidTheBeginningAndNothingLater) {
  serve({no(500, 11), no(404, 34)});
  int asked = 0;
  CallContext once = context();
  once.may_begin = [&] { return ++asked == 1; };
  good(loop.run(client->delete_list(three, once, 5)));
  EXPECT_EQ(asked, 1);
  const auto failure = bad(loop.run(client->delete_list(three, once, 5)));
  EXPECT_TRUE(failure.not_begun);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(service->requests().size(), 2U);
}

TEST_F(TmdbClient, NobodyListeningIsAFailedAttemptWithoutDoubt) {
  serve({});
  server.reset();
  const auto failure = bad(loop.run(client->add_movie(three, context(), 5, 550)));
  EXPECT_EQ(failure.type, upstream_network);
  EXPECT_FALSE(failure.in_doubt);
  EXPECT_FALSE(failure.not_begun);
}

TEST_F(TmdbClient, DestroyingTheClientEndsWhatIsUnderWay) {
  serve({kSilence});
  bool begun = false;
  CallContext noted = context();
  noted.may_begin = [&] { return begun = true; };
  const auto pending = loop.begin(client->delete_list(three, noted, 5));
  loop.run_until([&] { return begun; });
  client.reset();
  EXPECT_TRUE(bad(loop.finish(pending)).in_doubt);
}

TEST(TmdbClientSettings, ThatCannotWorkAreRefusedWithoutRepeatingTheKey) {
  http::TestLoop loop;
  ClientSettings settings;
  const auto refused = [&] {
    const auto made = Client::make(loop.io, settings, nullptr, {});
    return made.ok() ? std::string("accepted") : made.failure().text;
  };
  settings.application.key = "";
  EXPECT_NE(refused(), "accepted");
  settings.application.key = "secret\n";
  EXPECT_NE(refused(), "accepted");
  EXPECT_EQ(refused().find("secret"), std::string::npos);
  settings.application.key = "secret";
  EXPECT_EQ(refused(), "accepted");
  settings.base_url_v4 = "nonsense";
  EXPECT_NE(refused(), "accepted");
}

}  // namespace
}  // namespace spool::tmdb
