#include "handlers/progress_events/fold.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace spool::progress_events {
namespace {

constexpr int kPercent = 90;

struct Sent {
  Progress progress;
  std::string id;
  std::string source;
};

using Key = std::tuple<std::int64_t, MediaType, std::int32_t, std::int16_t, std::int16_t>;

Key key_of(const Progress& p) {
  return {p.user_id, p.media_type, p.tmdb_id, p.season, p.episode};
}

// The table as the rules describe it, one event at a time and without any cleverness.
struct Row {
  std::tuple<base::EpochMicros, std::string, std::int32_t, std::int32_t, std::string, std::string>
      newest;
  std::optional<base::EpochMicros> completed_at;
  friend bool operator==(const Row&, const Row&) = default;
};
using Table = std::map<Key, Row>;

void apply(Table& table, const Key& key, const Row& row) {
  const auto [it, inserted] = table.emplace(key, row);
  if (inserted) return;
  it->second.newest = std::max(it->second.newest, row.newest);
  auto& completed = it->second.completed_at;
  if (row.completed_at && (!completed || *row.completed_at < *completed))
    completed = row.completed_at;
}

Row row_of(const Progress& p, std::string_view id, std::string_view session) {
  Row row{{p.updated_at, std::string(id), p.position_s, p.duration_s, std::string(session),
           std::string(to_string(p.state))},
          {}};
  return row;
}

Table naive(const std::vector<Sent>& events) {
  Table table;
  for (const Sent& sent : events) {
    Row row = row_of(sent.progress, sent.id, sent.progress.session_id);
    if (sent.progress.position_s * 100LL >= sent.progress.duration_s * 90LL)
      row.completed_at = sent.progress.updated_at;
    apply(table, key_of(sent.progress), row);
  }
  return table;
}

StagedEvents staged(const std::vector<Sent>& events) {
  StagedEvents out;
  for (const Sent& sent : events) out.add(sent.progress, sent.id, sent.source);
  return out;
}

void apply_folded(Table& table, const StagedEvents& events, const Folded& folded) {
  for (const FoldedRow& folded_row : folded.rows) {
    const Progress& p = events.progress(folded_row.newest);
    Row row = row_of(p, events.id(folded_row.newest), events.session_id(folded_row.newest));
    row.completed_at = folded_row.completed_at;
    apply(table, key_of(p), row);
  }
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(engine_); }

  // From so few values that ties of every kind happen.
  std::vector<Sent> events(std::size_t count) {
    static const std::string kSessions[] = {"", "a", "b", "\xc3\xa9"};
    static const std::string kIds[] = {"1", "2", "10", "\xff\x01", "A", "a"};
    std::vector<Sent> out(count);
    for (Sent& sent : out) {
      Progress& p = sent.progress;
      p.user_id = 1 + below(2);
      p.media_type = below(2) == 0 ? MediaType::movie : MediaType::tv;
      p.tmdb_id = 1 + below(2);
      p.season = static_cast<std::int16_t>(p.media_type == MediaType::tv ? below(2) : 0);
      p.updated_at = kUpdatedAtMin + below(5);
      p.duration_s = 100 + below(2);
      p.position_s = below(4) == 0 ? 95 : below(3);
      p.state = static_cast<State>(below(4));
      p.session_id = kSessions[below(4)];
      sent.id = kIds[below(6)];
      sent.source.assign(1, below(2) == 0 ? 's' : 't');
    }
    return out;
  }

  void shuffle(std::vector<Sent>& events) { std::shuffle(events.begin(), events.end(), engine_); }

 private:
  std::mt19937 engine_;
};

Sent event(std::int32_t position, base::EpochMicros at, std::string id) {
  Sent sent;
  sent.progress.user_id = 1;
  sent.progress.tmdb_id = 1;
  sent.progress.duration_s = 100;
  sent.progress.position_s = position;
  sent.progress.updated_at = kUpdatedAtMin + at;
  sent.id = std::move(id);
  sent.source.assign(1, 's');
  return sent;
}

TEST(Fold, TheLatestWinsAndTiesGoToTheGreaterId) {
  const StagedEvents events =
      staged({event(1, 5, "b"), event(2, 7, "a"), event(3, 7, "b"), event(4, 6, "z")});
  Fold fold;
  const Folded folded = fold.fold(events, 0, events.size(), kPercent);
  ASSERT_EQ(folded.rows.size(), 1U);
  EXPECT_EQ(folded.rows[0].newest, 2U);
  EXPECT_EQ(folded.rows[0].completed_at, std::nullopt);
  EXPECT_EQ(folded.duplicates, 0);
}

TEST(Fold, RemembersTheEarliestCompletion) {
  const StagedEvents events =
      staged({event(95, 9, "c"), event(90, 3, "a"), event(89, 1, "x"), event(5, 12, "d")});
  Fold fold;
  const Folded folded = fold.fold(events, 0, events.size(), kPercent);
  ASSERT_EQ(folded.rows.size(), 1U);
  EXPECT_EQ(folded.rows[0].newest, 3U);
  EXPECT_EQ(folded.rows[0].completed_at, kUpdatedAtMin + 3);
}

TEST(Fold, CountsTheSameEventOnceMoreAsADuplicate) {
  Sent other_source = event(1, 5, "a");
  other_source.source.assign(1, 't');
  const StagedEvents events = staged(
      {event(1, 5, "a"), event(1, 5, "a"), other_source, event(1, 5, "a"), event(1, 6, "a")});
  Fold fold;
  EXPECT_EQ(fold.fold(events, 0, events.size(), kPercent).duplicates, 2);
}

TEST(Fold, RowsAreSortedByItem) {
  std::vector<Sent> sent;
  for (const std::int64_t user : {9, 2, 5}) {
    for (const MediaType media : {MediaType::tv, MediaType::movie}) {
      for (const std::int32_t tmdb : {2147483647, 1}) {
        Sent one = event(1, 1, "a");
        one.progress.user_id = user;
        one.progress.media_type = media;
        one.progress.tmdb_id = tmdb;
        if (media == MediaType::tv) one.progress.season = one.progress.episode = 32767;
        sent.push_back(one);
      }
    }
  }
  const StagedEvents events = staged(sent);
  Fold fold;
  const Folded folded = fold.fold(events, 0, events.size(), kPercent);
  ASSERT_EQ(folded.rows.size(), sent.size());
  EXPECT_TRUE(std::is_sorted(
      folded.rows.begin(), folded.rows.end(), [&](const FoldedRow& a, const FoldedRow& b) {
        return key_of(events.progress(a.newest)) < key_of(events.progress(b.newest));
      }));
}

TEST(Fold, NothingGivesNothing) {
  Fold fold;
  const StagedEvents events = staged({event(1, 1, "a")});
  EXPECT_TRUE(fold.fold(events, 1, 1, kPercent).rows.empty());
}

TEST(Fold, EqualsTheNaiveModelInAnyOrderAndForAnyCut) {
  Fold fold;
  for (unsigned seed = 0; seed < 400; ++seed) {
    Random random(seed);
    std::vector<Sent> sent = random.events(static_cast<std::size_t>(1 + random.below(60)));
    const Table expected = naive(sent);
    for (int round = 0; round < 4; ++round) {
      random.shuffle(sent);
      const StagedEvents events = staged(sent);
      Table table;
      for (std::size_t first = 0; first < sent.size();) {
        const std::size_t last =
            std::min(sent.size(), first + 1 + static_cast<std::size_t>(random.below(30)));
        const Folded folded = fold.fold(events, first, last, kPercent);
        apply_folded(table, events, folded);
        first = last;
      }
      ASSERT_EQ(table, expected) << "seed " << seed;
    }
  }
}

TEST(Fold, EveryEventIsARowACoalescedOneOrADuplicate) {
  Fold fold;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<Sent> sent = Random(seed).events(80);
    const StagedEvents events = staged(sent);
    const Folded folded = fold.fold(events, 0, events.size(), kPercent);
    std::set<std::tuple<Key, base::EpochMicros, std::string, std::string>> distinct;
    std::set<Key> items;
    for (const Sent& s : sent) {
      distinct.emplace(key_of(s.progress), s.progress.updated_at, s.id, s.source);
      items.insert(key_of(s.progress));
    }
    EXPECT_EQ(folded.rows.size(), items.size());
    EXPECT_EQ(folded.duplicates, static_cast<std::int64_t>(sent.size() - distinct.size()));
  }
}

}  // namespace
}  // namespace spool::progress_events
