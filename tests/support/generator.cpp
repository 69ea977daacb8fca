#include "tests/support/generator.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

namespace spool::test {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kEpochStartUs = 1'767'225'600LL * kMicrosPerSecond;  // 2026-01-01
constexpr const char* kSource = "urn:player";

struct Item {
  std::int64_t user = 0;
  std::int64_t tmdb = 0;
  bool tv = false;
  std::int64_t season = 0;
  std::int64_t episode = 0;
  std::int64_t duration_s = 0;
  std::int64_t clock_us = kEpochStartUs;
  std::int64_t position_s = 0;
};

struct Playback {
  Item item;
  std::int64_t updated_at_us = 0;
  std::int64_t position_s = 0;
};

std::string rfc3339_ms(std::int64_t us) {
  const std::time_t seconds = static_cast<std::time_t>(us / kMicrosPerSecond);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(us % kMicrosPerSecond / 1000));
  return text.data();
}

class Generator {
 public:
  explicit Generator(const GeneratorSettings& settings)
      : settings_(settings), random_(settings.seed) {
    make_items();
    make_zipf();
  }

  Generated run() {
    while (out_.records.size() < settings_.events) {
      const double dice = chance_(random_);
      if (dice < settings_.poison) {
        poison();
      } else if (dice < settings_.poison + settings_.duplicates && !recent_.empty()) {
        out_.records.push_back(out_.records[recent_[random_() % recent_.size()]]);
        ++out_.duplicates;
      } else {
        good();
      }
    }
    return std::move(out_);
  }

 private:
  void make_items() {
    items_.resize(settings_.keys);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      item.user = static_cast<std::int64_t>(1 + i / 4);
      item.tmdb = static_cast<std::int64_t>(100 + i % 4 + i * 7);
      item.tv = i % 2 == 1;
      item.season = item.tv ? static_cast<std::int64_t>(i % 5) : 0;
      item.episode = item.tv ? static_cast<std::int64_t>(i % 11) : 0;
      item.duration_s = static_cast<std::int64_t>(1200 + i % 6000);
      item.clock_us += static_cast<std::int64_t>(i % 3600) * kMicrosPerSecond;
    }
  }

  void make_zipf() {
    double sum = 0;
    cumulative_.reserve(settings_.keys);
    for (std::size_t rank = 1; rank <= settings_.keys; ++rank) {
      sum += 1.0 / std::pow(static_cast<double>(rank), settings_.zipf);
      cumulative_.push_back(sum);
    }
  }

  Item& pick() {
    const double at = chance_(random_) * cumulative_.back();
    const auto found = std::lower_bound(cumulative_.begin(), cumulative_.end(), at);
    const auto index = static_cast<std::size_t>(found - cumulative_.begin());
    return items_[std::min(index, items_.size() - 1)];
  }

  std::string next_id() {
    std::array<char, 48> text{};
    std::snprintf(
        text.data(), text.size(), "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(random_()),
        static_cast<unsigned>(random_() & 0xFFFFU), static_cast<unsigned>(random_() & 0xFFFU),
        static_cast<unsigned>(random_() & 0xFFFU), static_cast<unsigned long long>(++serial_));
    return text.data();
  }

  std::string key_of(const Item& item) const {
    return std::to_string(item.user) + ":" + std::to_string(item.tmdb);
  }

  GeneratedRecord envelope(const Item& item, const std::string& id, const std::string& type) {
    GeneratedRecord record;
    record.key = key_of(item);
    record.partition = static_cast<std::int32_t>(std::hash<std::string>{}(record.key) %
                                                 static_cast<std::size_t>(settings_.partitions));
    record.headers = {{"ce_specversion", "1.0"},
                      {"ce_id", id},
                      {"ce_source", kSource},
                      {"ce_type", type},
                      {"content-type", "application/json"}};
    return record;
  }

  static std::string json_of(const Playback& playback) {
    const Item& item = playback.item;
    std::string json = "{\"user_id\":" + std::to_string(item.user) + ",\"media_type\":\"" +
                       (item.tv ? "tv" : "movie") + "\",\"tmdb_id\":" + std::to_string(item.tmdb);
    if (item.tv) {
      json += ",\"season\":" + std::to_string(item.season) +
              ",\"episode\":" + std::to_string(item.episode);
    }
    json += ",\"position_s\":" + std::to_string(playback.position_s) +
            ",\"duration_s\":" + std::to_string(item.duration_s) + ",\"updated_at\":\"" +
            rfc3339_ms(playback.updated_at_us) + "\",\"session_id\":\"s" +
            std::to_string(item.user % 97) + "\",\"state\":\"progress\"}";
    return json;
  }

  Playback next_playback(Item& item) {
    item.clock_us += 10 * kMicrosPerSecond;
    item.position_s = (item.position_s + 10) % (item.duration_s + 1);
    Playback playback{item, item.clock_us, item.position_s};
    if (chance_(random_) < settings_.late) {
      // What a player queued offline: older than what was sent already.
      playback.updated_at_us -= static_cast<std::int64_t>(1 + random_() % 600) * kMicrosPerSecond;
      playback.position_s =
          static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(item.duration_s + 1));
    }
    return playback;
  }

  void good() {
    const Playback playback = next_playback(pick());
    const std::string id = next_id();
    GeneratedRecord record = envelope(playback.item, id, "progress.v1");
    record.value = json_of(playback);
    expect(playback, id);
    if (recent_.size() < 1000) {
      recent_.push_back(out_.records.size());
    } else {
      recent_[random_() % recent_.size()] = out_.records.size();
    }
    out_.records.push_back(std::move(record));
  }

  void expect(const Playback& playback, const std::string& id) {
    const Item& item = playback.item;
    const ItemKey key{item.user, item.tv ? "tv" : "movie", item.tmdb, item.season, item.episode};
    const auto [row, fresh] = out_.rows.try_emplace(key);
    ExpectedRow& expected = row->second;
    if (fresh || std::tie(playback.updated_at_us, id) >
                     std::tie(expected.updated_at_us, expected.event_id)) {
      expected.position_s = playback.position_s;
      expected.duration_s = item.duration_s;
      expected.updated_at_us = playback.updated_at_us;
      expected.event_id = id;
    }
    const bool completes = playback.position_s * 10 >= item.duration_s * 9;
    if (completes &&
        (!expected.completed_at_us || playback.updated_at_us < *expected.completed_at_us)) {
      expected.completed_at_us = playback.updated_at_us;
    }
  }

  void poison() {
    Playback playback = next_playback(pick());
    const std::string id = next_id();
    GeneratedRecord record = envelope(playback.item, id, "progress.v1");
    std::size_t kind = poisons_++ % 7;
    if (kind == 5 && !settings_.refused_by_database) kind = 0;
    switch (kind) {
      case 0:
        record.value = json_of(playback).substr(0, 40);
        break;  // ends early
      case 1:
        playback.position_s = playback.item.duration_s + 1;
        record.value = json_of(playback);
        break;
      case 2:
        record.value = "{\"user_id\":\"seven\"}";
        break;
      case 3:
        record = envelope(playback.item, id, "unheard_of.v1");
        record.value = "{}";
        break;
      case 4:
        record.value = std::nullopt;
        break;  // a tombstone
      case 5:
        playback.item.tmdb = kRefusedByDatabase;
        record.value = json_of(playback);
        break;
      default:
        record.headers.clear();  // no envelope: only its coordinates tell it from others
        record.value = std::string("\x00\xff garbage", 10);
        ++out_.nameless;
        out_.records.push_back(std::move(record));
        return;
    }
    out_.dead.emplace(kSource, id);
    out_.records.push_back(std::move(record));
  }

  GeneratorSettings settings_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> chance_{0.0, 1.0};
  std::vector<Item> items_;
  std::vector<double> cumulative_;
  std::vector<std::size_t> recent_;  // good records that may be published once more
  std::uint64_t serial_ = 0;
  std::size_t poisons_ = 0;
  Generated out_;
};

}  // namespace

Generated generate(const GeneratorSettings& settings) {
  return Generator(settings).run();
}

}  // namespace spool::test
