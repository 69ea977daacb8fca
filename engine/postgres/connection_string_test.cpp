#include <gtest/gtest.h>

#include "engine/postgres/connection.hpp"

namespace spool::postgres {
namespace {

std::string built(const std::string& url) {
  ConnectionSettings settings;
  settings.url = url;
  settings.application_name = "it's spool";
  settings.synchronous_commit_off = true;
  const auto text = connection_string(settings);
  return text ? *text : "failed: " + text.failure().text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ConnectionString, SettingsJoinAUrl) {
  const std::string text = built("postgresql://me:pa%20ss@db.example:6000/spool");
  EXPECT_TRUE(contains(text, "host='db.example'")) << text;
  EXPECT_TRUE(contains(text, "port='6000'")) << text;
  EXPECT_TRUE(contains(text, "user='me'")) << text;
  EXPECT_TRUE(contains(text, "password='pa ss'")) << text;
  EXPECT_TRUE(contains(text, "dbname='spool'")) << text;
  EXPECT_TRUE(contains(text, "application_name='it\\'s spool'")) << text;
  EXPECT_TRUE(contains(text, "connect_timeout='3'")) << text;
  EXPECT_TRUE(contains(text, "tcp_user_timeout='3000'")) << text;
  EXPECT_TRUE(contains(text, "-c statement_timeout=5000 ")) << text;
  EXPECT_TRUE(contains(text, "-c lock_timeout=1000 ")) << text;
  EXPECT_TRUE(contains(text, "-c idle_in_transaction_session_timeout=10000 ")) << text;
  EXPECT_TRUE(contains(text, "-c synchronous_commit=off ")) << text;
}

TEST(ConnectionString, SettingsJoinKeysAndValues) {
  const std::string text = built("host=db.example dbname=spool user=me");
  EXPECT_TRUE(contains(text, "host='db.example'")) << text;
  EXPECT_TRUE(contains(text, "-c statement_timeout=5000 ")) << text;
}

TEST(ConnectionString, WhatTheUrlNamesWins) {
  const std::string text = built(
      "postgresql://db/spool?application_name=mine&connect_timeout=9"
      "&options=-c%20statement_timeout%3D77%20-c%20geqo%3Doff");
  EXPECT_TRUE(contains(text, "application_name='mine'")) << text;
  EXPECT_TRUE(contains(text, "connect_timeout='9'")) << text;
  // PostgreSQL takes the last of two.
  EXPECT_LT(text.find("statement_timeout=5000"), text.find("statement_timeout=77")) << text;
  EXPECT_TRUE(contains(text, "geqo=off")) << text;
}

TEST(ConnectionString, NonsenseIsRefusedWithoutQuotingIt) {
  for (const char* nonsense : {"host=a hunter2", "postgresql://u:hunter2@[broken", "x=hunter2"}) {
    ConnectionSettings settings;
    settings.url = nonsense;
    const auto text = connection_string(settings);
    ASSERT_FALSE(text.ok()) << nonsense;
    EXPECT_EQ(text.failure().kind, base::FailureKind::invalid);
    EXPECT_FALSE(contains(text.failure().text, "hunter2"));
  }
}

TEST(ConnectionOpen, FailureDoesNotTellThePassword) {
  ConnectionSettings settings;
  // Nobody listens on port 1; a host name that holds the password is quoted by the driver.
  settings.url = "postgresql://u:hunter2@127.0.0.1:1/hunter2";
  const auto connection = Connection::open(settings);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.failure().kind, base::FailureKind::unavailable);
  EXPECT_FALSE(contains(connection.failure().text, "hunter2")) << connection.failure().text;
}

}  // namespace
}  // namespace spool::postgres
