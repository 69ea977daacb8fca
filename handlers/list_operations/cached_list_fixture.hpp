// For tests of copies of lists.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "handlers/list_operations/list_cache.hpp"
#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {

inline std::string describe(const ListWords& words) {
  return words.existence + " name=" + words.name.value_or("?") +
         " description=" + words.description.value_or("?") +
         " public=" + (words.is_public ? std::to_string(int{*words.is_public}) : "?") +
         " language=" + words.language.value_or("?") + (words.complete ? " complete" : "") +
         " movies=" + std::to_string(words.movies);
}

// All that a reader is told, but where it is from.
inline std::string describe(const ReadList& read) {
  const ListInfo& list = read.info;
  std::string text = std::to_string(list.row) + " user " + std::to_string(list.user) + " tmdb " +
                     std::to_string(list.tmdb_list_id.value_or(0)) + " ref " +
                     (list.list_ref ? base::to_string(*list.list_ref) : "?") + "\nshown " +
                     describe(list.shown) + "\nconfirmed " + describe(list.confirmed) + "\n" +
                     list.mark + " pending";
  for (const std::string& word : list.pending) text += " " + word;
  text += " operations " + std::to_string(list.operations) + " " + list.sharing_url + " " +
          list.sync_status + " " + std::to_string(list.last_synced_at) + "\n";
  for (const ListItem& item : read.items)
    text += std::to_string(item.movie_id) + " " + item.mark +
            (item.confirmed ? " confirmed " : " ") + std::to_string(item.added_at) + "\n";
  return text;
}

class CachedListTest : public ListStoreTest {
 protected:
  CachedListTest() { execute("delete from media.list_cache; delete from media.list_cache_reads"); }

  static std::vector<std::int64_t> numbers(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::int64_t> found;
    for (std::int64_t number = 0; in >> number;) found.push_back(number);
    return found;
  }

  // By TMDB's id; 0: the one that has none.
  std::int64_t row_of(std::int32_t list) {
    return std::stoll("0" + value("select id from media.lists where coalesce(tmdb_list_id, 0) = " +
                                  std::to_string(list)));
  }

  ReadList read(std::int64_t row) {
    auto found = read_list(*reader_, row, settings_);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return found.ok() && *found ? **found : ReadList{};
  }
  // As text; empty: there is no such list.
  std::string reads(std::int64_t row) {
    auto found = read_list(*reader_, row, settings_);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return found.ok() && *found ? describe(**found) : "";
  }
  std::string computed(std::int64_t row) {
    auto found = read_list(*reader_, row, settings_, true);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return found.ok() && *found ? describe(**found) : "";
  }
  std::string wanted(std::int64_t row) {
    return value("select refresh_wanted_at from media.list_cache where list_id = " +
                 std::to_string(row));
  }

  CacheSettings settings_{std::chrono::minutes(1)};
};

}  // namespace spool::list_operations
