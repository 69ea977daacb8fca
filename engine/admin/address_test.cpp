#include "engine/admin/address.hpp"

#include <gtest/gtest.h>

namespace spool::admin {
namespace {

TEST(Address, HostAndPort) {
  EXPECT_EQ(parse_address("127.0.0.1:8080")->host, "127.0.0.1");
  EXPECT_EQ(parse_address("127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(parse_address("[::1]:0")->host, "::1");
  EXPECT_EQ(parse_address(":9")->host, "0.0.0.0");
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "host", "host:", "host:x", "host:65536", "host:-1", "host:80x",
                           "::1:80", "[]:80", "ho st:80"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.failure().kind, base::FailureKind::invalid);
  }
}

TEST(Url, Parts) {
  const auto url = parse_url("http://localhost:8080/readyz?verbose#top");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->address.host, "localhost");
  EXPECT_EQ(url->address.port, 8080);
  EXPECT_EQ(url->host_header, "localhost:8080");
  EXPECT_EQ(url->target, "/readyz?verbose");
  EXPECT_EQ(parse_url("http://h")->address.port, 80);
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?x")->target, "/?x");
  EXPECT_EQ(parse_url("http://[::1]/a")->address.host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:81/a")->address.port, 81);
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"", "https://h/", "h:80/", "http://", "http:///a", "http://:80/",
                           "http://h/a b", "http://h:99999/"}) {
    EXPECT_FALSE(parse_url(text).ok()) << text;
  }
}

}  // namespace
}  // namespace spool::admin
