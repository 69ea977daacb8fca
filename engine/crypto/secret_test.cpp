#include "engine/crypto/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace spool::crypto {
namespace {

const std::string kShort = "short";  // within the string object itself
const std::string kLong = "a secret that is longer than what a string object holds itself";

// The bytes that the string had room for, readable as long as it lives.
bool holds_nothing(const std::string& text, const char* at, std::size_t size) {
  return text.empty() && std::all_of(at, at + size, [](char c) { return c == '\0'; });
}

TEST(Secret, WipingOverwritesTheBytesWhereTheyStand) {
  for (const std::string& text : {kShort, kLong}) {
    std::string secret = text;
    const char* const at = secret.data();
    wipe(secret);
    EXPECT_EQ(secret.data(), at) << "looked at where it stood";
    EXPECT_TRUE(holds_nothing(secret, at, text.size())) << text;
  }
}

TEST(Secret, WipesWhatItIsMadeOf) {
  std::string text = kShort;
  const char* const at = text.data();
  const Secret secret(std::move(text));
  EXPECT_EQ(secret.reveal(), kShort);
  EXPECT_TRUE(holds_nothing(text, at, kShort.size()));  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, CopiesAndMoves) {
  for (const std::string& text : {kShort, kLong}) {
    Secret first{std::string(text)};
    Secret copy = first;
    EXPECT_EQ(copy.reveal(), text);
    Secret moved = std::move(first);
    EXPECT_EQ(moved.reveal(), text);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
    Secret other{std::string("other")};
    other = moved;
    EXPECT_EQ(other.reveal(), text);
    other = Secret{std::string("third")};
    EXPECT_EQ(other.reveal(), "third");
    const Secret& same = other;
    other = same;
    EXPECT_EQ(other.reveal(), "third");
  }
  EXPECT_TRUE(Secret().empty());
}

}  // namespace
}  // namespace spool::crypto
