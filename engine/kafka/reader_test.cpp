#include "engine/kafka/reader.hpp"

#include <gmock/gmock.h>

namespace spool::kafka {
namespace {

using testing::HasSubstr;

ReaderSettings settings() {
  ReaderSettings settings;
  settings.bootstrap_servers = "127.0.0.1:1";
  return settings;
}

void expect_invalid(const ReaderSettings& settings, const std::string& text) {
  const auto reader = Reader::open(settings);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(reader.failure().text, HasSubstr(text));
}

TEST(ReaderSettings, NeedsServersAndAGroup) {
  auto bad = settings();
  bad.bootstrap_servers.clear();
  expect_invalid(bad, "bootstrap servers");
  bad = settings();
  bad.group.clear();
  expect_invalid(bad, "needs a group");
}

TEST(ReaderSettings, WhatTheEngineDecidesCannotBeOverridden) {
  auto bad = settings();
  bad.properties = {{"auto.offset.reset", "latest"}};
  expect_invalid(bad, "auto.offset.reset is set by the engine itself");
}

TEST(ReaderSettings, AnyPrefetchIsAccepted) {
  for (const std::size_t bytes : {std::size_t{0}, ~std::size_t{0}}) {
    auto extreme = settings();
    extreme.prefetch_bytes_per_partition = bytes;
    EXPECT_TRUE(Reader::open(extreme).ok()) << bytes;
  }
}

TEST(Reader, APartitionTwiceIsInvalidAndTheNextAssignmentIsNot) {
  const auto reader = Reader::open(settings());
  ASSERT_TRUE(reader.ok());
  const Position twice[] = {{"t", 0, 1}, {"t", 0, 2}};
  const auto status = (*reader)->assign(twice);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.failure().kind, base::FailureKind::invalid);
  EXPECT_FALSE((*reader)->poll(1, 1).has_value());
  EXPECT_TRUE((*reader)->assign({twice, 1}).ok());
  EXPECT_TRUE((*reader)->assign({}).ok());
  EXPECT_TRUE((*reader)->assign({}).ok());
  EXPECT_TRUE((*reader)->assign({twice, 1}).ok());
}

}  // namespace
}  // namespace spool::kafka
