#include "engine/http/base_url.hpp"

#include <gtest/gtest.h>

namespace spool::http {
namespace {

TEST(BaseUrl, NamesHostPortAndPrefix) {
  const auto url = parse_base_url("https://api.themoviedb.org/3");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "api.themoviedb.org");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->host_header, "api.themoviedb.org");
  EXPECT_EQ(url->prefix, "/3");
}

TEST(BaseUrl, AnUnusualPortStandsInTheHostHeader) {
  const auto url = parse_base_url("http://127.0.0.1:8080/");
  ASSERT_TRUE(url.ok());
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->host_header, "127.0.0.1:8080");
  EXPECT_EQ(url->prefix, "");
  EXPECT_EQ(parse_base_url("http://a:80")->host_header, "a");
}

TEST(BaseUrl, AnAddressOfVersionSixStandsInBrackets) {
  const auto url = parse_base_url("https://[::1]:8443/a/b//");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->host_header, "[::1]:8443");
  EXPECT_EQ(url->prefix, "/a/b");
}

TEST(BaseUrl, WhatIsNoneIsRefusedWithoutRepeatingIt) {
  for (const char* text :
       {"", "ftp://a", "https://", "https:///3", "https://a:", "https://a:0", "https://a:65536",
        "https://a:1x", "https://user:secret@a", "https://[::1", "https://[::1]x", "https://a b",
        "https://a/3?secret=1", "https://a/3#secret", "https://a/\r\n", "https://a:b:1"}) {
    const auto url = parse_base_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.failure().kind, base::FailureKind::invalid);
    EXPECT_EQ(url.failure().text.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace spool::http
