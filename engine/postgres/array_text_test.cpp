#include "engine/postgres/array_text.hpp"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace spool::postgres {
namespace {

TEST(ArrayText, EmptyArray) {
  ArrayText array;
  EXPECT_EQ(array.text(), "{}");
  EXPECT_EQ(array.size(), 0U);
}

TEST(ArrayText, Numbers) {
  ArrayText array;
  array.add_int64(0);
  array.add_int64(std::numeric_limits<std::int64_t>::min());
  array.add_double(0.1);
  array.add_double(-2);
  array.add_double(std::numeric_limits<double>::infinity());
  array.add_double(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(array.text(), "{0,-9223372036854775808,0.1,-2,Infinity,NaN}");
  EXPECT_EQ(array.size(), 6U);
}

TEST(ArrayText, BoolsNullsAndUuids) {
  ArrayText array;
  array.add_bool(true);
  array.add_null();
  array.add_bool(false);
  array.add_uuid(base::Uuid{});
  EXPECT_EQ(array.text(), "{t,NULL,f,00000000-0000-0000-0000-000000000000}");
}

TEST(ArrayText, TextIsQuotedAndEscaped) {
  ArrayText array;
  array.add_text("");
  array.add_text("plain");
  array.add_text("NULL");
  array.add_text("a\"b\\c,{d}");
  array.add_text("\\\"");
  EXPECT_EQ(array.text(), R"({"","plain","NULL","a\"b\\c,{d}","\\\""})");
}

TEST(ArrayText, BytesAsHexadecimal) {
  ArrayText array;
  array.add_bytea(std::string_view("\0\xff\n", 3));
  array.add_bytea("");
  EXPECT_EQ(array.text(), R"({"\\x00ff0a","\\x"})");
}

TEST(ArrayText, ResetStartsAnew) {
  ArrayText array;
  array.add_int64(7);
  EXPECT_EQ(array.text(), "{7}");
  EXPECT_EQ(array.text(), "{7}");
  array.reset();
  array.add_int64(8);
  EXPECT_EQ(array.text(), "{8}");
}

}  // namespace
}  // namespace spool::postgres
