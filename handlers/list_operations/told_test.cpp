#include "handlers/list_operations/told.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace spool::list_operations {
namespace {

std::string example(const std::string& type) {
  std::ifstream file(SPOOL_SCHEMAS "/events/examples/" + type + ".json");
  std::string line;
  EXPECT_TRUE(std::getline(file, line)) << type;
  return line;
}

Named operation(OperationType type) {
  Named named;
  named.id = base::parse_uuid("0b0c1c1e-7c3a-4f5e-9a51-0c2f3b1d7e02").value();
  named.type = type;
  named.tmdb_user_id = 7;
  named.list_ref = base::parse_uuid("6d1f0c1e-7c3a-4f5e-9a51-0c2f3b1d7e01");
  return named;
}

TEST(Told, ACompletionIsAsItsExample) {
  Named named = operation(OperationType::add_movie);
  named.tmdb_list_id = 8136;
  const auto told = completed_told(3, named, "a later operation adds or removes the same movie");
  EXPECT_EQ(told.cause, 3U);
  EXPECT_EQ(told.subject, "0b0c1c1e-7c3a-4f5e-9a51-0c2f3b1d7e02");
  EXPECT_EQ(told.data, example(told.type));
}

TEST(Told, AFailureIsAsItsExample) {
  const message::Rejection why{message::ErrorType::upstream_rejected, "", "the name is too long"};
  const auto told = failed_told(0, operation(OperationType::create_list), why, 1, 0);
  EXPECT_EQ(told.data, example(told.type));
}

TEST(Told, AListThatWasReadIsAsItsExample) {
  Named named = operation(OperationType::refresh_list);
  named.tmdb_list_id = 8136;
  Refreshed found{.there = Existence::exists};
  found.differences.only_fetched = {550, 551};
  const auto at = base::parse_rfc3339("2026-11-21T09:30:00.000001Z").value();
  const auto told = synced_told(2, named, found, at);
  EXPECT_EQ(told.cause, 2U);
  EXPECT_EQ(told.subject, "8136");
  EXPECT_EQ(told.data, example(told.type));
}

TEST(Told, AListThatIsGoneHasChanged) {
  Named named = operation(OperationType::refresh_list);
  named.list_ref.reset();
  const std::string data =
      synced_told(0, named, {Existence::gone, false, {.existence = true, .only_in_mirror = {1}}}, 1)
          .data;
  for (const char* piece : {"\"exists\":false", "\"changed\":true", "\"movies_removed\":1"})
    EXPECT_NE(data.find(piece), std::string::npos) << piece;
  EXPECT_EQ(data.find("list_ref"), std::string::npos);
}

TEST(Told, AnEndOfALoginIsAsItsExample) {
  const auto told = reauthentication_told(0, 7);
  EXPECT_EQ(told.subject, "7");
  EXPECT_EQ(told.data, example(told.type));
}

TEST(Told, WhatIsNotKnownIsLeftOut) {
  Named named = operation(OperationType::delete_list);
  named.list_ref.reset();
  const std::string data = completed_told(0, named, "").data;
  for (const char* member : {"tmdb_list_id", "list_ref", "reason"})
    EXPECT_EQ(data.find(member), std::string::npos) << member;
}

}  // namespace
}  // namespace spool::list_operations
