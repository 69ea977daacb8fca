#include "handlers/list_operations/status.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace spool::list_operations {
namespace {

using enum OperationStatus;

TEST(OperationStatus, TheLegalTransitionsAreTheseAndNoOthers) {
  const std::set<std::pair<OperationStatus, OperationStatus>> legal{
      {pending, processing}, {pending, completed},  {pending, failed},
      {pending, cancelled},  {processing, pending}, {processing, completed},
      {processing, failed},  {failed, pending},     {failed, cancelled},
  };
  for (const OperationStatus from : kOperationStatuses) {
    for (const OperationStatus to : kOperationStatuses)
      EXPECT_EQ(may_become(from, to), legal.contains({from, to}))
          << to_string(from) << " to " << to_string(to);
  }
}

TEST(OperationStatus, OnlyCompletedAndCancelledAreFinal) {
  for (const OperationStatus status : kOperationStatuses)
    EXPECT_EQ(is_final(status), status == completed || status == cancelled) << to_string(status);
}

TEST(OperationStatus, WordsComeBackAsWhatTheyAre) {
  std::set<std::string> words;
  for (const OperationStatus status : kOperationStatuses) {
    EXPECT_EQ(parse_operation_status(to_string(status)), status);
    words.emplace(to_string(status));
  }
  EXPECT_EQ(words,
            (std::set<std::string>{"pending", "processing", "completed", "failed", "cancelled"}));
  EXPECT_EQ(parse_operation_status("Pending"), std::nullopt);
  EXPECT_EQ(parse_operation_status(""), std::nullopt);
}

}  // namespace
}  // namespace spool::list_operations
