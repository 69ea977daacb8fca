#include "tests/support/scenario.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "engine/postgres/connection.hpp"

namespace spool::test {

Scenario::Scenario(ScenarioSettings settings)
    : settings_(std::move(settings)),
      topic_(name() + ".progress-events"),
      dead_letter_topic_(topic_ + ".dlt"),
      events_topic_(name() + ".events"),
      group_(name()) {
  create_topics({topic_, dead_letter_topic_, events_topic_}, settings_.partitions);
  // So that PostgreSQL, too, has something to refuse.
  database().execute(
      "alter table media.watch_progress add constraint refused_by_the_test check (tmdb_id < " +
      std::to_string(kRefusedByDatabase) + ")");
}

Environment Scenario::worker_environment() const {
  const std::string handler = "SPOOL__HANDLERS__PROGRESS_EVENTS__";
  return {{handler + "TOPIC", topic_},
          {handler + "GROUP", group_},
          {"SPOOL__KAFKA__EVENTS_TOPIC", events_topic_}};
}

WorkerProcess& Scenario::start_program(const std::string& program, const Environment& extra) {
  Environment environment = worker_environment();
  for (const auto& [name, value] : settings_.worker) environment[name] = value;
  for (const auto& [name, value] : extra) environment[name] = value;
  return start(program, environment);
}

WorkerProcess& Scenario::start_worker(const Environment& extra) {
  return start_program(SPOOL_PROGRAM, extra);
}

WorkerProcess& Scenario::start_worker_with_points(const Environment& extra) {
  return start_program(SPOOL_TESTPOINT_PROGRAM, extra);
}

void Scenario::publish(const std::vector<GeneratedRecord>& records) {
  publish_to(topic_, records);
}

void Scenario::publish(const std::vector<GeneratedRecord>& records, std::size_t first,
                       std::size_t last) {
  publish_to(topic_, records, first, last);
}

bool Scenario::wait_caught_up(std::chrono::seconds limit) {
  const std::string end = std::to_string(end_offsets(topic_, settings_.partitions));
  return wait_true("select coalesce(sum(next_offset), 0) = " + end +
                       " and not exists (select from spool.outbox where error is null)"
                       " from spool.lanes",
                   limit);
}

void Scenario::expect_matches(const Generated& generated) {
  expect_rows(generated);
  expect_dead(generated);
  expect_counters(generated);
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s", logs().c_str());
}

void Scenario::expect_rows(const Generated& generated) {
  static constexpr postgres::Statement kAllRows{
      "scenario_all_rows",
      "select user_id, media_type::text, tmdb_id, season, episode, position_s, duration_s,"
      " (extract(epoch from updated_at) * 1000000)::bigint, event_id,"
      " (extract(epoch from completed_at) * 1000000)::bigint from media.watch_progress"};
  const auto connection = database().connect();
  const auto rows = need(connection->execute(kAllRows), "rows");
  EXPECT_EQ(rows.size(), generated.rows.size());
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const ItemKey key{rows.int64(r, 0), rows.text(r, 1), rows.int64(r, 2), rows.int64(r, 3),
                      rows.int64(r, 4)};
    const ExpectedRow found{rows.int64(r, 5), rows.int64(r, 6), rows.int64(r, 7), rows.text(r, 8),
                            rows.optional_int64(r, 9)};
    const auto expected = generated.rows.find(key);
    if (expected == generated.rows.end() || !(expected->second == found)) ++wrong;
  }
  EXPECT_EQ(wrong, 0U) << "rows that differ from the reference";
}

DeadLetterTopic Scenario::read_dead_letter_topic() {
  DeadLetterTopic found;
  std::set<std::string> nameless;
  for (const TopicRecord& record : read_topic(dead_letter_topic_, settings_.partitions)) {
    ++found.records;
    const std::string id = record.header("ce_id");
    if (!id.empty()) {
      found.identities.emplace(record.header("ce_source"), id);
    } else {
      nameless.insert(record.header("__dlq.errors.partition") + ":" +
                      record.header("__dlq.errors.offset"));
    }
  }
  found.nameless = nameless.size();
  return found;
}

void Scenario::expect_dead(const Generated& generated) {
  const DeadLetterTopic topic = read_dead_letter_topic();
  EXPECT_EQ(topic.identities, generated.dead);
  EXPECT_EQ(topic.nameless, generated.nameless);
  const std::size_t dead = generated.dead.size() + generated.nameless;
  std::set<std::string> told;
  for (const TopicRecord& record : read_topic(events_topic_, settings_.partitions)) {
    EXPECT_EQ(record.header("ce_type"), "dead_letter.created.v1");
    told.insert(record.header("ce_id"));
  }
  EXPECT_EQ(told.size(), dead) << "deaths of which other systems were told";
  EXPECT_EQ(number("select count(*) from spool.dead_letters"), static_cast<std::int64_t>(dead));
  std::printf("dead letters: %zu, published %zu times (%zu repetitions)\n", dead, topic.records,
              topic.records - dead);
}

void Scenario::expect_counters(const Generated& generated) {
  EXPECT_EQ(text("select bool_and(next_offset - start_offset = applied + duplicate + dead + open"
                 " + gaps + lost) from spool.lanes"),
            "t");
  EXPECT_EQ(number("select sum(applied + duplicate + dead) from spool.lanes"),
            static_cast<std::int64_t>(generated.records.size()));
  EXPECT_EQ(number("select sum(dead) from spool.lanes"),
            static_cast<std::int64_t>(generated.dead.size() + generated.nameless));
  EXPECT_EQ(number("select sum(lost) + sum(open) from spool.lanes"), 0);
  EXPECT_EQ(number("select count(*) from spool.outbox"), 0);
  // What the transactions wrote down adds up to what the lanes say.
  EXPECT_EQ(text("select bool_and(l.applied = b.applied and l.dead = b.dead and l.gaps = b.gaps)"
                 " from spool.lanes l join (select handler, partition, sum(applied) applied,"
                 " sum(dead) dead, sum(gaps) gaps from spool.lane_batches group by 1, 2) b"
                 " using (handler, partition)"),
            "t");
}

}  // namespace spool::test
