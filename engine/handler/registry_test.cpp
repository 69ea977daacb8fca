#include "engine/handler/registry.hpp"

#include <gtest/gtest.h>

namespace spool::handler {
namespace {

Handler named(std::string name, std::string topic) {
  return {{std::move(name), std::move(topic), {"x.v1"}, Idempotence::natural}, {}};
}

TEST(Registry, FindsWhatWasAdded) {
  HandlerRegistry registry;
  ASSERT_TRUE(registry.add(named("one", "t.one")));
  ASSERT_TRUE(registry.add(named("two", "t.two")));
  ASSERT_NE(registry.find("two"), nullptr);
  EXPECT_EQ(registry.find("two")->spec.topic, "t.two");
  EXPECT_EQ(registry.find("three"), nullptr);
}

TEST(Registry, OneHandlerPerNameAndTopic) {
  HandlerRegistry registry;
  ASSERT_TRUE(registry.add(named("one", "t.one")));
  EXPECT_FALSE(registry.add(named("one", "t.other")));
  EXPECT_FALSE(registry.add(named("other", "t.one")));
  EXPECT_EQ(registry.all().size(), 1U);
}

TEST(Registry, RefusesWhatCannotWork) {
  HandlerRegistry registry;
  EXPECT_FALSE(registry.add(named("", "t")));
  EXPECT_FALSE(registry.add(named("Has-Dash", "t")));
  EXPECT_FALSE(registry.add(named("fine", "")));
  Handler no_types = named("fine", "t");
  no_types.spec.types.clear();
  EXPECT_FALSE(registry.add(std::move(no_types)));
}

class NamedDuty final : public Duty {
 public:
  explicit NamedDuty(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::chrono::milliseconds every() const override { return std::chrono::hours(1); }
  base::Result<DutyDone> run(postgres::Transaction&) override { return DutyDone{}; }

 private:
  std::string name_;
};

bool takes_duties(std::initializer_list<const char*> names) {
  Handler handler = named("one", "t");
  for (const char* name : names) handler.duties.push_back(std::make_unique<NamedDuty>(name));
  HandlerRegistry registry;
  return registry.add(std::move(handler)).ok();
}

TEST(Registry, OneDutyPerName) {
  EXPECT_TRUE(takes_duties({"clean_up", "refresh"}));
  EXPECT_FALSE(takes_duties({"clean_up", "clean_up"}));
  EXPECT_FALSE(takes_duties({"Clean-up"}));
}

TEST(Registry, EveryIdempotenceIsServed) {
  HandlerRegistry registry;
  for (const Idempotence any : {Idempotence::natural, Idempotence::ledger, Idempotence::inbox}) {
    const char name = static_cast<char>('a' + static_cast<int>(any));
    Handler handler = named(std::string(1, name), std::string("t.") + name);
    handler.spec.idempotence = any;
    EXPECT_TRUE(registry.add(std::move(handler)));
  }
  EXPECT_EQ(registry.all().size(), 3U);
}

}  // namespace
}  // namespace spool::handler
