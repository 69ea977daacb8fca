// What really took place, in order: every effect on a list, whoever caused it, and every request
// that arrived. Owned by the Standin; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tmdb/message.hpp"

namespace spool::standin {

enum class Origin : std::uint8_t { api, outside };  // outside: somebody else, by the control routes

struct Effect {
  std::int64_t at_us = 0;
  std::int64_t user = 0;  // the owner of the list
  std::int64_t list_id = 0;
  const char* kind = "";      // create, update, delete, clear, add, remove
  std::int64_t media_id = 0;  // 0: the effect concerns no item
  bool tv = false;            // the item is a series, otherwise a movie
  std::string name = {};      // of the list, where the effect sets it
  bool changed = true;        // false: a repeat that changed nothing
  Origin origin = Origin::api;
};

class Ledger {
 public:
  void add(Effect effect) { effects_.push_back(std::move(effect)); }
  std::size_t size() const { return effects_.size(); }
  // One JSON object a line, from the effect after number `since` on; the first has number 1.
  std::string ndjson(std::size_t since) const;

 private:
  std::vector<Effect> effects_;
};

class RequestLog {
 public:
  // `route` is a literal, `target` the id in the path. Returns the number for answered().
  std::size_t arrived(std::int64_t at_us, const char* route, std::string target);
  // 0: the connection was closed without an answer. `leaves_us`: when its last byte may go.
  void answered(std::size_t number, int status, std::int64_t leaves_us);
  std::size_t size() const { return requests_.size(); }
  std::string ndjson(std::size_t since) const;
  // Route -> how many.
  json::object counts() const;

 private:
  struct Row {
    std::int64_t at_us;
    const char* route;
    std::string target = {};
    int status = -1;  // not answered yet
    std::int64_t leaves_us = 0;
  };
  std::vector<Row> requests_;
};

}  // namespace spool::standin
