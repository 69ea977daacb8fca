#include "engine/config/keys.hpp"

#include <gmock/gmock.h>

#include <set>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

TEST(KeyTable, PathsAreUniqueAndNoneIsASectionAtTheSameTime) {
  const KeyTable table(known_handlers());
  std::set<std::string> paths;
  for (const Key& key : table.all()) {
    EXPECT_TRUE(paths.insert(key.path()).second) << key.path();
    EXPECT_FALSE(table.is_section(key.path())) << key.path();
    EXPECT_FALSE(key.doc.empty()) << key.path();
    // The suffix is how a variable says that it names a file.
    EXPECT_FALSE(key.name.ends_with("_file")) << key.path();
  }
}

TEST(KeyTable, EveryDefaultIsAValueThatItsOwnShapeTakes) {
  const KeyTable table(known_handlers());
  for (const Key& key : table.all()) {
    if (key.members || key.given) continue;
    const Value value = key.read(table.defaults());
    const base::Result<Value> again = parse(key.shape, to_text(key.shape, value));
    ASSERT_TRUE(again.ok()) << key.path() << ": " << again.failure().text;
    EXPECT_EQ(*again, value) << key.path();
  }
}

TEST(KeyTable, EveryKeyReadsWhatItWroteAndTouchesNoOther) {
  const KeyTable table(known_handlers());
  for (const Key& key : table.all()) {
    if (key.members) continue;
    Value other = std::string("postgresql://elsewhere:1/x");
    if (key.shape.kind == Kind::flag) other = !std::get<bool>(key.read(table.defaults()));
    const Value usual = key.read(table.defaults());
    if (std::holds_alternative<std::int64_t>(usual)) other = std::int64_t{123'457};
    if (std::holds_alternative<double>(usual)) other = 0.125;
    if (std::holds_alternative<std::vector<std::int64_t>>(usual))
      other = std::vector<std::int64_t>{123'457, 7};
    if (std::holds_alternative<std::vector<std::string>>(usual))
      other = std::vector<std::string>{"db.*"};
    if (key.shape.kind == Kind::endpoint) other = std::string("elsewhere:1");
    Settings settings = table.defaults();
    key.write(settings, other);
    EXPECT_TRUE(!key.given || key.given(settings)) << key.path();
    for (const Key& any : table.all()) {
      if (any.members) continue;
      EXPECT_EQ(any.read(settings), any.path() == key.path() ? other : any.read(table.defaults()))
          << key.path();
    }
  }
}

TEST(KeyTable, DefaultsThatFollowFromOthersAreThoseOfTheAggregate) {
  const Settings plain = default_settings(known_handlers());
  const KeyTable table(known_handlers());
  for (const Key& key : table.all()) {
    if (!key.derive || key.name == "dlt.topic") continue;
    EXPECT_EQ(key.read(plain), key.read(table.defaults())) << key.path();
  }
  EXPECT_EQ(table.defaults().handlers.at("progress_events").dlt_topic, "spool.progress-events.dlt");
  EXPECT_EQ(table.defaults().handlers.at("progress_events").group, "spool.progress_events");
}

TEST(KeyTable, SuggestsWhatWasMeant) {
  const KeyTable table(known_handlers());
  EXPECT_EQ(table.nearest("kafka.bootstrap_server"), "kafka.bootstrap_servers");
  EXPECT_EQ(table.nearest("consumer.pool_max"), "database.pool_max");
  EXPECT_EQ(table.nearest("bootstrap_servers"), "kafka.bootstrap_servers");
  EXPECT_EQ(table.nearest("consumr.session_timeot"), "consumer.session_timeout");
  EXPECT_EQ(table.nearest("handlers.progress_events.complete_percent"),
            "handlers.progress_events.completed_percent");
  EXPECT_EQ(table.nearest("x.y"), "");
  EXPECT_EQ(table.nearest_section("kafak"), "kafka");
  EXPECT_EQ(table.nearest_section("tls"), "kafka.tls");
  EXPECT_EQ(table.nearest_section("handlers.progres_events"), "handlers.progress_events");
  EXPECT_EQ(table.nearest("handlers.progress_events.retry.delay"),
            "handlers.progress_events.retry.delays");
  EXPECT_EQ(table.nearest("handlers.progress_events.retry.classes.upstream.rate_limted.ttl"),
            "handlers.progress_events.retry.classes.upstream.rate_limited.ttl");
  EXPECT_EQ(table.nearest_section("handlers.progress_events.retry.classes.upstream.rate_limted"),
            "handlers.progress_events.retry.classes.upstream.rate_limited");
}

}  // namespace
}  // namespace spool::config
