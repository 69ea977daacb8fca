// The lists and their items, and the only place that changes them: whatever takes place goes into
// the ledger. Owned by the Standin; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/tmdb/ledger.hpp"
#include "tests/tmdb/message.hpp"

namespace spool::standin {

struct Item {
  std::int64_t media_id = 0;
  bool tv = false;  // otherwise a movie
  std::string comment = {};

  bool same_title(const Item& other) const { return media_id == other.media_id && tv == other.tv; }
};

struct ListDetails {
  std::string name;
  std::string description = {};
  std::string language = "en";
  std::string country = "US";
  std::string sort_by = "original_order.asc";
  bool is_public = true;

  friend bool operator==(const ListDetails&, const ListDetails&) = default;
};

struct List {
  std::int64_t id = 0;
  std::int64_t user = 0;
  ListDetails details;
  std::vector<Item> items;  // in the order in which they were added
  std::int64_t created_s = 0;
  std::int64_t updated_s = 0;
  bool deleted = false;

  bool holds(const Item& item) const { return titles.contains(key(item)); }
  static std::int64_t key(const Item& item) { return item.media_id * 2 + (item.tv ? 1 : 0); }
  std::unordered_set<std::int64_t> titles;  // keys of `items`
};

// Who does it and when.
struct Act {
  Moment at;
  Origin origin = Origin::api;
};

class World {
 public:
  explicit World(std::int64_t first_list) : next_id_(first_list) {}

  // Null if there is none, or none any more.
  List* find(std::int64_t id);
  // A deleted list too.
  const List* remembered(std::int64_t id) const;
  // Oldest first.
  const std::vector<std::int64_t>& lists_of(std::int64_t user) const;
  std::vector<std::int64_t> owners() const;

  List& create(std::int64_t user, ListDetails details, const Act& act);
  // The others return whether something changed, and write the ledger either way.
  bool update(List& list, const ListDetails& details, const Act& act);
  bool add(List& list, Item item, const Act& act);
  bool remove(List& list, const Item& item, const Act& act);
  bool comment(List& list, const Item& item, const Act& act);
  // How many items there were.
  std::size_t clear(List& list, const Act& act);
  // False if there is no such list any more; one that never was leaves no effect.
  bool erase(std::int64_t id, const Act& act);

  const Ledger& ledger() const { return ledger_; }

 private:
  Effect effect(const List& list, const char* kind, const Act& act, bool changed) const;

  std::unordered_map<std::int64_t, List> lists_;
  std::unordered_map<std::int64_t, std::vector<std::int64_t>> by_user_;
  std::int64_t next_id_;
  Ledger ledger_;
};

}  // namespace spool::standin
