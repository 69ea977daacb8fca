#include "engine/message/foreign_origin.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace spool::message {
namespace {

using namespace std::string_view_literals;

// Bytes as Java's ByteBuffer.putInt and putLong leave them.
constexpr std::string_view kPartition7 = "\x00\x00\x00\x07"sv;
constexpr std::string_view kOffset = "\x00\x00\x00\x01\x02\x03\x04\x05"sv;  // 4,328,719,365

std::optional<ForeignOrigin> origin(const std::vector<Header>& headers) {
  return foreign_origin(headers);
}

TEST(ForeignOrigin, SpringWritesNumbersAsBytes) {
  const auto found = origin({{"kafka_dlt-original-topic", "orders"},
                             {"kafka_dlt-original-partition", kPartition7},
                             {"kafka_dlt-original-offset", kOffset},
                             {"kafka_dlt-exception-fqcn", "java.lang.IllegalStateException"},
                             {"kafka_dlt-exception-message", "no\tstock"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->family, "spring");
  EXPECT_EQ(found->topic, "orders");
  EXPECT_EQ(found->partition, 7);
  EXPECT_EQ(found->offset, 4'328'719'365);
  EXPECT_EQ(found->exception, "java.lang.IllegalStateException");
  EXPECT_EQ(found->text, "no\tstock");
}

TEST(ForeignOrigin, TheOriginIsTheFirstTopicNotTheLastRetryTier) {
  // A recoverer that appends: each tier adds where the record came from just now.
  const auto found = origin({{"kafka_dlt-original-topic", "orders"},
                             {"kafka_dlt-original-partition", kPartition7},
                             {"kafka_dlt-exception-fqcn", "A"},
                             {"kafka_dlt-original-topic", "orders-retry-1000"},
                             {"kafka_dlt-original-partition", "\x00\x00\x00\x01"sv},
                             {"kafka_dlt-exception-fqcn", "B"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->topic, "orders");
  EXPECT_EQ(found->partition, 7);
  EXPECT_EQ(found->exception, "B") << "of errors the last one counts";
}

TEST(ForeignOrigin, SpringsRetryTopicsHaveNamesOfTheirOwn) {
  const auto found = origin({{"kafka_dlt-original-topic", "orders-retry"},
                             {"kafka_original-topic", "orders"},
                             {"kafka_original-partition", kPartition7},
                             {"kafka_original-offset", kOffset}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->topic, "orders");
  EXPECT_EQ(found->offset, 4'328'719'365);
}

TEST(ForeignOrigin, NumbersOfAnotherLengthOrSignAreNone) {
  for (const std::string_view bytes :
       {""sv, "\x07"sv, "\x00\x00\x07"sv, "\x00\x00\x00\x00\x07"sv, "\xff\xff\xff\xff"sv}) {
    const auto found =
        origin({{"kafka_dlt-original-topic", "orders"}, {"kafka_dlt-original-partition", bytes}});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->partition, std::nullopt) << bytes.size();
  }
  EXPECT_EQ(origin({{"kafka_dlt-original-topic", "orders"},
                    {"kafka_dlt-original-partition", "\x7f\xff\xff\xff"sv}})
                ->partition,
            2'147'483'647);
  EXPECT_EQ(origin({{"kafka_dlt-original-topic", "orders"},
                    {"kafka_dlt-original-offset", "\x7f\xff\xff\xff\xff\xff\xff\xff"sv}})
                ->offset,
            9'223'372'036'854'775'807);
}

TEST(ForeignOrigin, TheOthersWriteText) {
  struct Case {
    std::string_view family, prefix, exception;
  };
  for (const Case& one :
       {Case{"connect", "__connect.errors.", "__connect.errors.exception.class.name"},
        Case{"streams", "__streams.errors.", "__streams.errors.exception"},
        Case{"karafka", "source_", ""}, Case{"kafka", "__dlq.errors.", ""}}) {
    const std::string topic = std::string(one.prefix) + "topic";
    const std::string partition = std::string(one.prefix) + "partition";
    const std::string offset = std::string(one.prefix) + "offset";
    std::vector<Header> headers = {{topic, "orders"}, {partition, "7"}, {offset, "4328719365"}};
    if (!one.exception.empty()) headers.push_back({one.exception, "E"});
    const auto found = origin(headers);
    ASSERT_TRUE(found) << one.family;
    EXPECT_EQ(found->family, one.family);
    EXPECT_EQ(found->topic, "orders");
    EXPECT_EQ(found->partition, 7);
    EXPECT_EQ(found->offset, 4'328'719'365);
    EXPECT_EQ(found->exception, one.exception.empty() ? "" : "E");
    headers[1].value = "-1";
    headers[2].value = "7x";
    EXPECT_EQ(origin(headers)->partition, std::nullopt);
    EXPECT_EQ(origin(headers)->offset, std::nullopt);
  }
}

TEST(ForeignOrigin, SpringCloudStreamNamesItsTopicToo) {
  const auto found =
      origin({{"x-original-topic", "orders"}, {"x-original-partition", kPartition7}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->family, "stream");
  EXPECT_EQ(found->partition, 7);
}

TEST(ForeignOrigin, WithoutATopicThereIsNone) {
  EXPECT_FALSE(origin({}));
  EXPECT_FALSE(origin({{"kafka_dlt-original-partition", kPartition7}}));
  EXPECT_FALSE(origin({{"kafka_dlt-original-topic", std::nullopt}}));
  for (const std::string_view name : {""sv, ".."sv, "a b"sv, "a/b"sv, "a\0b"sv, "\xff"sv})
    EXPECT_FALSE(origin({{"kafka_dlt-original-topic", name}})) << name;
  const std::string too_long(250, 'a');
  EXPECT_FALSE(origin({{"kafka_dlt-original-topic", too_long}}));
}

TEST(ForeignOrigin, TextOfOthersIsPrintableAndCut) {
  const std::string longer(2000, 'x');
  const auto found = origin({{"kafka_dlt-original-topic", "t"},
                             {"kafka_dlt-exception-message",
                              "a\xff"
                              "b"},
                             {"kafka_dlt-exception-fqcn", longer}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text.find('\xff'), std::string::npos);
  EXPECT_EQ(found->exception.size(), 500U);
}

}  // namespace
}  // namespace spool::message
