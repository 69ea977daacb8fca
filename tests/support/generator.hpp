// Seeded playback events, and what must become of them, computed here without any code of the
// product: the reference that whole-system tests and benchmarks compare with. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace spool::test {

struct GeneratorSettings {
  std::uint64_t seed = 1;
  std::size_t events = 200'000;
  std::size_t keys = 50'000;
  std::int32_t partitions = 8;
  double zipf = 1.0;
  double duplicates = 0.01;  // exact copies, published again later
  double poison = 0.001;
  double late = 0.05;  // late or out of order
  bool refused_by_database =
      true;  // poison also of the kind that needs a test's constraint (below)
};

// tmdb ids at or above this are refused by a constraint that the test adds to the table: decodable,
// but not storable.
inline constexpr std::int64_t kRefusedByDatabase = 900'000'000;

struct GeneratedRecord {
  std::int32_t partition = 0;
  std::string key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct ExpectedRow {
  std::int64_t position_s = 0;
  std::int64_t duration_s = 0;
  std::int64_t updated_at_us = 0;
  std::string event_id;
  std::optional<std::int64_t> completed_at_us;
  friend bool operator==(const ExpectedRow&, const ExpectedRow&) = default;
};

// user, media type, tmdb id, season, episode
using ItemKey = std::tuple<std::int64_t, std::string, std::int64_t, std::int64_t, std::int64_t>;

struct Generated {
  std::vector<GeneratedRecord> records;
  std::map<ItemKey, ExpectedRow> rows;
  std::set<std::pair<std::string, std::string>>
      dead;                    // (source, id) of poison that has an identity
  std::size_t nameless = 0;    // poison without one: its coordinates stand in
  std::size_t duplicates = 0;  // copies among the records
};

Generated generate(const GeneratorSettings& settings);

}  // namespace spool::test
