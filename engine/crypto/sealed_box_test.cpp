#include "engine/crypto/sealed_box.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::crypto {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kHexKey = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
const std::string kSameKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kOtherKey(64, 'f');
const std::string kPlain = "a session of user 42";
const std::string kFor = "tmdb_session:42";

SealingKey key(const std::string& text) {
  return *SealingKey::parse(text);
}

void expect_refused(const SealedBox& box, const std::string& sealed, const std::string& associated,
                    const std::string& what) {
  const auto opened = box.open(sealed, associated);
  ASSERT_FALSE(opened.ok()) << what;
  EXPECT_EQ(opened.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(opened.failure().text, Not(HasSubstr("session of"))) << what;
}

TEST(SealedBox, OpensWhatItHasSealed) {
  const SealedBox box(key(kHexKey));
  for (const std::string& plain :
       {kPlain, std::string(), std::string(1, '\0'), std::string(100'000, 'x')}) {
    const std::string sealed = box.seal(plain, kFor);
    const auto opened = box.open(sealed, kFor);
    ASSERT_TRUE(opened.ok()) << opened.failure().text;
    EXPECT_EQ(*opened, plain);
    EXPECT_EQ(sealed.size(), plain.size() + 33);
  }
}

TEST(SealedBox, ShowsNothingOfThePlainTextAndNeverTheSameTwice) {
  const SealedBox box(key(kHexKey));
  const std::string first = box.seal(kPlain, kFor);
  const std::string second = box.seal(kPlain, kFor);
  EXPECT_THAT(first, Not(HasSubstr("session")));
  EXPECT_NE(first.substr(5), second.substr(5));
  EXPECT_NE(first.substr(17), second.substr(17)) << "the cipher text too";
}

TEST(SealedBox, RefusesATextWithAnyBitChangedAndAnyCutOff) {
  const SealedBox box(key(kHexKey));
  const std::string sealed = box.seal(kPlain, kFor);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    expect_refused(box, changed, kFor, "bit " + std::to_string(bit));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    expect_refused(box, sealed.substr(0, size), kFor, "first " + std::to_string(size));
  expect_refused(box, sealed + "x", kFor, "longer");
  expect_refused(box, std::string(2 * SealedBox::kPlainBytesMax, '\1'), kFor, "far too long");
}

TEST(SealedBox, RefusesWhatWasSealedForSomebodyElse) {
  const SealedBox box(key(kHexKey));
  const std::string sealed = box.seal(kPlain, kFor);
  expect_refused(box, sealed, "tmdb_session:4", "another user");
  expect_refused(box, sealed, "", "nobody");
  expect_refused(box, box.seal(kPlain, ""), kFor, "sealed for nobody");
}

TEST(SealedBox, OpensWithOlderKeysAndSealsWithTheCurrentOne) {
  const SealedBox before(key(kHexKey));
  const SealedBox after(key(kOtherKey), {key(kHexKey)});
  const std::string old_text = before.seal(kPlain, kFor);
  EXPECT_EQ(*after.open(old_text, kFor), kPlain);
  EXPECT_FALSE(old_text.starts_with(after.mark()));
  const std::string new_text = after.seal(kPlain, kFor);
  EXPECT_TRUE(new_text.starts_with(after.mark()));
  EXPECT_EQ(*after.open(new_text, kFor), kPlain);
  const auto opened = before.open(new_text, kFor);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.failure().text, HasSubstr("a key that is not configured"));
}

TEST(SealedBox, AnotherKeyUnderTheSameIdOpensNothing) {
  const SealedBox box(key(kHexKey));
  const SealedBox other(key(kOtherKey));
  const std::string sealed = box.seal(kPlain, kFor);
  expect_refused(other, other.mark() + sealed.substr(5), kFor, "with the other's mark");
}

TEST(SealingKey, ReadsHexadecimalDigitsAndBase64) {
  const std::string sealed = SealedBox(key(kHexKey)).seal(kPlain, kFor);
  for (const std::string& text : {kHexKey, kSameKey, " " + kSameKey + "\n", kHexKey + "\r\n"}) {
    const auto parsed = SealingKey::parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*SealedBox(*parsed).open(sealed, kFor), kPlain) << text;
  }
}

TEST(SealingKey, RefusesAnythingElseWithoutQuotingIt) {
  for (const std::string& text :
       {std::string(), std::string("secret-word"), kHexKey.substr(2), kHexKey + "00",
        std::string(63, 'a') + "g", kSameKey.substr(4), kSameKey + "AAAA", kSameKey.substr(0, 43),
        std::string(42, 'A') + "==", std::string(43, '!') + "=",
        std::string(10, 'A') + " " + std::string(32, 'A') + "="}) {
    const auto parsed = SealingKey::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.failure().kind, base::FailureKind::invalid);
    EXPECT_THAT(parsed.failure().text, HasSubstr("32 bytes"));
    if (!text.empty()) {
      EXPECT_THAT(parsed.failure().text, Not(HasSubstr(text)));
    }
  }
}

}  // namespace
}  // namespace spool::crypto
