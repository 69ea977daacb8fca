#include "engine/store/dead_letter_edit.hpp"

#include <gmock/gmock.h>

#include "engine/message/header_block.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/store/letter_fixture.hpp"

namespace spool::store {
namespace {

using base::FailureKind;
using testing::HasSubstr;

constexpr const char* kOld = R"({"user_id": 7})";
constexpr const char* kNew = R"({"user_id": 7, "position_s": 1})";

class DeadLetterEditPg : public LetterFixture {
 protected:
  void SetUp() override {
    LetterFixture::SetUp();
    id_ = letter("h", 0, "e1",
                 "headers = '" +
                     headers({{"ce_id", "e1"},
                              {"ce_source", "s"},
                              {"ce_type", "progress.v1"},
                              {"ce_specversion", "1.0"}}) +
                     "'");
  }
  static std::string headers(const message::OwnedHeaders& list) {
    std::string hex;
    postgres::append_bytea_hex(hex, message::pack_headers(list));
    return hex;
  }
  FailureKind refused(const PayloadEdit& edit, const std::string& why) {
    const auto checked = check_edit(*connection_, edit);
    const auto done = edit_payload(*connection_, edit, who_);
    EXPECT_FALSE(checked.ok());
    EXPECT_FALSE(done.ok());
    if (done.ok() || checked.ok()) return FailureKind::stopped;
    EXPECT_EQ(checked.failure().text, done.failure().text);
    EXPECT_THAT(done.failure().text, HasSubstr(why));
    EXPECT_EQ(payload(), kOld);
    return done.failure().kind;
  }
  std::string payload() const {
    return database().value("select convert_from(value, 'UTF8') from spool.dead_letters");
  }
  static void set(const std::string& what) {
    database().execute("update spool.dead_letters set " + what);
  }

  base::Uuid id_;
};

TEST_F(DeadLetterEditPg, ThePayloadChangesAndNothingElse) {
  const std::string rest =
      "select md5(concat_ws(' ', key, headers, source, event_id, event_type,"
      " order_key, life, state, topic, record_offset)) from spool.dead_letters";
  const std::string before = database().value(rest);
  ASSERT_TRUE(check_edit(*connection_, {id_, kOld, kNew}).ok());
  EXPECT_EQ(payload(), kOld);
  const auto done = edit_payload(*connection_, {id_, kOld, kNew}, who_);
  ASSERT_TRUE(done.ok()) << done.failure().text;
  EXPECT_EQ(payload(), kNew);
  EXPECT_EQ(database().value(rest), before);
  EXPECT_EQ(database().value("select edited from spool.dead_letters"), "t");
  EXPECT_EQ(audited("actor, action, handler, subject, reason"),
            "anna@host | dead_letter.edit | h | " + base::to_string(id_) + " | because");
  EXPECT_EQ(audited("detail"), R"({"bytes_after": 31, "bytes_before": 14})");
}

TEST_F(DeadLetterEditPg, OnlyAnOpenLetterThatStillHasItsPayloadIsEdited) {
  for (const char* state : {"replaying", "resolved", "discarded"}) {
    set(std::string("state = '") + state + "'");
    EXPECT_EQ(refused({id_, kOld, kNew}, state), FailureKind::conflict);
  }
  set("state = 'open', erased = true");
  EXPECT_EQ(refused({id_, kOld, kNew}, "erased"), FailureKind::conflict);
  set("erased = false");
  EXPECT_EQ(refused({id_, "what it was before", kNew}, "meanwhile"), FailureKind::conflict);
  EXPECT_EQ(refused({base::Uuid{}, kOld, kNew}, "no dead letter"), FailureKind::not_found);
  EXPECT_EQ(database().value("select count(*) from spool.audit_log"), "0");
}

TEST_F(DeadLetterEditPg, AnEditCannotMakeItAnotherEvent) {
  set("headers = '" + headers({{"content-type", "application/cloudevents+json"}}) + "'");
  const auto event = [](const std::string& id, const std::string& type) {
    return R"({"specversion":"1.0","id":")" + id + R"(","source":"s","type":")" + type +
           R"(","data":{"user_id":7}})";
  };
  EXPECT_EQ(refused({id_, kOld, event("e2", "progress.v1")}, "another event"),
            FailureKind::invalid);
  EXPECT_EQ(refused({id_, kOld, event("e1", "other.v1")}, "type"), FailureKind::invalid);
  EXPECT_EQ(refused({id_, kOld, "{"}, "no event"), FailureKind::invalid);
  ASSERT_TRUE(edit_payload(*connection_, {id_, kOld, event("e1", "progress.v1")}, who_).ok());
  EXPECT_EQ(payload(), event("e1", "progress.v1"));
}

TEST_F(DeadLetterEditPg, TheOrderOfAFinerKeyStays) {
  const base::Uuid key = base::name_uuid("k", "7");
  set("order_key = '" + base::to_string(key) + "'");
  PayloadEdit edit{id_, kOld, kNew};
  edit.order_key = [](std::string_view kafka_key, const message::Event& event) {
    return base::name_uuid(kafka_key, event.data.find("7,") == std::string_view::npos ? "8" : "7");
  };
  edit.after = R"({"user_id": 8})";
  EXPECT_EQ(refused(edit, "ordered"), FailureKind::invalid);
  edit.after = kNew;
  EXPECT_TRUE(edit_payload(*connection_, edit, who_).ok());
}

TEST_F(DeadLetterEditPg, MembersAreSetExactly) {
  const auto with = [&](const std::string& document, const std::vector<MemberEdit>& members) {
    const auto changed = with_members(*connection_, document, members);
    return changed ? *changed
                   : std::string(to_string(changed.failure().kind)) + ": " + changed.failure().text;
  };
  EXPECT_EQ(with(R"({"a": 12345678901234567890.10, "b": {"c": 1}})",
                 {{{"b", "c"}, "2"}, {{"d"}, R"("x")"}}),
            R"({"a": 12345678901234567890.10, "b": {"c": 2}, "d": "x"})");
  EXPECT_THAT(with("{", {{{"a"}, "1"}}), HasSubstr("invalid: the payload is no JSON"));
  EXPECT_THAT(with("{}", {{{"a"}, "x"}}), HasSubstr("invalid: the value for a is no JSON"));
  EXPECT_THAT(with("{}", {{{"a", "b"}, "1"}}), HasSubstr("nothing that could hold a.b"));
  EXPECT_THAT(with("7", {{{"a"}, "1"}}), HasSubstr("invalid: "));
}

TEST_F(DeadLetterEditPg, ANoteIsKeptAndTakenAway) {
  const auto note = [] { return database().value("select note from spool.dead_letters"); };
  ASSERT_TRUE(set_note(*connection_, id_, "waits for release 7", who_).ok());
  EXPECT_EQ(note(), "waits for release 7");
  EXPECT_EQ(audited("action, subject"), "dead_letter.note | " + base::to_string(id_));
  ASSERT_TRUE(set_note(*connection_, id_, "", who_).ok());
  EXPECT_EQ(database().value("select note is null from spool.dead_letters"), "t");
  const auto none = set_note(*connection_, base::Uuid{}, "x", who_);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.failure().kind, FailureKind::not_found);
}

}  // namespace
}  // namespace spool::store
