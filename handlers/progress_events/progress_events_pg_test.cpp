// The handler against a real PostgreSQL: the same rules as in fold_test.cpp, but in SQL.
#include "handlers/progress_events/progress_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "engine/message/record_batch.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/progress_events/progress_query.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::progress_events {
namespace {

using handler::ApplyCounts;

constexpr base::EpochMicros kT0 = 1'767'225'600LL * 1'000'000;  // 2026-01-01T00:00:00Z
constexpr base::EpochMicros kNow = kT0 + 86'400LL * 1'000'000;

struct Sent {
  std::string id = "e";
  std::string source = "player";
  std::int64_t user_id = 1;
  std::string media_type = "movie";
  std::int32_t tmdb_id = 603;
  int season = 0;
  int episode = 0;
  std::int32_t position_s = 10;
  std::int32_t duration_s = 1000;
  base::EpochMicros updated_at = kT0;
  std::string session = {};  // JSON text between the quotes
  std::string state = {};
};

std::string json_of(const Sent& s) {
  std::string json = "{\"user_id\":" + std::to_string(s.user_id) + ",\"media_type\":\"" +
                     s.media_type + "\",\"tmdb_id\":" + std::to_string(s.tmdb_id) +
                     ",\"season\":" + std::to_string(s.season) +
                     ",\"episode\":" + std::to_string(s.episode) +
                     ",\"position_s\":" + std::to_string(s.position_s) +
                     ",\"duration_s\":" + std::to_string(s.duration_s) + ",\"updated_at\":\"" +
                     base::format_rfc3339(s.updated_at) + "\"";
  if (!s.session.empty()) json += ",\"session_id\":\"" + s.session + "\"";
  if (!s.state.empty()) json += ",\"state\":\"" + s.state + "\"";
  return json + "}";
}

class ProgressEventsPgTest : public testing::Test {
 protected:
  ProgressEventsPgTest() : connection_(database_.connect()) {
    auto made = make_handler({});
    handler_ = std::move(std::get<std::unique_ptr<handler::ApplyAtOnce>>(made->way));
    batch_ = handler_->make_batch();
  }

  void stage(const std::vector<Sent>& events) {
    batch_->clear();
    for (const Sent& sent : events) {
      std::string json = json_of(sent);
      const std::size_t size = json.size();
      json.append(message::kReadAheadBytes, ' ');
      message::Event event;
      event.id = sent.id;
      event.source = sent.source;
      event.data = std::string_view(json).substr(0, size);
      const handler::Staging staging = batch_->stage(event, {.now = kNow});
      const auto* rejection = std::get_if<message::Rejection>(&staging);
      ASSERT_EQ(rejection, nullptr) << rejection->message();
      ASSERT_FALSE(std::holds_alternative<handler::NotDue>(staging));
    }
  }

  ApplyCounts apply_staged() {
    auto transaction = connection_->begin();
    EXPECT_TRUE(transaction.ok());
    const auto counts = batch_->apply(**transaction, 0, batch_->size());
    EXPECT_TRUE(counts.ok()) << counts.failure().text;
    EXPECT_TRUE((*transaction)->commit().ok());
    if (!counts.ok()) return {};
    const ApplyCounts& c = *counts;
    EXPECT_EQ(c.written + c.coalesced + c.stale + c.duplicate,
              static_cast<std::int64_t>(batch_->size()));
    return c;
  }

  ApplyCounts apply(const std::vector<Sent>& events) {
    stage(events);
    return apply_staged();
  }

  std::string table() const {
    return database_.value(
        "select coalesce(string_agg(t::text, E'\\n' order by t::text), '')"
        " from media.watch_progress t");
  }

  WatchedItem resume(const Item& item) {
    auto transaction = connection_->begin();
    auto found = resume_position(**transaction, item);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    EXPECT_TRUE((*found).has_value());
    return (*found).value_or(WatchedItem{});
  }

  WatchedItem resume_movie() { return resume({1, MediaType::movie, 603, 0, 0}); }

  std::vector<WatchedItem> continue_list(int limit = 100) {
    auto transaction = connection_->begin();
    auto found = continue_watching(**transaction, 1, 90, limit);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return *found;
  }

  test::PgDatabase database_;
  std::unique_ptr<postgres::Connection> connection_;
  std::unique_ptr<handler::ApplyAtOnce> handler_;
  std::unique_ptr<handler::Batch> batch_;
};

TEST_F(ProgressEventsPgTest, WritesEveryColumn) {
  const ApplyCounts counts = apply({{.id = "e-1",
                                     .user_id = 1,
                                     .media_type = "tv",
                                     .tmdb_id = 1399,
                                     .season = 3,
                                     .episode = 9,
                                     .position_s = 950,
                                     .updated_at = kT0 + 123'456,
                                     .session = "s",
                                     .state = "stop"}});
  EXPECT_EQ(counts.written, 1);
  EXPECT_EQ(counts.rows, 1);
  const WatchedItem row = resume({1, MediaType::tv, 1399, 3, 9});
  EXPECT_EQ(row.position_s, 950);
  EXPECT_EQ(row.duration_s, 1000);
  EXPECT_EQ(row.updated_at, kT0 + 123'456);
  EXPECT_EQ(row.completed_at, kT0 + 123'456);
  EXPECT_EQ(row.session_id, "s");
  EXPECT_EQ(row.state, "stop");
  EXPECT_EQ(database_.value("select event_id from media.watch_progress"), "e-1");
}

TEST_F(ProgressEventsPgTest, NeverGoesBack) {
  apply({{.position_s = 500, .updated_at = kT0 + 10}});
  const ApplyCounts counts = apply({{.position_s = 400, .updated_at = kT0 + 9}});
  EXPECT_EQ(counts.stale, 1);
  EXPECT_EQ(counts.rows, 0);
  EXPECT_EQ(resume_movie().position_s, 500);
  EXPECT_EQ(apply({{.position_s = 300, .updated_at = kT0 + 11}}).written, 1);
  EXPECT_EQ(resume_movie().position_s, 300);
}

TEST_F(ProgressEventsPgTest, TiesGoToTheGreaterIdByBytes) {
  // In most languages' order "a" comes before "B"; by bytes it is the other way round.
  apply({{.id = "B", .position_s = 1}});
  EXPECT_EQ(apply({{.id = "a", .position_s = 2}}).written, 1);
  EXPECT_EQ(apply({{.id = "B", .position_s = 3}}).stale, 1);
  EXPECT_EQ(apply({{.id = "\xc3\xa9", .position_s = 4}}).written, 1);
  EXPECT_EQ(apply({{.id = "z", .position_s = 5}}).stale, 1);
  EXPECT_EQ(resume_movie().position_s, 4);
}

TEST_F(ProgressEventsPgTest, ALateCompletionIsRememberedButDoesNotMoveThePosition) {
  apply({{.position_s = 20, .updated_at = kT0 + 100}});
  EXPECT_EQ(resume_movie().completed_at, std::nullopt);
  EXPECT_EQ(apply({{.position_s = 950, .updated_at = kT0 + 50}}).written, 1);
  EXPECT_EQ(resume_movie().position_s, 20);
  EXPECT_EQ(resume_movie().completed_at, kT0 + 50);
  EXPECT_EQ(apply({{.position_s = 960, .updated_at = kT0 + 60}}).stale, 1);
  EXPECT_EQ(resume_movie().completed_at, kT0 + 50);
  EXPECT_EQ(apply({{.position_s = 970, .updated_at = kT0 + 40}}).written, 1);
  EXPECT_EQ(resume_movie().completed_at, kT0 + 40);
  EXPECT_EQ(apply({{.position_s = 1, .updated_at = kT0 + 200}}).written, 1);
  EXPECT_EQ(resume_movie().completed_at, kT0 + 40);
}

TEST_F(ProgressEventsPgTest, CountsWhatBecameOfTheEvents) {
  const Sent first{.id = "a", .updated_at = kT0 + 1};
  const Sent second{.id = "b", .updated_at = kT0 + 2};
  const Sent other{.id = "c", .tmdb_id = 604};
  const ApplyCounts counts = apply({first, second, first, other});
  EXPECT_EQ(counts.written, 2);
  EXPECT_EQ(counts.coalesced, 1);
  EXPECT_EQ(counts.duplicate, 1);
  EXPECT_EQ(counts.stale, 0);
}

std::vector<Sent> random_events(unsigned seed, std::size_t count) {
  std::mt19937 engine(seed);
  const auto below = [&](int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(engine);
  };
  const std::vector<std::string> ids{"1", "2", "10", "A", "a", "\xc3\xa9", "{\"x\\"};
  const std::vector<std::string> texts{"", "a", "b", "\xc3\xa9"};
  const std::vector<std::string> states{"", "start", "progress", "stop"};
  std::vector<Sent> events(count);
  for (Sent& sent : events) {
    sent.id = ids[static_cast<std::size_t>(below(static_cast<int>(ids.size())))];
    sent.source.assign(1, below(2) == 0 ? 's' : 't');
    sent.tmdb_id = 1 + below(3);
    sent.updated_at = kT0 + below(5);
    sent.position_s = below(4) == 0 ? 950 : below(3);
    sent.duration_s = 1000 + below(2);
    sent.session = texts[static_cast<std::size_t>(below(4))];
    sent.state = states[static_cast<std::size_t>(below(4))];
  }
  return events;
}

TEST_F(ProgressEventsPgTest, NeitherOrderNorCutNorRepetitionMatters) {
  std::mt19937 engine(1);
  for (unsigned seed = 0; seed < 10; ++seed) {
    std::vector<Sent> events = random_events(seed, 40);
    std::string expected;
    for (int round = 0; round < 4; ++round) {
      database_.execute("truncate media.watch_progress");
      std::shuffle(events.begin(), events.end(), engine);
      for (std::size_t first = 0; first < events.size();) {
        const std::size_t last = std::min(events.size(), first + 1 + engine() % 20);
        const auto begin = events.begin() + static_cast<std::ptrdiff_t>(first);
        apply({begin, events.begin() + static_cast<std::ptrdiff_t>(last)});
        first = last;
      }
      if (round == 0) expected = table();
      ASSERT_EQ(table(), expected) << "seed " << seed;
    }
    EXPECT_EQ(apply(events).written, 0);
    EXPECT_EQ(table(), expected);
  }
}

TEST_F(ProgressEventsPgTest, HostileTextsArriveAsTheyAre) {
  const std::vector<std::string> texts{"{}",       "NULL",    "null", "\"",    "\\",
                                       "a,b",      "{\"a\"}", "'",    "';--",  " ",
                                       "\t\n",     "$1",      "%s",   "\\N",   "\xf0\x9f\x8e\xac",
                                       "\x7f\x01", "}",       "\\\"", "\\x41", "(),"};
  std::vector<Sent> events;
  for (std::size_t i = 0; i < texts.size(); ++i)
    events.push_back({.id = texts[i], .tmdb_id = static_cast<std::int32_t>(i + 1)});
  EXPECT_EQ(apply(events).written, static_cast<std::int64_t>(texts.size()));
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(database_.value("select event_id from media.watch_progress where tmdb_id = " +
                              std::to_string(i + 1)),
              texts[i]);
  apply({{.tmdb_id = 1, .updated_at = kT0 + 1, .session = R"({\"NULL\",\\})"}});
  EXPECT_EQ(resume({1, MediaType::movie, 1, 0, 0}).session_id, R"({"NULL",\})");
}

TEST_F(ProgressEventsPgTest, TheBoundsOfEveryFieldFitTheTable) {
  EXPECT_EQ(apply({{.id = std::string(255, 'x'),
                    .user_id = std::numeric_limits<std::int64_t>::max(),
                    .media_type = "tv",
                    .tmdb_id = std::numeric_limits<std::int32_t>::max(),
                    .season = 32767,
                    .episode = 32767,
                    .position_s = 86'399,
                    .duration_s = 86'399,
                    .updated_at = kNow + kFutureMax,
                    .session = std::string(128, 'y')},
                   {.position_s = 0, .duration_s = 1, .updated_at = kUpdatedAtMin}})
                .written,
            2);
  EXPECT_EQ(resume_movie().updated_at, kUpdatedAtMin);
}

TEST_F(ProgressEventsPgTest, ALargeBatchIsOneStatement) {
  std::vector<Sent> events;
  for (std::int32_t i = 0; i < 10'000; ++i)
    events.push_back({.id = std::to_string(i), .user_id = 1 + i % 7, .tmdb_id = 1 + i / 7});
  EXPECT_EQ(apply(events).rows, 10'000);
  EXPECT_EQ(database_.value("select count(*) from media.watch_progress"), "10000");
  for (Sent& sent : events) sent.updated_at += 1;
  EXPECT_EQ(apply(events).rows, 10'000);
  EXPECT_EQ(apply(events).stale, 10'000);
}

TEST_F(ProgressEventsPgTest, PartsOfABatchCanBeAppliedAlone) {
  stage({{.id = "a", .tmdb_id = 1}, {.id = "b", .tmdb_id = 2}, {.id = "c", .tmdb_id = 3}});
  auto transaction = connection_->begin();
  ASSERT_EQ(batch_->apply(**transaction, 1, 2)->written, 1);
  ASSERT_TRUE((*transaction)->commit().ok());
  EXPECT_EQ(database_.value("select string_agg(event_id, ',') from media.watch_progress"), "b");
}

TEST_F(ProgressEventsPgTest, ContinueWatchingShowsTheLatestOfEachTitle) {
  apply({{.tmdb_id = 1, .position_s = 500, .updated_at = kT0 + 1},
         {.tmdb_id = 2, .position_s = 900, .updated_at = kT0 + 2},  // seen
         {.tmdb_id = 3, .position_s = 0, .updated_at = kT0 + 3},    // not begun
         {.tmdb_id = 4, .position_s = 899, .updated_at = kT0 + 4},
         {.user_id = 2, .tmdb_id = 5, .position_s = 5},  // somebody else's
         {.media_type = "tv",
          .tmdb_id = 1,
          .season = 1,
          .episode = 1,
          .position_s = 100,
          .updated_at = kT0 + 6},
         {.media_type = "tv",
          .tmdb_id = 1,
          .season = 1,
          .episode = 2,
          .position_s = 200,
          .updated_at = kT0 + 5},
         {.media_type = "tv",
          .tmdb_id = 6,
          .season = 1,
          .episode = 1,
          .position_s = 100,
          .updated_at = kT0 + 7},
         {.media_type = "tv",
          .tmdb_id = 6,
          .season = 1,
          .episode = 2,
          .position_s = 990,
          .updated_at = kT0 + 8}});
  const std::vector<WatchedItem> items = continue_list();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].item, (Item{1, MediaType::tv, 1, 1, 1}));
  EXPECT_EQ(items[1].item, (Item{1, MediaType::movie, 4, 0, 0}));
  EXPECT_EQ(items[2].item, (Item{1, MediaType::movie, 1, 0, 0}));
  EXPECT_EQ(items[0].position_s, 100);
  EXPECT_EQ(items[0].updated_at, kT0 + 6);
  EXPECT_EQ(continue_list(2).size(), 2U);
}

TEST_F(ProgressEventsPgTest, NothingIsKnownOfAnItemThatWasNeverBegun) {
  auto transaction = connection_->begin();
  const auto found = resume_position(**transaction, {1, MediaType::tv, 603, 0, 0});
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE((*found).has_value());
}

}  // namespace
}  // namespace spool::progress_events
