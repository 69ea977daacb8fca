#include "engine/kafka/reader.hpp"

#include <gmock/gmock.h>

#include <random>

#include "engine/kafka/kafka_test_support.hpp"

namespace spool::kafka {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Place = std::pair<std::string, std::int32_t>;

// One request at a time: while a new topic's leader is still settling in, a broker may refuse the
// first request and take the second, and librdkafka then holds the first to be taken as well.
std::unique_ptr<Producer> careful_producer() {
  return open_producer({{"max.in.flight", "1"}});
}

// A reader that collects what it is given.
class Reading {
 public:
  explicit Reading(std::size_t prefetch_bytes = 256UL * 1024, Properties properties = {}) {
    ReaderSettings settings;
    settings.bootstrap_servers = bootstrap();
    settings.client_id = "test";
    settings.prefetch_bytes_per_partition = prefetch_bytes;
    settings.properties = std::move(properties);
    auto opened = Reader::open(settings);
    SPOOL_ASSERT(opened.ok(), "the reader opens");
    reader = std::move(opened).value();
  }

  void assign(const std::vector<Position>& positions) {
    const auto status = reader->assign(positions);
    ASSERT_TRUE(status.ok()) << status.failure().text;
  }

  // Everything that is there now.
  void step() {
    reader->drain_wake();
    while (auto batch = reader->poll(100, 1 << 20)) keep(*batch);
    for (auto event = reader->poll_event(); event.index() != 0; event = reader->poll_event()) {
      if (auto* failed = std::get_if<Reader::PartitionFailed>(&event)) {
        failures.push_back(std::move(*failed));
      } else if (auto* handle = std::get_if<Reader::HandleFailed>(&event)) {
        handle_failures.push_back(handle->failure.text);
      }
    }
  }

  // Lets it work until `done`; false when the deadline passes first.
  bool until(const std::function<bool()>& done, milliseconds limit = kLimit) {
    const auto deadline = steady_clock::now() + limit;
    for (;;) {
      step();
      if (done()) return true;
      const auto left =
          std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0) return false;
      pollfd waiting{reader->wake_fd(), POLLIN, 0};
      ::poll(&waiting, 1, static_cast<int>(left));
    }
  }

  bool reaches(const Place& place, std::int64_t next) {
    return until([&] { return nexts[place] >= next; });
  }

  std::unique_ptr<Reader> reader;
  std::map<Place, std::vector<std::int64_t>> offsets;
  std::map<Place, std::vector<std::string>> values;
  std::map<Place, std::int64_t> nexts;
  std::vector<Reader::PartitionFailed> failures;
  std::vector<std::string> handle_failures;

 private:
  void keep(const Reader::Batch& batch) {
    const Place place{batch.topic, batch.partition};
    ASSERT_FALSE(batch.records.empty());
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      offsets[place].push_back(batch.records.offset(i));
      values[place].emplace_back(batch.records.record(i).value.value_or("(null)"));
    }
    EXPECT_EQ(batch.next_offset, offsets[place].back() + 1);
    nexts[place] = batch.next_offset;
  }
};

std::vector<std::int64_t> range(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = from; i < to; ++i) numbers.push_back(i);
  return numbers;
}

TEST(ReaderKafka, ReadsPartitionsOfSeveralTopicsEachFromItsOffset) {
  TestTopic one(2);
  TestTopic two(2);
  const auto producer = careful_producer();
  for (const TestTopic* topic : {&one, &two}) {
    for (const std::int32_t partition : {0, 1}) fill(*producer, topic->name(), partition, 10);
  }
  Reading reading;
  reading.assign({{one.name(), 0, 0}, {one.name(), 1, 4}, {two.name(), 1, 9}});
  ASSERT_TRUE(reading.until([&] {
    return reading.nexts[{one.name(), 0}] == 10 && reading.nexts[{one.name(), 1}] == 10 &&
           reading.nexts[{two.name(), 1}] == 10;
  }));
  EXPECT_EQ((reading.offsets[{one.name(), 0}]), range(0, 10));
  EXPECT_EQ((reading.offsets[{one.name(), 1}]), range(4, 10));
  EXPECT_THAT((reading.values[{two.name(), 1}]), ElementsAre("9"));

  // What is written later arrives as well; what was not assigned does not.
  fill(*producer, two.name(), 1, 5);
  ASSERT_TRUE(reading.reaches({two.name(), 1}, 15));
  EXPECT_THAT((reading.offsets[{two.name(), 0}]), IsEmpty());
  EXPECT_THAT(reading.failures, IsEmpty());
}

TEST(ReaderKafka, ANewAssignmentReplacesTheWholeSet) {
  TestTopic topic(2);
  const auto producer = careful_producer();
  fill(*producer, topic.name(), 0, 10);
  fill(*producer, topic.name(), 1, 10);
  Reading reading;
  reading.assign({{topic.name(), 0, 0}});
  ASSERT_TRUE(reading.reaches({topic.name(), 0}, 10));
  reading.assign({{topic.name(), 1, 3}});
  fill(*producer, topic.name(), 0, 5);
  fill(*producer, topic.name(), 1, 5);
  ASSERT_TRUE(reading.reaches({topic.name(), 1}, 15));
  EXPECT_EQ((reading.offsets[{topic.name(), 1}]), range(3, 15));
  EXPECT_EQ((reading.offsets[{topic.name(), 0}]), range(0, 10));

  reading.assign({});
  reading.assign({{topic.name(), 0, 8}});
  reading.offsets.clear();
  ASSERT_TRUE(reading.reaches({topic.name(), 0}, 15));
  EXPECT_EQ((reading.offsets[{topic.name(), 0}]), range(8, 15));
}

TEST(ReaderKafka, AnOffsetThatTheLogDoesNotHaveMeansTheEarliestRecord) {
  TestTopic topic(2);
  const auto producer = careful_producer();
  fill(*producer, topic.name(), 0, 10);
  fill(*producer, topic.name(), 1, 10);
  ASSERT_TRUE(topic.cluster().delete_records(topic.name(), 0, 5, kLimit).ok());
  ASSERT_TRUE(topic.cluster().delete_records(topic.name(), 1, 7, kLimit).ok());
  Reading reading;
  reading.assign({{topic.name(), 0, 2}, {topic.name(), 1, 1'000}});
  ASSERT_TRUE(reading.reaches({topic.name(), 0}, 10));
  ASSERT_TRUE(reading.reaches({topic.name(), 1}, 10));
  EXPECT_EQ((reading.offsets[{topic.name(), 0}]), range(5, 10));
  EXPECT_EQ((reading.offsets[{topic.name(), 1}]), range(7, 10));
  EXPECT_THAT(reading.failures, IsEmpty());
  EXPECT_THAT(reading.handle_failures, IsEmpty());
}

TEST(ReaderKafka, ARecordIsCopiedWhole) {
  TestTopic topic(1);
  const auto producer = careful_producer();
  const message::Header headers[] = {{"ce_id", "1"}, {"null", std::nullopt}};
  OutboundRecord record;
  record.topic = topic.name();
  record.key = "k";
  record.headers = headers;
  ASSERT_TRUE(producer->publish(record).ok());
  ASSERT_THAT(producer->flush(kLimit), SizeIs(1));
  Reading reading;
  reading.assign({{topic.name(), 0, 0}});
  std::optional<Reader::Batch> batch;
  ASSERT_TRUE(eventually([&] { return (batch = reading.reader->poll(1, 1)).has_value(); }));
  reading.reader.reset();  // the batch does not need it
  const message::Record seen = batch->records.record(0);
  EXPECT_EQ(seen.key, "k");
  EXPECT_EQ(seen.value, std::nullopt);
  EXPECT_EQ(seen.header("ce_id"), "1");
  EXPECT_EQ(seen.header("null"), std::nullopt);
  EXPECT_GT(seen.timestamp_ms, 1'600'000'000'000);
}

TEST(ReaderKafka, PollKeepsItsBoundsAndPartitionsTakeTurns) {
  TestTopic topic(2);
  const auto producer = careful_producer();
  fill(*producer, topic.name(), 0, 50, 1'000);
  fill(*producer, topic.name(), 1, 50, 1'000);
  Reading reading;
  reading.assign({{topic.name(), 0, 0}, {topic.name(), 1, 0}});
  // From when on both partitions have records waiting is not known.
  std::vector<std::int32_t> order;
  ASSERT_TRUE(eventually([&] {
    const auto batch = reading.reader->poll(3, 1 << 20);
    if (!batch) return false;
    EXPECT_LE(batch->records.size(), 3U);
    order.push_back(batch->partition);
    if (batch->next_offset == 50) {
      reading.assign({{topic.name(), 0, 0}, {topic.name(), 1, 0}});
      order.clear();
    }
    const std::size_t count = order.size();
    return count >= 4 && order[count - 4] != order[count - 3] &&
           order[count - 3] != order[count - 2] && order[count - 2] != order[count - 1];
  }));
  ASSERT_TRUE(eventually([&] {
    const auto batch = reading.reader->poll(100, 1);
    return batch.has_value() && batch->records.size() == 1;
  }));
}

TEST(ReaderKafka, AMissingTopicIsToldOnceAndReadOnceItIsThere) {
  TestTopic other(1);
  const auto producer = careful_producer();
  const std::string name = unique("topic");
  Reading reading(256UL * 1024, {{"topic.metadata.propagation.max.ms", "1"},
                                 {"topic.metadata.refresh.interval.ms", "200"}});
  reading.assign({{name, 0, 0}, {name, 1, 0}, {other.name(), 0, 0}});
  ASSERT_TRUE(reading.until([&] { return !reading.failures.empty(); }));
  EXPECT_EQ(reading.failures[0].topic, name);
  EXPECT_EQ(reading.failures[0].failure.kind, base::FailureKind::not_found);
  fill(*producer, other.name(), 0, 3);  // the others go on
  ASSERT_TRUE(reading.reaches({other.name(), 0}, 3));
  // Several refreshes later it has still been told once.
  EXPECT_FALSE(reading.until([&] { return reading.failures.size() > 1; }, milliseconds(1'000)));

  const auto cluster = open_cluster();
  const TopicSpec spec{name, 2, 1, {}};
  ASSERT_TRUE(cluster->create_topics({&spec, 1}, kLimit).ok());
  ASSERT_TRUE(eventually([&] { return cluster->partition_count(name, kLimit).ok(); }));
  fill(*producer, name, 0, 10);
  fill(*producer, name, 1, 10);
  EXPECT_TRUE(reading.reaches({name, 0}, 10));
  EXPECT_TRUE(reading.reaches({name, 1}, 10));
  EXPECT_EQ((reading.offsets[{name, 1}]), range(0, 10));
  EXPECT_THAT(reading.failures, SizeIs(1));
  reading.reader.reset();
  EXPECT_TRUE(cluster->delete_topic(name, kLimit).ok());
}

TEST(ReaderKafka, ARecreatedTopicIsReadFromItsNewBeginning) {
  TestTopic topic(1);
  fill(*careful_producer(), topic.name(), 0, 10);
  Reading reading(256UL * 1024, {{"topic.metadata.refresh.interval.ms", "500"}});
  reading.assign({{topic.name(), 0, 0}});
  ASSERT_TRUE(reading.reaches({topic.name(), 0}, 10));
  ASSERT_TRUE(topic.cluster().delete_topic(topic.name(), kLimit).ok());
  ASSERT_TRUE(reading.until([&] { return !reading.failures.empty(); }));
  EXPECT_EQ(reading.failures[0].failure.kind, base::FailureKind::not_found);
  reading.offsets.clear();
  topic.create();
  fill(*careful_producer(), topic.name(), 0, 5);
  ASSERT_TRUE(reading.until([&] { return reading.offsets[{topic.name(), 0}].size() >= 5; }));
  EXPECT_EQ((reading.offsets[{topic.name(), 0}]), range(0, 5));
}

// Replaces the assignment many times in the middle of a stream. What comes first must be the record
// that was asked for, and what follows must follow. With `lost_positions` some are beyond the end:
// an old one may still be looked up when the partition is assigned anew, which then begins too
// early.
void assign_a_thousand_times(bool lost_positions) {
  constexpr std::int64_t kRecords = 5'000;
  TestTopic one(2);
  TestTopic two(2);
  const auto producer = careful_producer();
  std::vector<Place> places;
  for (const TestTopic* topic : {&one, &two}) {
    for (const std::int32_t partition : {0, 1}) {
      fill(*producer, topic->name(), partition, kRecords, 100);
      places.emplace_back(topic->name(), partition);
    }
  }
  Reading reading;
  std::mt19937 random(7);
  const auto below = [&](std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random);
  };
  for (int round = 1; round <= 1'000; ++round) {
    std::vector<Position> positions;
    for (const auto& [topic, partition] : places) {
      if (below(4) == 0) continue;
      const bool lost = lost_positions && below(10) == 0;
      positions.push_back({topic, partition, lost ? kRecords + 1 : below(kRecords)});
    }
    reading.assign(positions);
    reading.offsets.clear();
    reading.step();
    if (round % 50 != 0) continue;  // replaced before much could arrive
    ASSERT_TRUE(reading.until([&] { return reading.offsets.size() == positions.size(); }))
        << "round " << round;
    for (const Position& position : positions) {
      const auto& seen = reading.offsets[{position.topic, position.partition}];
      if (seen.front() != position.offset) {
        EXPECT_TRUE(lost_positions) << "round " << round;
        EXPECT_EQ(seen.front(), 0) << "round " << round;
      }
      ASSERT_EQ(seen, range(seen.front(), seen.back() + 1)) << "round " << round;
    }
  }
  EXPECT_THAT(reading.failures, IsEmpty());
}

TEST(ReaderKafka, AThousandQuickAssignmentsDeliverNothingOfTheOldOnes) {
  assign_a_thousand_times(false);
}

TEST(ReaderKafka, AThousandQuickAssignmentsWithLostPositionsMayBeginTooEarlyAndNeverTooLate) {
  assign_a_thousand_times(true);
}

TEST(ReaderKafka, RecordsLargerThanThePrefetchArrive) {
  TestTopic topic(2);
  const auto producer = careful_producer();
  for (const std::int32_t partition : {0, 1}) {
    fill(*producer, topic.name(), partition, 4, 600UL * 1024);
  }
  Reading reading(16UL * 1024);
  reading.assign({{topic.name(), 0, 0}, {topic.name(), 1, 0}});
  EXPECT_TRUE(reading.reaches({topic.name(), 0}, 4));
  EXPECT_TRUE(reading.reaches({topic.name(), 1}, 4));
}

TEST(ReaderKafka, EndsAtOnceWhileRecordsWait) {
  TestTopic topic(2);
  const auto producer = careful_producer();
  fill(*producer, topic.name(), 0, 10'000, 100);
  fill(*producer, topic.name(), 1, 10'000, 100);
  for (int round = 0; round < 5; ++round) {
    Reading reading;
    reading.assign({{topic.name(), 0, 0}, {topic.name(), 1, 0}});
    ASSERT_TRUE(eventually([&] { return reading.reader->poll(1, 1).has_value(); }));
    if (round == 0) reading.assign({{topic.name(), 1, 5}});
    const auto before = steady_clock::now();
    reading.reader.reset();
    EXPECT_LT(steady_clock::now() - before, seconds(2));
  }
}

}  // namespace
}  // namespace spool::kafka
