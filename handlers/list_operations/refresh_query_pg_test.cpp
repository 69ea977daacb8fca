// What commands read of lists and of their readings, against a real PostgreSQL.
#include "handlers/list_operations/refresh_query.hpp"

#include "handlers/list_operations/list_store_fixture.hpp"
#include "handlers/list_operations/operation_query.hpp"

namespace spool::list_operations {
namespace {

using handler::Settled;
using ::testing::ElementsAre;

const std::string kFirst = "00000000-0000-4000-8000-000000000001";
const std::string kSecond = "00000000-0000-4000-8000-000000000002";

class RefreshQueryPgTest : public ListStoreTest {
 protected:
  std::vector<int> lists(const std::vector<ListId>& named, std::optional<std::int32_t> user,
                         std::int64_t limit = 10) {
    std::vector<int> found;
    const auto read = readable_lists(*reader_, named, user, limit);
    EXPECT_TRUE(read.ok());
    for (const ReadableList& one : *read) found.push_back(one.tmdb_list_id);
    return found;
  }
  ReadingInfo reading(const std::string& id) {
    const auto read = readings(*reader_, {*base::parse_uuid(id)});
    EXPECT_TRUE(read.ok() && read->size() == 1U);
    return read->front();
  }
};

TEST_F(RefreshQueryPgTest, ListsThatAreThereAreMeant) {
  carry_out(create("c"), created(1));
  admit({add("b", 1, 2)});
  carry_out({"g", "delete_list", "{}", 3});
  Sent theirs = add("t", 1, 4);
  theirs.user = 8;
  admit({theirs});
  Sent never = create("n");
  never.ref = "6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e09";
  admit({never});
  EXPECT_THAT(lists({}, {}), ElementsAre(1, 2, 4));
  EXPECT_THAT(lists({}, {}, 2), ElementsAre(1, 2));
  EXPECT_THAT(lists({}, 7), ElementsAre(1, 2));
  EXPECT_THAT(lists({{2, {}}, {3, {}}, {99, {}}}, {}), ElementsAre(2));
  EXPECT_THAT(lists({{{}, base::parse_uuid(kRef)}, {4, {}}}, {}), ElementsAre(1, 4));
  EXPECT_THAT(lists({{{}, base::parse_uuid(kRef)}, {4, {}}}, 8), ElementsAre(4));
}

TEST_F(RefreshQueryPgTest, WhatWasFoundIsSaid) {
  EXPECT_EQ(reading(kFirst).status, "");
  carry_out(create("c"), created(42));
  carry_out(add("m", 1));
  admit({refresh(kFirst, 42, true)});
  EXPECT_EQ(reading(kFirst).status, "pending");
  EXPECT_FALSE(reading(kFirst).ended());
  call(kFirst);
  settle(kFirst, Settled::done, fetched({2}, "Theirs"));
  const ReadingInfo found = reading(kFirst);
  EXPECT_TRUE(found.ended() && found.read && found.differs);
  EXPECT_FALSE(found.partial);
  EXPECT_EQ(found.existence + found.fields + found.only_in_mirror + found.only_at_tmdb,
            R"(exists["name"][1][2])");
  EXPECT_EQ(show_operation(*reader_, *base::parse_uuid(kFirst))->details,
            column(kFirst, "details"));
}

TEST_F(RefreshQueryPgTest, OneThatGaveWayHasWhatTheLaterOneFound) {
  carry_out(create("c"), created(42));
  admit({refresh(kFirst, 42, true)});
  admit({refresh("by-hand")});
  EXPECT_EQ(status(kFirst), "completed");
  EXPECT_EQ(reading(kFirst).status, "pending");
  admit({refresh(kSecond)});
  call(kSecond);
  settle(kSecond, Settled::done, fetched({2}));
  for (const std::string& id : {kFirst, kSecond}) EXPECT_EQ(reading(id).only_at_tmdb, "[2]") << id;
}

TEST_F(RefreshQueryPgTest, WhatCouldNotBeReadSaysWhy) {
  carry_out(create("c"), created(42));
  admit({refresh(kFirst)});
  call(kFirst);
  settle(kFirst, Settled::died);
  const ReadingInfo died = reading(kFirst);
  EXPECT_TRUE(died.ended());
  EXPECT_FALSE(died.read);
  EXPECT_EQ(died.error_type + " " + died.error_message, "upstream.server_error status 500");
  carry_out({"d", "delete_list", "{}"});
  admit({refresh(kSecond)});
  EXPECT_EQ(reading(kSecond).reason, "the list is gone, or is being deleted");
  EXPECT_TRUE(reading(kSecond).ended());
}

}  // namespace
}  // namespace spool::list_operations
