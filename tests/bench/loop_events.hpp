// What the loop (progress_loop.cpp) parses and coalesces: one row per item, the latest event by
// (updated_at, id) wins, the earliest completion is kept. One thread each.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace spool::bench {

struct Event {
  std::int64_t user = 0, tmdb = 0, season = 0, episode = 0, position_s = -1, duration_s = 0;
  std::int64_t updated_us = 0;
  bool tv = false;
  std::string_view id, session, state;
};

struct Row {
  std::int64_t user, tmdb, season, episode, position_s, duration_s, updated_us, completed_us;
  bool tv;
  std::string id, session, state;
};

inline constexpr std::int64_t kNever = INT64_MAX;

inline std::int64_t digits(std::string_view text, std::size_t at, std::size_t count) {
  std::int64_t number = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

// YYYY-MM-DDTHH:MM:SS[.f...]Z in microseconds; 0 for everything else.
inline std::int64_t parse_time(std::string_view text) {
  if (text.size() < 20 || text.back() != 'Z' || text[10] != 'T') return 0;
  using namespace std::chrono;
  const year_month_day date(year(static_cast<int>(digits(text, 0, 4))),
                            month(static_cast<unsigned>(digits(text, 5, 2))),
                            day(static_cast<unsigned>(digits(text, 8, 2))));
  const std::int64_t hour = digits(text, 11, 2), minute = digits(text, 14, 2),
                     second = digits(text, 17, 2);
  if (!date.ok() || hour < 0 || minute < 0 || second < 0) return 0;
  std::int64_t fraction = 0, unit = 100'000;
  for (std::size_t i = 20; i + 1 < text.size() && unit > 0; ++i, unit /= 10)
    fraction += (text[i] - '0') * unit;
  const std::int64_t days = sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000'000 + second * 1'000'000 + fraction;
}

class Parser {
 public:
  // The texts live until the next call. False: bad.
  bool parse(const char* data, std::size_t size, Event& event) {
    if (size + simdjson::SIMDJSON_PADDING > buffer_.size())
      buffer_.resize(2 * size + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer_.data(), data, size);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser_.iterate(buffer_.data(), size, buffer_.size()).get(document)) return false;
    if (document.get_object().get(object)) return false;
    for (auto member : object) {
      simdjson::ondemand::field field;
      if (std::move(member).get(field)) return false;
      if (!take(field, event)) return false;
    }
    return event.user > 0 && event.tmdb > 0 && event.position_s >= 0 && event.duration_s > 0 &&
           event.position_s <= event.duration_s && event.updated_us > 0;
  }

 private:
  static bool take(simdjson::ondemand::field& field, Event& event) {
    const auto key = field.key();
    std::string_view text;
    if (key == "user_id") return !field.value().get_int64().get(event.user);
    if (key == "tmdb_id") return !field.value().get_int64().get(event.tmdb);
    if (key == "season") return !field.value().get_int64().get(event.season);
    if (key == "episode") return !field.value().get_int64().get(event.episode);
    if (key == "position_s") return !field.value().get_int64().get(event.position_s);
    if (key == "duration_s") return !field.value().get_int64().get(event.duration_s);
    if (key == "session_id") return !field.value().get_string().get(event.session);
    if (key == "state") return !field.value().get_string().get(event.state);
    if (key == "media_type") {
      if (field.value().get_string().get(text)) return false;
      event.tv = text == "tv";
      return event.tv || text == "movie";
    }
    if (key == "updated_at") {
      if (field.value().get_string().get(text)) return false;
      event.updated_us = parse_time(text);
    }
    return true;
  }

  simdjson::ondemand::parser parser_;
  std::vector<char> buffer_ = std::vector<char>(4096);
};

// One row per item, found by an open hash table of indexes.
class Coalescer {
 public:
  explicit Coalescer(std::size_t events_max) {
    std::size_t slots = 1024;
    while (slots < 2 * events_max) slots *= 2;
    slots_.assign(slots, 0);
    rows_.resize(events_max);
  }

  void add(const Event& event) {
    const std::int64_t completed =
        event.position_s * 100 >= event.duration_s * 90 ? event.updated_us : kNever;
    Row& row = find(event);
    row.completed_us = std::min(row.completed_us, completed);
    if (row.id.empty() || std::tie(event.updated_us, event.id) >
                              std::make_tuple(row.updated_us, std::string_view(row.id))) {
      row.position_s = event.position_s;
      row.duration_s = event.duration_s;
      row.updated_us = event.updated_us;
      row.id = event.id;
      row.session = event.session;
      row.state = event.state;
    }
  }

  // Sorted, so that two connections never lock two rows in opposite orders.
  const std::vector<const Row*>& sorted() {
    order_.clear();
    for (std::size_t i = 0; i < used_; ++i) order_.push_back(&rows_[i]);
    std::sort(order_.begin(), order_.end(), [](const Row* a, const Row* b) {
      return std::tie(a->user, a->tmdb, a->season, a->episode, a->tv) <
             std::tie(b->user, b->tmdb, b->season, b->episode, b->tv);
    });
    return order_;
  }

  void clear() {
    std::fill(slots_.begin(), slots_.end(), 0);
    used_ = 0;
  }

 private:
  Row& find(const Event& event) {
    std::uint64_t hash = static_cast<std::uint64_t>(event.user) * 0x9E3779B97F4A7C15ULL;
    hash ^= static_cast<std::uint64_t>(event.tmdb << 20 ^ event.season << 10 ^ event.episode << 1 ^
                                       static_cast<std::int64_t>(event.tv));
    hash = (hash ^ (hash >> 29)) * 0xBF58476D1CE4E5B9ULL;
    for (std::size_t slot = hash >> 20;; ++slot) {
      std::uint32_t& index = slots_[slot & (slots_.size() - 1)];
      if (index == 0) {
        index = static_cast<std::uint32_t>(++used_);
        Row& row = rows_[used_ - 1];
        row.user = event.user;
        row.tmdb = event.tmdb;
        row.season = event.season;
        row.episode = event.episode;
        row.tv = event.tv;
        row.completed_us = kNever;
        row.id.clear();
        return row;
      }
      Row& row = rows_[index - 1];
      if (row.user == event.user && row.tmdb == event.tmdb && row.season == event.season &&
          row.episode == event.episode && row.tv == event.tv)
        return row;
    }
  }

  std::vector<std::uint32_t> slots_;  // index + 1; 0: free
  std::vector<Row> rows_;
  std::vector<const Row*> order_;
  std::size_t used_ = 0;
};

}  // namespace spool::bench
