#include "handlers/local_lists/csv_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::local_lists {
namespace {

using testing::ElementsAre;

struct Read {
  std::vector<std::string> rows;  // "3: a|b"
  std::optional<std::size_t> open_quote;
};

Read read(std::string_view text, std::size_t most = 100) {
  Read out;
  out.open_quote = read_csv(text, [&](const CsvRow& row) {
    std::string line = std::to_string(row.line) + ":";
    for (std::size_t i = 0; i < row.fields.size(); ++i)
      line += (i == 0 ? " " : "|") + row.fields[i];
    out.rows.push_back(line);
    return out.rows.size() < most;
  });
  return out;
}

TEST(CsvRows, RowsHaveTheLineInWhichTheyBegin) {
  EXPECT_THAT(read("a,b\r\n\r\n1,2\n \n3,4").rows, ElementsAre("1: a|b", "3: 1|2", "5: 3|4"));
}

TEST(CsvRows, AQuotedFieldMayHoldWhatOtherwiseHasAMeaning) {
  const Read found = read("a,b\n\"x, \"\"y\"\"\nz\",2\n3,4\n");
  EXPECT_THAT(found.rows, ElementsAre("1: a|b", "2: x, \"y\"\nz|2", "4: 3|4"));
  EXPECT_EQ(found.open_quote, std::nullopt);
}

TEST(CsvRows, EmptyFieldsAreFields) {
  EXPECT_THAT(read(",\n\"\",x,\n").rows, ElementsAre("1: |", "2: |x|"));
}

TEST(CsvRows, AQuoteWithoutAnEndIsToldWithItsLine) {
  const Read found = read("a,b\n1,2\n3,\"4\n5,6\n");
  EXPECT_EQ(found.open_quote, 3U);
  EXPECT_THAT(found.rows, ElementsAre("1: a|b", "2: 1|2"));
}

TEST(CsvRows, WhoHasEnoughIsGivenNoMore) {
  EXPECT_THAT(read("1\n2\n3\n", 2).rows, ElementsAre("1: 1", "2: 2"));
}

TEST(CsvRows, ARowKeepsNoMoreFieldsThanItMay) {
  std::size_t kept = 0;
  std::size_t count = 0;
  read_csv(std::string(kCsvFieldsMax + 7, ','), [&](const CsvRow& row) {
    kept = row.fields.size();
    count = row.count;
    return true;
  });
  EXPECT_EQ(kept, kCsvFieldsMax);
  EXPECT_EQ(count, kCsvFieldsMax + 8);
}

TEST(CsvRows, NothingHasNoRows) {
  EXPECT_TRUE(read("").rows.empty());
  EXPECT_TRUE(read("\r\n \r\n").rows.empty());
}

}  // namespace
}  // namespace spool::local_lists
