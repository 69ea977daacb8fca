#include "handlers/tmdb/status.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace spool::tmdb {
namespace {

using enum message::ErrorType;
using namespace std::chrono_literals;
using message::ErrorType;

std::vector<Operation> operations() {
  std::vector<Operation> all;
  for (std::size_t i = 0; i < kOperationCount; ++i) all.push_back(static_cast<Operation>(i));
  return all;
}

Verdict by_code(Operation operation, int http_status, int code) {
  return judge(operation, {http_status, true, code});
}

struct Row {
  int code;
  int http_status;
  Ending ending;
  ErrorType type;
};

// What each code means to a call that neither adds nor takes away.
const std::vector<Row> kRows = {
    {1, 200, Ending::done, other},
    {2, 501, Ending::failed, upstream_rejected},
    {3, 401, Ending::failed, upstream_auth},
    {4, 405, Ending::failed, upstream_rejected},
    {5, 422, Ending::failed, upstream_rejected},
    {6, 404, Ending::failed, upstream_not_found},
    {7, 401, Ending::failed, upstream_auth},
    {8, 403, Ending::failed, upstream_rejected},
    {9, 503, Ending::failed, upstream_unavailable},
    {10, 401, Ending::failed, upstream_auth},
    {11, 500, Ending::failed, upstream_server_error},
    {12, 201, Ending::done, other},
    {13, 200, Ending::done, other},
    {14, 401, Ending::failed, upstream_auth},
    {15, 500, Ending::failed, upstream_server_error},
    {16, 401, Ending::failed, upstream_auth},
    {17, 401, Ending::failed, upstream_auth},
    {18, 400, Ending::failed, upstream_rejected},
    {19, 406, Ending::failed, upstream_rejected},
    {20, 422, Ending::failed, upstream_rejected},
    {21, 200, Ending::done, other},
    {22, 400, Ending::failed, upstream_rejected},
    {23, 400, Ending::failed, upstream_rejected},
    {24, 504, Ending::failed, upstream_timeout},
    {25, 429, Ending::failed, upstream_rate_limited},
    {26, 400, Ending::failed, upstream_rejected},
    {27, 400, Ending::failed, upstream_rejected},
    {28, 400, Ending::failed, upstream_rejected},
    {29, 400, Ending::failed, upstream_rejected},
    {30, 401, Ending::failed, upstream_auth},
    {31, 401, Ending::failed, upstream_auth},
    {32, 401, Ending::failed, upstream_auth},
    {33, 401, Ending::failed, upstream_auth},
    {34, 404, Ending::failed, upstream_not_found},
    {35, 401, Ending::failed, upstream_auth},
    {36, 401, Ending::failed, upstream_forbidden},
    {37, 404, Ending::failed, upstream_not_found},
    {38, 401, Ending::failed, upstream_forbidden},
    {39, 401, Ending::failed, upstream_forbidden},
    {40, 200, Ending::done, other},
    {41, 422, Ending::failed, upstream_rejected},
    {42, 405, Ending::failed, upstream_rejected},
    {43, 502, Ending::failed, upstream_unavailable},
    {44, 500, Ending::failed, upstream_rejected},
    {45, 403, Ending::failed, upstream_auth},
    {46, 503, Ending::failed, upstream_unavailable},
    {47, 400, Ending::failed, upstream_rejected},
};

TEST(TmdbStatus, EveryCodeIsInTheTableOnce) {
  std::set<int> codes;
  for (const Row& row : kRows) codes.insert(row.code);
  EXPECT_EQ(codes.size(), kRows.size());
  EXPECT_EQ(*codes.begin(), 1);
  EXPECT_EQ(*codes.rbegin(), 47);
  EXPECT_EQ(codes.size(), 47U);
}

TEST(TmdbStatus, ACodeMeansTheSameToEveryCall) {
  const std::set<int> differs = {6, 8, 34, 37};  // see the next tests
  for (const Row& row : kRows) {
    for (const Operation operation : operations()) {
      if (differs.contains(row.code)) continue;
      const Verdict verdict = by_code(operation, row.http_status, row.code);
      const bool broken = row.code == 11 || row.code == 15 || row.code == 24;
      const bool unsure = broken && operation == Operation::delete_list;
      EXPECT_EQ(verdict.ending, unsure ? Ending::unsure : row.ending)
          << row.code << ' ' << to_string(operation);
      EXPECT_EQ(verdict.type, row.type) << row.code << ' ' << to_string(operation);
      EXPECT_EQ(verdict.in_doubt, broken && changes(operation))
          << row.code << ' ' << to_string(operation);
    }
  }
}

TEST(TmdbStatus, WhatIsThereAlreadyHasBeenAdded) {
  for (const Operation operation : operations()) {
    const Verdict verdict = by_code(operation, 403, 8);
    EXPECT_EQ(verdict.ending == Ending::done, operation == Operation::add_movie)
        << to_string(operation);
    EXPECT_FALSE(verdict.in_doubt);
  }
}

TEST(TmdbStatus, WhatIsNotThereHasBeenTakenAway) {
  const std::set<Operation> takes_away = {Operation::delete_list, Operation::remove_movie,
                                          Operation::delete_session};
  for (const Operation operation : operations()) {
    for (const int code : {6, 34, 37}) {
      const Verdict verdict = by_code(operation, 404, code);
      EXPECT_EQ(verdict.ending == Ending::done, takes_away.contains(operation))
          << to_string(operation);
      EXPECT_EQ(verdict.type, verdict.ending == Ending::done ? other : upstream_not_found);
    }
  }
}

TEST(TmdbStatus, AnAnswerWithoutACodeGoesByItsHttpStatus) {
  const auto plain = [](int http_status) {
    return judge(Operation::create_list, {http_status, true, std::nullopt});
  };
  EXPECT_EQ(plain(200).ending, Ending::done);
  EXPECT_EQ(plain(201).ending, Ending::done);
  EXPECT_EQ(plain(400).type, upstream_rejected);
  EXPECT_EQ(plain(401).type, upstream_auth);
  EXPECT_EQ(plain(403).type, upstream_forbidden);
  EXPECT_EQ(plain(404).type, upstream_not_found);
  EXPECT_EQ(plain(422).type, upstream_rejected);
  EXPECT_EQ(plain(429).type, upstream_rate_limited);
  EXPECT_EQ(plain(500).type, upstream_server_error);
  EXPECT_EQ(plain(503).type, upstream_unavailable);
  EXPECT_EQ(plain(504).type, upstream_timeout);
  EXPECT_EQ(plain(302).type, upstream_server_error);
  for (const int status : {500, 502, 503, 504, 408, 302}) EXPECT_TRUE(plain(status).in_doubt);
  for (const int status : {400, 401, 403, 404, 422, 429}) EXPECT_FALSE(plain(status).in_doubt);
}

TEST(TmdbStatus, AnUnknownCodeGoesByItsHttpStatus) {
  EXPECT_EQ(by_code(Operation::add_movie, 400, 999).type, upstream_rejected);
  EXPECT_EQ(by_code(Operation::add_movie, 200, 999).ending, Ending::done);
  EXPECT_EQ(by_code(Operation::add_movie, 500, 0).type, upstream_server_error);
}

TEST(TmdbStatus, SuccessUnderAnErrorsStatusIsNone) {
  const Verdict verdict = by_code(Operation::add_movie, 500, 12);
  EXPECT_EQ(verdict.ending, Ending::failed);
  EXPECT_TRUE(verdict.in_doubt);
  EXPECT_EQ(by_code(Operation::list_details, 429, 11).type, upstream_rate_limited);
}

TEST(TmdbStatus, APageOfAProxyIsATransientFaultWhateverItsStatus) {
  const auto html = [](Operation operation, int http_status) {
    return judge(operation, {http_status, false, std::nullopt});
  };
  EXPECT_EQ(html(Operation::list_details, 200).type, upstream_server_error);
  EXPECT_FALSE(html(Operation::list_details, 200).in_doubt);
  EXPECT_TRUE(html(Operation::create_list, 200).in_doubt);
  EXPECT_EQ(html(Operation::create_list, 429).type, upstream_rate_limited);
  EXPECT_FALSE(html(Operation::create_list, 429).in_doubt);
  // Neither the user's login nor the list is to blame, and a list is not gone because of it.
  for (const int status : {401, 403, 404}) {
    const Verdict verdict = html(Operation::delete_list, status);
    EXPECT_EQ(verdict.ending, Ending::failed) << status;
    EXPECT_EQ(verdict.type, upstream_unavailable) << status;
    EXPECT_FALSE(verdict.in_doubt) << status;
  }
  EXPECT_EQ(html(Operation::create_list, 502).type, upstream_unavailable);
  EXPECT_EQ(html(Operation::create_list, 504).type, upstream_timeout);
  EXPECT_TRUE(html(Operation::create_list, 504).in_doubt);
  EXPECT_EQ(html(Operation::delete_list, 500).ending, Ending::unsure);
}

TEST(TmdbStatus, TheWaitThatTmdbAsksForIsKept) {
  const Verdict verdict = judge(Operation::add_movie, {429, true, 25, 7s});
  EXPECT_EQ(verdict.retry_after, 7s);
  EXPECT_FALSE(by_code(Operation::add_movie, 429, 25).retry_after);
}

TEST(TmdbStatus, EveryOperationHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (const Operation operation : operations()) words.insert(to_string(operation));
  EXPECT_EQ(words.size(), kOperationCount);
  EXPECT_FALSE(words.contains(""));
}

TEST(TmdbStatus, OnlyCallsThatChangeListsOrSessionsCanBeInDoubt) {
  const std::set<Operation> expected = {Operation::create_list,   Operation::update_list,
                                        Operation::delete_list,   Operation::clear_list,
                                        Operation::add_movie,     Operation::remove_movie,
                                        Operation::delete_session};
  for (const Operation operation : operations())
    EXPECT_EQ(changes(operation), expected.contains(operation)) << to_string(operation);
}

TEST(RetryAfter, IsSecondsOrADate) {
  const std::string now = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(parse_retry_after("0", ""), 0s);
  EXPECT_EQ(parse_retry_after("300", now), 300s);
  EXPECT_EQ(parse_retry_after("99999999999999999999", now), 24h);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Mon, 07 Nov 1994 00:00:00 GMT", now), 15h + 10min + 23s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:00 GMT", now), 24h);
}

TEST(RetryAfter, WhatIsNeitherCountsAsAbsent) {
  const std::string now = "Sun, 06 Nov 1994 08:49:37 GMT";
  for (const char* text : {"", "-1", "-99999999999999999999", "1.5", "soon", "7 ",
                           "Sun, 06 Nov 1994 08:50:07", "Sun, 06 Xxx 1994 08:50:07 GMT",
                           "Sun, 99 Nov 1994 08:50:07 GMT", "Sun, 0x Nov 1994 08:50:07 GMT"})
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
  EXPECT_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", ""));
}

}  // namespace
}  // namespace spool::tmdb
