// What the value of a key may look like: reading it from text or from a typed file, and writing it
// back. Pure, any thread. Errors are `invalid` failures whose text says what is expected; none
// quotes a secret.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"

namespace spool::config {

// Durations are milliseconds, sizes bytes; both are std::int64_t here.
using Value = std::variant<std::string, bool, std::int64_t, double, std::vector<std::int64_t>,
                           std::vector<std::string>>;

enum class Kind {
  text,          // any, without NUL
  topic,         // what Kafka accepts as a topic or group name
  choice,        // one of a list, in any case
  flag,          // true, false
  count,         // a whole number
  duration,      // 500ms, 10s, 2m, 1h, 7d
  size,          // 4096, 16kB (1000), 64MiB (1024 * 1024)
  ratio,         // 0 to 1
  pattern,       // one of a list, or the beginning of one with '*' behind
  endpoint,      // host:port, [::1]:port
  database_url,  // postgresql://...
};

enum class Secrecy {
  open,
  url_password,  // shown with its password masked
  whole,         // shown as the mask
};

struct Shape {
  Kind kind = Kind::text;
  // Bounds of numbers, both included; for text and topic the bounds of its length in bytes.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> choices = {};
  Secrecy secrecy = Secrecy::open;
  // Such values in a row, at least so many: ["30s", "1m"] in a file, 30s,1m as text. Of durations,
  // or of patterns.
  bool list = false;
  std::size_t items_min = 0;
};

Shape text(std::int64_t length_min = 0);
Shape topic();
Shape choice(std::vector<std::string> choices);
Shape flag();
Shape count(std::int64_t min, std::int64_t max);
Shape duration(std::chrono::milliseconds min, std::chrono::milliseconds max);
Shape size(std::int64_t min, std::int64_t max);
Shape ratio();
Shape pattern(std::vector<std::string> choices);
Shape list_of(Shape one, std::size_t items_min = 0);
Shape endpoint();
Shape secret();
Shape database_url();

// host without brackets; "" and "*" are not hosts, 0.0.0.0 and :: are.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
base::Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

// "a duration between 1s and 30m, such as \"10s\"": for error texts and documentation.
std::string expectation(const Shape& shape);

// The value in its final type, or what was expected. `parse` reads text of the environment, a flag
// or a file of its own; `accept` takes a value that its source has typed already (TOML).
base::Result<Value> parse(const Shape& shape, std::string_view text);
base::Result<Value> accept(const Shape& shape, const Value& typed);

// As people write it: 30s, 64MiB, true, plain text. parse() of it gives the value again.
std::string to_text(const Shape& shape, const Value& value);
// The same as a TOML literal: quoted unless a number or a flag.
std::string to_toml(const Shape& shape, const Value& value);
std::string quoted(std::string_view text);

// What stands in the place of a secret wherever one is shown; not accepted as a value.
inline constexpr std::string_view kMask = "********";
// The value as it may be shown. An empty secret is shown as empty.
Value masked(const Shape& shape, Value value);

}  // namespace spool::config
