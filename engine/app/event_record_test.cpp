#include "engine/app/event_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/handler/handler.hpp"

namespace spool::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(EventRecord, ReadsHeaders) {
  const auto headers = parse_headers({"a=b", "c=", "d=e=f"});
  ASSERT_TRUE(headers);
  EXPECT_THAT(*headers, ElementsAre(Pair("a", "b"), Pair("c", ""), Pair("d", "e=f")));
  for (const char* text : {"", "a", "=b"}) EXPECT_FALSE(parse_headers({text})) << text;
}

class Nothing final : public handler::ApplyAtOnce {
 public:
  std::unique_ptr<handler::Batch> make_batch() const override { return nullptr; }
};

TEST(EventRecord, FindsTheTopicOfAType) {
  handler::HandlerRegistry registry;
  ASSERT_TRUE(
      registry.add({{"one", "default-topic", {"progress.v1"}}, std::make_unique<Nothing>()}));
  config::Settings settings;
  settings.handlers["one"].topic = "configured-topic";
  EXPECT_EQ(*topic_of_type("progress.v1", registry, settings), "configured-topic");
  const auto unknown = topic_of_type("progres.v1", registry, settings);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.failure().kind, base::FailureKind::invalid);
  EXPECT_THAT(unknown.failure().text, HasSubstr("did you mean progress.v1?"));
  EXPECT_THAT(topic_of_type("zzzzzzzzzzzzzzzzz", registry, settings).failure().text,
              Not(HasSubstr("did you mean")));
}

}  // namespace
}  // namespace spool::app
