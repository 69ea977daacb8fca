#include "engine/message/record_batch.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace spool::message {
namespace {

TEST(RecordBatch, KeepsACopyOfEverything) {
  RecordBatch batch;
  {
    std::string key = "k";
    std::string value = "value";
    std::string name = "ce_id";
    std::string text = "17";
    const std::array headers{Header{name, text}, Header{"null", std::nullopt}, Header{"empty", ""}};
    batch.append({42, 1234, key, value, headers});
    key = value = name = text = "?????";
  }
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.offset(0), 42);
  const Record record = batch.record(0);
  EXPECT_EQ(record.offset, 42);
  EXPECT_EQ(record.timestamp_ms, 1234);
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.value, "value");
  ASSERT_EQ(record.headers.size(), 3U);
  EXPECT_EQ(record.headers[0].name, "ce_id");
  EXPECT_EQ(record.headers[0].value, "17");
  EXPECT_EQ(record.headers[1].value, std::nullopt);
  EXPECT_EQ(record.headers[2].value, "");
}

TEST(RecordBatch, NullIsNotEmpty) {
  RecordBatch batch;
  batch.append({0, -1, std::nullopt, std::nullopt, {}});
  batch.append({1, -1, "", "", {}});
  EXPECT_EQ(batch.record(0).key, std::nullopt);
  EXPECT_EQ(batch.record(0).value, std::nullopt);
  EXPECT_EQ(batch.record(1).key, "");
  EXPECT_EQ(batch.record(1).value, "");
}

TEST(RecordBatch, TheLastHeaderOfANameCounts) {
  const std::array headers{Header{"a", "1"}, Header{"b", "2"}, Header{"a", "3"}, Header{"b", {}}};
  RecordBatch batch;
  batch.append({0, 0, {}, {}, headers});
  EXPECT_EQ(batch.record(0).header("a"), "3");
  EXPECT_EQ(batch.record(0).header("b"), std::nullopt);
  EXPECT_EQ(batch.record(0).header("c"), std::nullopt);
}

TEST(RecordBatch, KnowsWhichRecordsNameALife) {
  const std::array ordinary{Header{"ce_id", "1"}, Header{"spool-lifetime", "1"}};
  const std::array brought_back{Header{"ce_id", "1"}, Header{"spool-life", "1"}, Header{"a", {}}};
  RecordBatch batch;
  batch.append({0, 0, {}, {}, ordinary});
  batch.append({1, 0, {}, {}, brought_back});
  batch.append({2, 0, {}, {}, {}});
  EXPECT_FALSE(batch.names_life(0));
  EXPECT_TRUE(batch.names_life(1));
  EXPECT_FALSE(batch.names_life(2));
}

// Under the address sanitizer a chunk that is too short ends this test.
TEST(RecordBatch, TheReadAheadOfEveryValueIsReadable) {
  RecordBatch batch;
  std::string value;
  for (std::int64_t i = 0; i < 3000; ++i) {
    value.assign(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26));
    batch.append({i, i, value, value, {}});
  }
  batch.append({3000, 0, {}, std::string(300'000, 'z'), {}});
  ASSERT_EQ(batch.size(), 3001U);
  unsigned sum = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::string_view seen = *batch.record(i).value;
    for (std::size_t ahead = 0; ahead < kReadAheadBytes; ++ahead)
      sum += static_cast<unsigned char>(*(seen.data() + seen.size() + ahead));
    if (i == 3000) continue;
    EXPECT_EQ(seen, std::string(i % 700, static_cast<char>('a' + i % 26)));
    EXPECT_EQ(batch.record(i).key, seen);
  }
  EXPECT_GT(sum, 0U);
}

TEST(RecordBatch, CountsItsBytes) {
  RecordBatch batch;
  EXPECT_EQ(batch.bytes(), 0U);
  batch.append({0, 0, {}, std::string(100'000, 'x'), {}});
  EXPECT_GE(batch.bytes(), 100'000U);
  EXPECT_LT(batch.bytes(), 110'000U);
}

TEST(RecordBatch, ViewsSurviveAMoveOfTheBatch) {
  RecordBatch batch;
  batch.append({7, 0, "key", "value", {}});
  const Record before = batch.record(0);
  RecordBatch other = std::move(batch);
  EXPECT_EQ(before.value->data(), other.record(0).value->data());
  EXPECT_EQ(other.record(0).value, "value");
}

}  // namespace
}  // namespace spool::message
