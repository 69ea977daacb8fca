// What goes wrong on purpose: rules that pick requests by route, each with a stream of chance of
// its own, so that the same requests of a route meet the same faults whatever other routes do.
// Owned by the Standin; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "tests/tmdb/json.hpp"

namespace spool::standin {

enum class FaultKind : std::uint8_t {
  latency_ms,               // takes effect at once, answers later
  late_effect_ms,           // takes effect later and then answers, though the client may have left
  status,                   // `code` with `status`, no effect
  rate_limited,             // 429/25
  html_429,                 // a proxy's page, no effect
  html_200,                 // the same, as if all were well
  delete_500_11,            // takes effect, answers 500/11
  drop_answer_after_write,  // takes effect, closes without an answer
  reset_before,             // no effect, resets the connection
  reset_after,              // takes effect, resets the connection
  truncated_page,           // takes effect, half of the answer
  trickle,                  // takes effect, `bytes` of the answer every `ms`
  total_pages_over_500,     // a page's totals are larger than the pages that may be asked for
  null_ids,                 // ids in the answer are null
  refuse,                   // no effect; the server goes away
};

struct FaultRule {
  std::string route;  // "list.add"; "list.*" and "*" are every route that begins so
  FaultKind kind = FaultKind::status;
  // Which of the route's requests; all of them if nothing is said.
  std::optional<double> probability = {};
  std::int64_t every_nth = 0;
  std::int64_t skip = 0;                   // the first so many go free
  std::optional<std::int64_t> count = {};  // at most so often
  // How.
  std::int64_t ms = 0;  // of refuse: how long; 0: until it is told to come back
  std::int64_t bytes = 1;
  int code = 11;
  std::optional<int> status = {};  // HTTP; by default the one that belongs to `code`
  std::optional<std::int64_t> retry_after_s = {};
  std::int64_t total_pages = 58'326;
  bool clean = false;  // truncated_page: Content-Length tells of the half only

  bool covers(std::string_view of_route) const;
};

// What one request meets.
struct Met {
  std::int64_t late_ms = 0;
  std::int64_t late_effect_ms = 0;
  std::optional<FaultRule> fault = {};  // the first rule that is no latency
};

class Faults {
 public:
  explicit Faults(std::uint64_t seed) : seed_(seed) {}

  // [rule, ...], or {"seed": n, "rules": [...]}. Replaces all rules, or fails with `invalid` and
  // replaces none.
  base::Status set(std::string_view text);
  void clear() { armed_.clear(); }
  Met meet(std::string_view route);
  // The rules with how often each came true.
  json::array describe() const;

 private:
  struct Armed {
    FaultRule rule;
    std::mt19937_64 chance;
    std::int64_t seen = 0;
    std::int64_t fired = 0;

    bool fires();
  };
  std::uint64_t seed_;
  std::vector<Armed> armed_;
};

const char* to_string(FaultKind kind);

}  // namespace spool::standin
