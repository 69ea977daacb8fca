#include "handlers/list_operations/list_query.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"

namespace spool::list_operations {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ListQueryPg : public ListStoreTest {
 protected:
  ListPage page(bool all = false, std::int64_t limit = 10, const std::string& cursor = {}) {
    auto found = lists_of_user(*connection_, 7, all, limit, cursor);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    return *found;
  }
  ListInfo one(const ListId& id) {
    auto found = find_lists(*connection_, id, std::nullopt);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    EXPECT_EQ(found->size(), 1U);
    return found->empty() ? ListInfo{} : found->front();
  }
  // "550 adding, 551 settled confirmed"
  std::string items(const ListInfo& list, std::int64_t limit = 10) {
    const auto found = list_items(*connection_, list.row, limit);
    EXPECT_TRUE(found.ok()) << found.failure().text;
    std::string text;
    for (const ListItem& item : *found) {
      EXPECT_EQ(item.added_at != 0, item.confirmed);
      text += (text.empty() ? "" : ", ") + std::to_string(item.movie_id) + " " + item.mark +
              (item.confirmed ? " confirmed" : "");
    }
    return text;
  }
};

TEST_F(ListQueryPg, AListIsShownAsItWillBeBesideWhatIsConfirmed) {
  carry_out(create("c", "Noir"), created(77));
  carry_out(add("a", 550, 77));
  carry_out(add("b", 551, 77));
  Sent rename{"u", "update_list", R"({"name":"Film noir","public":false})", 77};
  admit({rename, remove("r", 550, 77), add("n", 552, 77)});
  const ListInfo list = one({.tmdb_list_id = 77});
  EXPECT_EQ(list.user, 7);
  EXPECT_EQ(base::to_string(*list.list_ref), kRef);
  EXPECT_EQ(list.mark, "settled");
  EXPECT_THAT(list.pending, ElementsAre("name", "public"));
  EXPECT_EQ(list.operations, 3);
  EXPECT_EQ(list.shown.name, "Film noir");
  EXPECT_EQ(list.shown.is_public, false);
  EXPECT_EQ(list.shown.movies, 2);
  EXPECT_EQ(list.confirmed.name, "Noir");
  EXPECT_EQ(list.confirmed.is_public, true);
  EXPECT_EQ(list.confirmed.movies, 2);
  EXPECT_TRUE(list.confirmed.complete);
  EXPECT_EQ(list.sync_status, "never");
  EXPECT_EQ(list.last_synced_at, 0);
  EXPECT_EQ(items(list), "550 removing confirmed, 551 settled confirmed, 552 adding");
  EXPECT_EQ(items(list, 1), "550 removing confirmed");
  EXPECT_EQ(one({.list_ref = base::parse_uuid(kRef)}).row, list.row);
}

TEST_F(ListQueryPg, AUsersListsComeInPagesWithoutThoseThatAreGone) {
  carry_out(create("c", "Noir"), created(77));
  carry_out({"d", "delete_list", "{}", 77});
  admit({add("a", 1, 80), add("b", 2, 81), add("e", 3, 82)});
  Sent theirs = add("t", 4, 90);
  theirs.user = 8;
  admit({theirs});
  const ListPage first = page(false, 2);
  ASSERT_EQ(first.lists.size(), 2U);
  EXPECT_EQ(first.lists[0].tmdb_list_id, 80);
  EXPECT_EQ(first.lists[0].shown.existence, "unknown");
  const ListPage second = page(false, 2, first.next);
  ASSERT_EQ(second.lists.size(), 1U);
  EXPECT_EQ(second.lists[0].tmdb_list_id, 82);
  EXPECT_THAT(second.next, IsEmpty());
  EXPECT_EQ(page(true).lists.size(), 4U);
  EXPECT_EQ(lists_of_user(*connection_, 7, false, 2, "x").failure().kind,
            base::FailureKind::invalid);
}

TEST_F(ListQueryPg, AListThatIsBeingCreatedIsShownAndConfirmedToBeNowhere) {
  admit({create("c", "Noir")});
  const ListInfo list = page().lists.at(0);
  EXPECT_EQ(list.mark, "creating");
  EXPECT_EQ(list.shown.existence, "exists");
  EXPECT_EQ(list.shown.name, "Noir");
  EXPECT_EQ(list.confirmed.existence, "never");
  EXPECT_FALSE(list.confirmed.name.has_value());
}

TEST_F(ListQueryPg, ARefThatSeveralUsersChoseIsEachOnesOwn) {
  Sent theirs = create("t", "Theirs");
  theirs.user = 8;
  admit({create("c", "Noir")});
  admit({theirs});
  const ListId id{.tmdb_list_id = {}, .list_ref = base::parse_uuid(kRef)};
  EXPECT_EQ(find_lists(*connection_, id, std::nullopt)->size(), 2U);
  EXPECT_EQ(find_lists(*connection_, id, 8)->at(0).shown.name, "Theirs");
}

TEST_F(ListQueryPg, AListIsNamedByANumberOrAUuid) {
  EXPECT_EQ(parse_list_id("42", "ID")->tmdb_list_id, 42);
  EXPECT_EQ(parse_list_id(kRef, "ID")->list_ref, base::parse_uuid(kRef));
  for (const char* wrong : {"", "0", "-1", "42x", "99999999999", "noir"}) {
    const auto id = parse_list_id(wrong, "--list");
    ASSERT_FALSE(id.ok()) << wrong;
    EXPECT_THAT(id.failure().text, testing::StartsWith("--list: "));
  }
}

}  // namespace
}  // namespace spool::list_operations
