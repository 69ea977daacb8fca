// For the tests of this folder: a store over a migrated database of the test program's own, and a
// lane that no other test has.
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "engine/store/pg_store.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::store {

class LaneFixture : public testing::Test {
 protected:
  static const test::PgDatabase& database() {
    static const test::PgDatabase database;
    return database;
  }

  static PgStoreSettings settings() {
    PgStoreSettings settings;
    settings.connection = database().settings();
    settings.connection.synchronous_commit_off = true;
    return settings;
  }

  static PgStore make_store(const std::string& owner, const PgStoreSettings& with,
                            const std::string& events_topic = "events") {
    return {with,
            {{"h",
              "topic",
              "topic.dlt",
              "spool.h",
              "0.1.0",
              owner,
              {"topic.retry.1s", "topic.retry.9s"},
              events_topic}}};
  }
  static PgStore make_store(const std::string& owner) { return make_store(owner, settings()); }

  static delivery::LaneId fresh_lane() {
    static std::int32_t next = 0;
    return {"h", next++};
  }

  delivery::LaneState take(PgStore& store) {
    auto state = store.take(lane_, "topic", 100, {});
    EXPECT_TRUE(state.ok()) << state.failure().text;
    return *state;
  }

  // Runs one fenced transaction to its commit.
  base::Status run(PgStore& store, const delivery::Claim& claim,
                   const std::function<base::Status(delivery::LaneTransaction&)>& body,
                   delivery::Durability durability = delivery::Durability::relaxed) {
    auto begun = store.begin(lane_);
    if (!begun) return begun.failure();
    if (auto fenced = (*begun)->fence(claim, nullptr); !fenced) return fenced;
    if (auto done = body(**begun); !done) return done;
    return (*begun)->commit(durability);
  }

  // The lane's row in one line, columns as named.
  std::string row(const std::string& columns) const {
    return database().value("select concat_ws(' ', " + columns + ") from spool.lanes" + where());
  }
  std::string where() const {
    return " where handler = 'h' and partition = " + std::to_string(lane_.partition);
  }

  static delivery::Advance step(std::int64_t from, std::int64_t to) {
    return {from, to, to - 1, 1000 + to, {.applied = to - from}};
  }

  delivery::LaneId lane_ = fresh_lane();
  PgStore store_ = make_store("host-a");
};

// Calls a function where a handler would write.
class FunctionBatch : public handler::Batch {
 public:
  using Function = std::function<base::Result<handler::ApplyCounts>(postgres::Transaction&)>;
  explicit FunctionBatch(Function function) : function_(std::move(function)) {}
  handler::Staging stage(const message::Event&, const handler::Attempt&) override { return {}; }
  std::size_t size() const override { return 1; }
  void clear() override {}
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t,
                                           std::size_t) override {
    return function_(transaction);
  }

 private:
  Function function_;
};

}  // namespace spool::store
