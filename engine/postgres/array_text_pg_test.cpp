#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/postgres/array_text.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::postgres {
namespace {

class ArrayTextPg : public testing::Test {
 protected:
  static Rows unnest(const char* name, const char* text, ArrayText& array) {
    static const test::PgDatabase database(test::PgDatabase::Content::empty);
    auto rows = database.connect()->execute({name, text}, Params::of(array.text()));
    EXPECT_TRUE(rows.ok()) << rows.failure().text;
    return *rows;
  }
};

TEST_F(ArrayTextPg, TextComesBack) {
  const std::vector<std::string> texts = {"",    "plain", "NULL",   "null",   "a\"b\\c", "{x,y}",
                                          "\\x", " sp ",  "l1\nl2", "\t\r\b", "ü€𝄞",     "'--;"};
  ArrayText array;
  for (const std::string& text : texts) array.add_text(text);
  array.add_null();
  const Rows rows = unnest("t", "select * from unnest($1::text[])", array);
  ASSERT_EQ(rows.size(), texts.size() + 1);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(rows.at(i, 0), texts[i]);
  EXPECT_EQ(rows.at(texts.size(), 0), std::nullopt);
}

TEST_F(ArrayTextPg, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  ArrayText array;
  array.add_bytea(all);
  array.add_bytea("");
  array.add_null();
  const Rows rows = unnest("b", "select * from unnest($1::bytea[])", array);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows.bytes(0, 0), all);
  EXPECT_EQ(rows.bytes(1, 0), "");
  EXPECT_EQ(rows.bytes(2, 0), std::nullopt);
}

TEST_F(ArrayTextPg, NumbersComeBack) {
  const std::vector<std::int64_t> numbers = {0, -1, std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max()};
  ArrayText array;
  for (const std::int64_t number : numbers) array.add_int64(number);
  const Rows rows = unnest("i", "select * from unnest($1::bigint[])", array);
  ASSERT_EQ(rows.size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(rows.int64(i, 0), numbers[i]);
}

TEST_F(ArrayTextPg, DoublesComeBackExactly) {
  const std::vector<double> numbers = {0.1, 1e300, 5e-324, -2.5, 1.0 / 3};
  ArrayText array;
  for (const double number : numbers) array.add_double(number);
  array.add_double(std::numeric_limits<double>::quiet_NaN());
  array.add_double(-std::numeric_limits<double>::infinity());
  const Rows rows = unnest("d", "select * from unnest($1::double precision[])", array);
  ASSERT_EQ(rows.size(), numbers.size() + 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(std::strtod(rows.text(i, 0).c_str(), nullptr), numbers[i]);
  }
  EXPECT_EQ(rows.at(numbers.size(), 0), "NaN");
  EXPECT_EQ(rows.at(numbers.size() + 1, 0), "-Infinity");
}

TEST_F(ArrayTextPg, BoolsAndUuidsComeBack) {
  ArrayText bools;
  bools.add_bool(true);
  bools.add_bool(false);
  const Rows flags = unnest("f", "select * from unnest($1::bool[])", bools);
  EXPECT_TRUE(flags.boolean(0, 0));
  EXPECT_FALSE(flags.boolean(1, 0));
  const base::Uuid id = base::random_uuid();
  ArrayText uuids;
  uuids.add_uuid(id);
  EXPECT_EQ(unnest("u", "select * from unnest($1::uuid[])", uuids).uuid(0, 0), id);
}

}  // namespace
}  // namespace spool::postgres
