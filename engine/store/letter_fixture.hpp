// For the tests of this folder: a database of the test program's own, emptied before each test,
// with rows of lanes and dead letters as a worker would have left them.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/store/audit_log.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::store {

class LetterFixture : public testing::Test {
 protected:
  static const test::PgDatabase& database() {
    static const test::PgDatabase database;
    return database;
  }

  void SetUp() override {
    database().execute(
        "truncate spool.lanes, spool.dead_letters, spool.open_events, spool.commands,"
        " spool.command_lanes, spool.audit_log");
  }

  static void lane(const std::string& handler, int partition, const std::string& set = "") {
    database().execute(
        "insert into spool.lanes (handler, partition, topic, epoch, token, seq, owner, "
        "start_offset,"
        " next_offset, clean) values ('" +
        handler + "', " + std::to_string(partition) +
        ", 'topic', 1, gen_random_uuid(), 1, 'host-a', 0, 0, false)");
    if (!set.empty())
      database().execute("update spool.lanes set " + set + " where handler = '" + handler +
                         "' and partition = " + std::to_string(partition));
  }

  // Its event_id is `name`; `set` changes what it is: "state = 'resolved'". The id comes back.
  static base::Uuid letter(const std::string& handler, int partition, const std::string& name,
                           const std::string& set = "state = 'open'") {
    database().execute(
        "insert into spool.dead_letters (handler, source, event_id, event_type, topic, partition,"
        " record_offset, record_timestamp_ms, key, value, headers, error_type, error_field,"
        " error_message, fingerprint, attempts, first_seen, order_key) values ('" +
        handler + "', 's', '" + name + "', 'progress.v1', 'topic', " + std::to_string(partition) +
        ", 1, 1000, 'k', '{\"user_id\": 7}', '', 'schema.violation', 'f', 'm', 'fp', 1, now(),"
        " gen_random_uuid())");
    const std::string where =
        " where handler = '" + handler + "' and source = 's' and event_id = '" + name + "'";
    database().execute("update spool.dead_letters set " + set + where);
    return *base::parse_uuid(database().value("select id from spool.dead_letters" + where));
  }

  static void open_event(const std::string& handler, int partition, int number,
                         const std::string& set) {
    database().execute(
        "insert into spool.open_events (handler, partition, number, order_key, state, due_at,"
        " source, event_id, event_type, record_offset, record_timestamp_ms, key, value, headers,"
        " bytes) values ('" +
        handler + "', " + std::to_string(partition) + ", " + std::to_string(number) +
        ", md5('k')::uuid, 'head', now() + interval '1 hour', 's', 'o" + std::to_string(number) +
        "', 'progress.v1', 5, 1000, 'k', '{\"user_id\": 7}', '', 10)");
    database().execute("update spool.open_events set " + set + " where handler = '" + handler +
                       "' and partition = " + std::to_string(partition) +
                       " and number = " + std::to_string(number));
  }

  // What of the last audit row stands there.
  static std::string audited(const std::string& columns) {
    return database().value("select concat_ws(' | ', " + columns +
                            ") from spool.audit_log order by number desc limit 1");
  }

  std::unique_ptr<postgres::Connection> connection_ = database().connect();
  const Operator who_{"anna@host", "because"};
};

}  // namespace spool::store
