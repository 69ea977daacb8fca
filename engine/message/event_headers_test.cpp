#include "engine/message/event_headers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::message {
namespace {

using testing::ElementsAre;
using testing::Not;
using testing::Pair;

const EventAttributes kAttributes{"id-1", "src", "progress.v1", "2026-01-02T03:04:05Z"};

TEST(EventHeaders, WritesBinaryMode) {
  EXPECT_THAT(
      event_headers(kAttributes, {{"traceparent", "00-x"}}),
      ElementsAre(Pair("ce_id", "id-1"), Pair("ce_source", "src"), Pair("ce_type", "progress.v1"),
                  Pair("ce_specversion", "1.0"), Pair("ce_time", "2026-01-02T03:04:05Z"),
                  Pair("content-type", "application/json"), Pair("traceparent", "00-x")));
}

TEST(EventHeaders, LetsHeadersReplaceAttributes) {
  const HeaderList headers =
      event_headers(kAttributes, {{"CE_Type", "other"}, {"ce_id", "a"}, {"ce_id", "b"}});
  EXPECT_THAT(headers, Not(testing::Contains(Pair("ce_type", testing::_))));
  EXPECT_THAT(headers, testing::Contains(Pair("CE_Type", "other")));
  EXPECT_EQ(headers.size(), 7U);
  EXPECT_EQ(headers.back(), (std::pair<std::string, std::string>("ce_id", "b")));
}

}  // namespace
}  // namespace spool::message
