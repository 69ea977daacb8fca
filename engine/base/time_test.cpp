#include "engine/base/time.hpp"

#include <gtest/gtest.h>

namespace spool::base {
namespace {

TEST(Rfc3339, ReadsEveryLegalForm) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("2026-01-02T03:04:05.678Z"), 1'767'323'045'678'000);
  EXPECT_EQ(parse_rfc3339("2026-01-02t04:04:05.678+01:00"), 1'767'323'045'678'000);
  EXPECT_EQ(parse_rfc3339("2026-01-01 22:34:05.678-04:30"), 1'767'323'045'678'000);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.123456789Z"), 123'456);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.5Z"), -500'000);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST(Rfc3339, RefusesTheRest) {
  for (const char* bad :
       {"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-1-02T03:04:05Z",
        "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2025-02-29T03:04:05Z",
        "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05+24:00", "2026-01-02X03:04:05Z", " 2026-01-02T03:04:05Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(Rfc3339, WritesWhatItReads) {
  for (const EpochMicros time :
       {EpochMicros{0}, EpochMicros{-1}, EpochMicros{1'767'323'045'678'901}}) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(time)), time) << format_rfc3339(time);
  }
  EXPECT_EQ(format_rfc3339(1'767'323'045'678'000), "2026-01-02T03:04:05.678000Z");
}

}  // namespace
}  // namespace spool::base
