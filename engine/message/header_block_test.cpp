#include "engine/message/header_block.hpp"

#include <gtest/gtest.h>

namespace spool::message {
namespace {

TEST(HeaderBlock, KeepsBytesOrderAndNull) {
  const OwnedHeaders headers = {{"a", "1"},
                                {"", ""},
                                {"a", std::nullopt},
                                {std::string("\0\xff", 2), std::string("\xfe\0x", 3)},
                                {"long", std::string(100'000, 'y')}};
  const auto back = unpack_headers(pack_headers(headers));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, headers);
}

TEST(HeaderBlock, ViewsAndOwnedHeadersPackAlike) {
  const Header views[] = {{"a", "1"}, {"b", std::nullopt}};
  EXPECT_EQ(pack_headers(std::span<const Header>(views)),
            pack_headers(OwnedHeaders{{"a", "1"}, {"b", std::nullopt}}));
}

TEST(HeaderBlock, NoHeadersAreNoBytes) {
  EXPECT_EQ(pack_headers(OwnedHeaders{}), "");
  ASSERT_TRUE(unpack_headers("").ok());
  EXPECT_TRUE(unpack_headers("")->empty());
}

TEST(HeaderBlock, EveryCutIsRefusedOrShorter) {
  const std::string block = pack_headers(OwnedHeaders{{"name", "value"}, {"n", std::nullopt}});
  for (std::size_t bytes = 1; bytes < block.size(); ++bytes) {
    const auto cut = unpack_headers(std::string_view(block).substr(0, bytes));
    const bool between_headers = bytes == 4 + 4 + 4 + 5;
    EXPECT_EQ(cut.ok(), between_headers) << bytes;
  }
}

TEST(HeaderBlock, LengthsBeyondTheBlockAreRefused) {
  EXPECT_FALSE(unpack_headers("\xff\xff\xff\xff").ok());
  EXPECT_FALSE(unpack_headers(std::string_view("\x00\x00\x00\x00\xfe\xff\xff\xff", 8)).ok());
  EXPECT_FALSE(unpack_headers("abc").ok());
}

}  // namespace
}  // namespace spool::message
