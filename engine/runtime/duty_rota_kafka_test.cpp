#include "engine/runtime/duty_rota.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <string>
#include <utility>

#include "engine/kafka/kafka_test_support.hpp"
#include "engine/postgres/transaction.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::runtime {
namespace {

using base::Result;
using handler::DutyDone;
using kafka::testing_support::eventually;
using kafka::testing_support::kLimit;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr postgres::Statement kLeaveMark{
    "leave_mark", "insert into marks (who, at) values ($1, clock_timestamp())"};

using Work = std::function<Result<DutyDone>(postgres::Transaction&)>;

class WorkDuty final : public handler::Duty {
 public:
  WorkDuty(milliseconds every, Work work) : every_(every), work_(std::move(work)) {}
  std::string name() const override { return "work"; }
  milliseconds every() const override { return every_; }
  Result<DutyDone> run(postgres::Transaction& transaction) override { return work_(transaction); }

 private:
  milliseconds every_;
  Work work_;
};

class DutyRotaTest : public testing::Test {
 protected:
  DutyRotaTest() {
    database_.execute(
        "create table marks (who text, at timestamptz); grant all on marks to public");
  }

  // A worker's share, with a duty that does this.
  struct Member {
    WorkDuty duty;
    std::unique_ptr<DutyRota> rota;
  };
  std::unique_ptr<Member> member(const std::string& owner, milliseconds every, Work work) {
    auto one = std::unique_ptr<Member>(new Member{{every, std::move(work)}, nullptr});
    RotaSettings settings;
    settings.duties = {{"h", topic_, &one->duty}};
    settings.database = database_.settings();
    settings.producer.bootstrap_servers = bootstrap_;
    settings.publish_limit = milliseconds(500);
    settings.owner = owner;
    one->rota = std::make_unique<DutyRota>(std::move(settings), metrics_, log_);
    return one;
  }

  static Result<DutyDone> leave_mark(postgres::Transaction& transaction, const char* who) {
    auto left = transaction.execute(kLeaveMark, postgres::Params::of(who));
    if (!left) return left.failure();
    return DutyDone{{}, 1};
  }

  std::string duty(const std::string& columns) const {
    return database_.value("select concat_ws(' ', " + columns + ") from spool.duties");
  }
  // As the metric says.
  std::string last_success() const {
    const std::string all = metrics_.expose();
    const std::size_t name = all.find("spool_duty_last_success_timestamp_seconds{duty=\"work\"");
    if (name == std::string::npos) return {};
    const std::size_t value = all.find("} ", name) + 2;
    return all.substr(value, all.find('\n', value) - value);
  }
  std::string marks() const {
    return database_.value("select coalesce(string_agg(who, ' ' order by at), '') from marks");
  }

  test::PgDatabase database_;
  std::string bootstrap_ = kafka::testing_support::bootstrap();
  std::string topic_ = "nowhere";
  observe::Logger log_{{.level = observe::Level::error}};
  observe::Metrics metrics_{{}, log_.counts()};
};

TEST_F(DutyRotaTest, EachPeriodBelongsToOneOfAllWorkers) {
  std::atomic<int> inside{0};
  std::atomic<int> together{0};
  const auto work = [&](const char* who) {
    return [&, who](postgres::Transaction& transaction) {
      if (++inside > 1) ++together;
      auto done = leave_mark(transaction, who);
      --inside;
      return done;
    };
  };
  const auto a = member("a", milliseconds(150), work("a"));
  const auto b = member("b", milliseconds(150), work("b"));
  EXPECT_TRUE(
      eventually([&] { return database_.value("select count(*) >= 6 from marks") == "t"; }));
  EXPECT_EQ(together, 0);
  EXPECT_EQ(database_.value("select count(*) from (select at - lag(at) over (order by at) as gap"
                            " from marks) m where gap < interval '150 milliseconds'"),
            "0");
}

TEST_F(DutyRotaTest, WhatLeavesWorkRunsAgainAtOnce) {
  int left = 3;
  const auto a = member("a", std::chrono::hours(1), [&](postgres::Transaction& transaction) {
    auto done = leave_mark(transaction, "a");
    if (done) done->more = left-- > 0;
    return done;
  });
  EXPECT_TRUE(eventually([&] { return duty("version, more") == "4 f"; }));
  EXPECT_EQ(marks(), "a a a a");
  EXPECT_EQ(duty("version, rows, events, failures, owner"), "4 1 0 0 a");
  EXPECT_EQ(duty("last_error is null, retry_at is null, last_run_at = done_at"), "t t t");
  EXPECT_TRUE(eventually([&] { return last_success() > "1"; }));
}

TEST_F(DutyRotaTest, WhatIsNotPublishedIsNotDone) {
  const kafka::testing_support::TestTopic topic(1);
  const auto work = [](const char* who) {
    return [who](postgres::Transaction& transaction) {
      auto done = leave_mark(transaction, who);
      if (done) done->publish = {{"id-1", "thing.v1", "key-1", "{\"a\":1}"}};
      return done;
    };
  };
  topic_ = kafka::testing_support::unique("away");
  bootstrap_ = "127.0.0.1:1";
  auto away = member("away", std::chrono::hours(1), work("away"));
  EXPECT_TRUE(eventually([&] { return duty("failures") == "2"; }));
  EXPECT_EQ(marks(), "");
  EXPECT_THAT(duty("last_error"), HasSubstr(topic_));
  EXPECT_EQ(duty("retry_at > last_run_at, done_at is null"), "t t");
  EXPECT_EQ(last_success(), "0") << "it has been looked for, and never succeeded";
  away.reset();

  topic_ = topic.name();
  bootstrap_ = kafka::testing_support::bootstrap();
  const auto good = member("good", std::chrono::hours(1), work("good"));
  EXPECT_TRUE(eventually([&] { return duty("events") == "1"; }));
  EXPECT_EQ(marks(), "good");
  EXPECT_EQ(duty("failures, owner"), "0 good");

  const auto settings =
      kafka::testing_support::member_settings(topic_, kafka::testing_support::unique("group"));
  kafka::testing_support::Member reader(settings);
  ASSERT_TRUE(
      kafka::testing_support::run_until({&reader}, [&] { return !reader.records[0].empty(); }));
  const kafka::testing_support::Seen& seen = reader.records[0].front();
  EXPECT_EQ(seen.key, "key-1");
  EXPECT_EQ(seen.value, "{\"a\":1}");
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : seen.headers) headers[name] = value.value_or("");
  EXPECT_EQ(headers["ce_id"], "id-1");
  EXPECT_EQ(headers["ce_source"], "spool.h");
  EXPECT_EQ(headers["ce_type"], "thing.v1");
}

TEST_F(DutyRotaTest, ADeadWorkersDutyIsTakenOver) {
  std::promise<void> inside;
  std::promise<void> go_on;
  const auto dead = member("dead", std::chrono::hours(1), [&](postgres::Transaction& transaction) {
    auto done = leave_mark(transaction, "dead");
    inside.set_value();
    go_on.get_future().wait();
    return done;
  });
  ASSERT_EQ(inside.get_future().wait_for(kLimit), std::future_status::ready);
  database_.kill_sessions();
  auto heir = member("heir", std::chrono::hours(1), [&](postgres::Transaction& transaction) {
    return leave_mark(transaction, "heir");
  });
  EXPECT_TRUE(eventually([&] { return duty("owner") == "heir"; }));
  heir.reset();
  go_on.set_value();
  EXPECT_TRUE(eventually([&] {  // what it has to say of its own run is said before it looks again
    return database_.value(
               "select count(*) from pg_stat_activity where datname = current_database()"
               " and state = 'idle' and query like 'with asked%'") == "1";
  }));
  EXPECT_EQ(marks(), "heir");
  EXPECT_EQ(duty("version, failures, owner"), "1 0 heir");
}

TEST_F(DutyRotaTest, NobodyWaitsForADutyAtTheEnd) {
  auto slow = member("slow", std::chrono::hours(1), [](postgres::Transaction& transaction) {
    const auto slept = transaction.execute_script("select pg_sleep(4)");
    return slept ? Result<DutyDone>(DutyDone{}) : Result<DutyDone>(slept.failure());
  });
  ASSERT_TRUE(eventually([&] {
    return database_.value(
               "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
               " and datname = current_database()") == "1";
  }));
  const auto before = std::chrono::steady_clock::now();
  slow.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  EXPECT_EQ(duty("version, failures"), "0 0");
}

}  // namespace
}  // namespace spool::runtime
