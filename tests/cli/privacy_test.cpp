// Erasing what is kept of a person: a program with handlers of the test's own, since only a handler
// can say where a user stands in its events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "engine/app/program.hpp"
#include "engine/store/event_filter.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class NoWay : public handler::ApplyAtOnce {
 public:
  std::unique_ptr<handler::Batch> make_batch() const override { return nullptr; }
};

class PrivacyTest : public testing::Test {
 protected:
  PrivacyTest() {
    program_.handlers = [](const config::Settings&) {
      handler::HandlerRegistry registry;
      for (const std::string name : {"asks", "never_asks"}) {
        handler::HandlerSpec spec{name, name + "-topic", {name + ".v1"}};
        if (name == "asks") spec.user_field = "user_id";
        EXPECT_TRUE(registry.add({spec, std::make_unique<NoWay>()}).ok());
      }
      return base::Result<handler::HandlerRegistry>(std::move(registry));
    };
    program_.known = {{"asks", "asks-topic", {}}, {"never_asks", "never_asks-topic", {}}};
    for (const std::string name : {"asks", "never_asks"}) {
      database_.execute(
          "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner,"
          " start_offset, next_offset) values ('" +
          name +
          "', 0, 't', 1, gen_random_uuid(), 1, 'host-a', 0, 0);"
          "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
          " record_offset, record_timestamp_ms, value, headers, error_type, error_field,"
          " error_message, fingerprint, attempts, first_seen, order_key) select '" +
          name +
          "', 's', 'e' || n, 't', 't', 0, n, 1000, convert_to('{\"user_id\": ' || n || '}',"
          " 'UTF8'), '', 'schema.violation', '', '', '', 1, now(), gen_random_uuid()"
          " from generate_series(7, 8) n");
    }
  }

  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    return app::run_command_line(program_, words, {{"SPOOL__DATABASE__URL", database_.url()}},
                                 {in_, out_, err_});
  }
  std::string commands(const std::string& columns) {
    return database_.value("select string_agg(concat_ws(' ', " + columns +
                           "), '; ')"
                           " from spool.commands");
  }

  PgDatabase database_;
  app::Program program_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(PrivacyTest, AsksTheHandlersThatKnowTheirUsersAndNamesNobodyInTheAuditLog) {
  EXPECT_EQ(run({"privacy", "erase", "--user", "7", "--dry-run"}), 0) << err_.str();
  EXPECT_EQ(commands("id"), "");
  EXPECT_EQ(
      run({"privacy", "erase", "--user", "7", "--reason", "request 1", "--yes", "--wait", "50ms"}),
      3)
      << "no owner is there";
  EXPECT_THAT(err_.str(), HasSubstr("until it has ended the command itself names the user"));
  EXPECT_EQ(commands("kind, handler, matched, filter ->> 'user', filter ->> 'user_field'"),
            "erase asks 1 7 user_id");
  const std::string log = database_.value("select string_agg(a::text, '') from spool.audit_log a");
  EXPECT_THAT(log, AllOf(HasSubstr(store::user_mark("7")), Not(HasSubstr("\"user\""))));
  database_.execute("update spool.commands set state = 'finished'");
  EXPECT_EQ(run({"privacy", "erase", "--user", "99", "--reason", "request 2", "--yes"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("nothing is kept of this user"));
  EXPECT_EQ(commands("filter ? 'user'"), "f") << "what has ended forgets";
}

TEST_F(PrivacyTest, AHandlerThatSaysNothingOfUsersIsRefused) {
  EXPECT_EQ(run({"privacy", "erase", "--user", "7", "--handler", "never_asks", "--reason", "r"}),
            2);
  EXPECT_THAT(err_.str(), HasSubstr("never_asks does not say where a user stands"));
  EXPECT_EQ(run({"privacy", "erase", "--user", "7", "--reason", "r"}), 2) << "nobody to ask";
  EXPECT_EQ(commands("id"), "");
}

}  // namespace
}  // namespace spool::test
