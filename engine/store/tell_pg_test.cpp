#include <string>
#include <vector>

#include "engine/delivery/domain_event.hpp"
#include "engine/store/open_fixture.hpp"

namespace spool::store {
namespace {

using delivery::Telling;

class TellPg : public OpenFixture {
 protected:
  Telling telling(const std::string& id, std::optional<std::string> key = "key") const {
    Telling told;
    told.cause = {{source(), id}, std::move(key), {}, {}, 0};
    told.type = "list.synced.v1";
    told.data = R"({"list":1})";
    return told;
  }
  void tell(const std::vector<Telling>& tellings) {
    work([&](auto& open) { return open.tell(tellings); });
  }
};

TEST_F(TellPg, WhatIsToldGoesToTheTopicOfDomainEventsUnderTheKeyOfItsCause) {
  tell({telling("a"), telling("b", std::nullopt)});
  const auto rows = store_.outbox(lane_, 10);
  ASSERT_TRUE(rows.ok()) << rows.failure().text;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).topic, "events");
  EXPECT_EQ(rows->at(0).key, "key");
  EXPECT_EQ(rows->at(0).value, R"({"list":1})");
  EXPECT_EQ(rows->at(1).key, std::nullopt);
  EXPECT_EQ(outbox_header(0, "ce_type"), "list.synced.v1");
  EXPECT_EQ(outbox_header(0, "ce_causationid"), "a");
  EXPECT_EQ(outbox_header(1, "ce_causationid"), "b");
  EXPECT_EQ(database().value("select count(distinct id) from spool.outbox" + where() +
                             " and source = '" + source() + "' and event_id in ('a', 'b')"),
            "2")
      << "an erasure finds them by their cause";
}

TEST_F(TellPg, TheSameAgainIsToldOnce) {
  tell({telling("a")});
  tell({telling("a"), telling("b")});
  EXPECT_EQ(outbox_topics(), "events, events");
}

TEST_F(TellPg, WithoutATopicForThemNobodyIsTold) {
  PgStore silent = make_store("host-silent", settings(), "");
  lane_ = fresh_lane();
  const delivery::Claim claim = take(silent).claim;
  const std::vector<Telling> tellings = {telling("a")};
  ASSERT_TRUE(run(silent, claim, [&](auto& open) { return open.tell(tellings); }).ok());
  EXPECT_EQ(outbox_topics(), "");
}

}  // namespace
}  // namespace spool::store
