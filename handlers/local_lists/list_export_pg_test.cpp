#include "handlers/local_lists/list_export.hpp"

#include <sstream>

#include "handlers/list_operations/list_store_fixture.hpp"
#include "handlers/local_lists/local_store.hpp"

namespace spool::local_lists {
namespace {

using list_operations::add;
using list_operations::create;
using list_operations::created;
using list_operations::kRef;
using list_operations::ListStoreTest;
using testing::HasSubstr;

const std::string kLocal = "0d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e0a";

class ListExportPg : public ListStoreTest {
 protected:
  ListExportPg() { execute("delete from media.local_lists"); }

  std::string exported(const std::string& id, bool confirmed = false,
                       FileFormat format = FileFormat::csv) {
    const auto list = find_exported(*connection_, id, std::nullopt, confirmed);
    EXPECT_TRUE(list.ok()) << list.failure().text;
    std::ostringstream out;
    ListWriter writer(out, format);
    const auto movies = write_list(*connection_, *list, writer);
    EXPECT_TRUE(movies.ok()) << movies.failure().text;
    movies_ = movies.ok() ? *movies : -1;
    return out.str();
  }
  bool save(const std::vector<FileMovie>& movies) {
    const LocalList list{*base::parse_uuid(kLocal), 7, {"Here", std::nullopt, false, std::nullopt}};
    return commit([&](postgres::Transaction& transaction) {
      return save_local_list(transaction, list, movies);
    });
  }
  base::FailureKind refusal(const std::string& id, std::optional<std::int32_t> user = {}) {
    const auto list = find_exported(*connection_, id, user, false);
    EXPECT_FALSE(list.ok());
    return list.ok() ? base::FailureKind::schema : list.failure().kind;
  }

  std::int64_t movies_ = 0;
};

TEST_F(ListExportPg, AListIsExportedAsItIsShownOrAsItIsConfirmed) {
  carry_out(create("c", "Noir"), created(77));
  carry_out(add("a", 550, 77));
  carry_out(add("b", 551, 77));
  execute("update media.user_list_items set added_at = '2026-01-02T03:04:05Z'");
  admit({list_operations::remove("r", 550, 77), add("n", 552, 77)});
  const std::string head = "movie_id,position,added_at\r\n";
  const std::string time = "2026-01-02T03:04:05.000000Z\r\n";
  for (const std::string& id : {std::string("77"), kRef}) {
    EXPECT_EQ(exported(id), head + "551,1," + time + "552,2,\r\n");
    EXPECT_EQ(exported(id, true), head + "550,1," + time + "551,2," + time);
  }
  EXPECT_EQ(movies_, 2);
  EXPECT_THAT(exported("77", false, FileFormat::json),
              testing::AllOf(HasSubstr("\"name\": \"Noir\""), HasSubstr("\"movie_id\": 552")));
}

TEST_F(ListExportPg, ALocalListIsKeptOnceAndExported) {
  EXPECT_TRUE(save({{550, "", {}, base::parse_rfc3339("2026-01-02T03:04:05Z")}, {551}}));
  EXPECT_FALSE(save({{552}}));
  EXPECT_EQ(value("select string_agg(position || ' ' || movie_id, ', ' order by position)"
                  " from media.local_list_items"),
            "1 550, 2 551");
  EXPECT_EQ(value("select added_at > now() - interval '1 hour' from media.local_list_items"
                  " where movie_id = 551"),
            "t");
  const std::string json = exported(kLocal, false, FileFormat::json);
  EXPECT_THAT(json, HasSubstr("\"name\": \"Here\",\n  \"description\": \"\",\n  \"public\": false,"
                              "\n  \"language\": \"en\""));
  EXPECT_THAT(json, HasSubstr("{\"movie_id\": 550, \"position\": 1, \"added_at\": "
                              "\"2026-01-02T03:04:05.000000Z\"}"));
}

TEST_F(ListExportPg, AListOfMoreThanOnePageIsWhole) {
  std::vector<FileMovie> movies(2'500);
  for (std::size_t i = 0; i < movies.size(); ++i)
    movies[i].movie_id = static_cast<std::int32_t>(i + 1);
  save(movies);
  const auto read = read_list_file(exported(kLocal), FileFormat::csv);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(movies_, 2'500);
  ASSERT_EQ(read->movies.size(), 2'500U);
  EXPECT_EQ(read->movies.back().movie_id, 2'500);
}

TEST_F(ListExportPg, WhatIsNotThereIsNotExported) {
  EXPECT_EQ(refusal("78"), base::FailureKind::not_found);
  EXPECT_EQ(refusal(kLocal), base::FailureKind::not_found);
  EXPECT_EQ(refusal("noir"), base::FailureKind::invalid);
  save({{550}});
  EXPECT_EQ(refusal(kLocal, 8), base::FailureKind::not_found);
  list_operations::Sent other = create("c2");
  other.user = 8;
  admit({create("c1")});
  admit({other});
  EXPECT_EQ(refusal(kRef), base::FailureKind::conflict);
}

}  // namespace
}  // namespace spool::local_lists
