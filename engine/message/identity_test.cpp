#include "engine/message/identity.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spool::message {
namespace {

TEST(Identity, CoordinatesTellRecordsApart) {
  const Identity one = coordinates_identity("t", 1, 23, 456);
  EXPECT_EQ(one.source, "spool:record:t");
  EXPECT_EQ(one.id, "1:23@456");
  EXPECT_NE(one, coordinates_identity("t", 12, 3, 456));
  EXPECT_NE(one, coordinates_identity("t", 1, 23, 457));
  EXPECT_NE(one, coordinates_identity("u", 1, 23, 456));
}

TEST(Identity, AUuidIsItsOwnRowId) {
  const std::string text = "0b8f4f6e-1c1a-4d5e-9b0f-0123456789ab";
  EXPECT_EQ(base::to_string(row_uuid("player", text)), text);
  EXPECT_EQ(row_uuid("player", text), row_uuid("other", text));
}

TEST(Identity, OtherIdsGetARowIdOfSourceAndId) {
  const base::Uuid one = row_uuid("player", "17");
  EXPECT_EQ(one, row_uuid("player", "17"));
  EXPECT_NE(one, row_uuid("other", "17"));
  EXPECT_NE(row_uuid("player1", "7"), row_uuid("player", "17"));
}

TEST(Identity, UsableIsWhatPostgresCanStoreAndAnIndexCanHold) {
  EXPECT_TRUE(usable("a"));
  EXPECT_TRUE(usable("\xc3\xa9 \xe5\xb1\x85"));
  EXPECT_TRUE(usable(std::string(255, 'x')));
  EXPECT_FALSE(usable(""));
  EXPECT_FALSE(usable(std::string(256, 'x')));
  EXPECT_FALSE(usable(std::string("a\0b", 3)));
  EXPECT_FALSE(usable("\xff"));
  EXPECT_FALSE(usable("\xc3"));
  EXPECT_FALSE(usable("\xed\xa0\x80"));  // a surrogate
}

}  // namespace
}  // namespace spool::message
