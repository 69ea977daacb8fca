#include "engine/kafka/error_map.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace spool::kafka {
namespace {

using base::FailureKind;

struct Row {
  int code;
  FailureKind consume;
  FailureKind publish;
  FailureKind admin;
};

TEST(ErrorMap, EachCodeHasItsMeaning) {
  constexpr auto kAway = FailureKind::unavailable;
  const Row rows[] = {
      {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, FailureKind::position, kAway, kAway},
      {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, FailureKind::position, kAway, FailureKind::invalid},
      {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, FailureKind::not_found, kAway,
       FailureKind::not_found},
      {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, FailureKind::not_found, kAway, FailureKind::not_found},
      {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, FailureKind::not_found, kAway, FailureKind::not_found},
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, kAway, FailureKind::refused, kAway},
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, kAway, FailureKind::refused,
       FailureKind::refused},
      {RD_KAFKA_RESP_ERR_INVALID_RECORD, kAway, FailureKind::refused, kAway},
      {RD_KAFKA_RESP_ERR_INVALID_CONFIG, kAway, kAway, FailureKind::invalid},
      {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, kAway, kAway, FailureKind::invalid},
      {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, kAway, kAway, kAway},
      {RD_KAFKA_RESP_ERR__TRANSPORT, kAway, kAway, kAway},
      {RD_KAFKA_RESP_ERR__QUEUE_FULL, kAway, kAway, kAway},
      {RD_KAFKA_RESP_ERR__FATAL, kAway, kAway, kAway},
      {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, kAway, kAway, kAway},
      {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, kAway, kAway, kAway},
  };
  for (const Row& row : rows) {
    const auto code = static_cast<rd_kafka_resp_err_t>(row.code);
    EXPECT_EQ(consume_failure(row.code), row.consume) << rd_kafka_err2name(code);
    EXPECT_EQ(publish_failure(row.code), row.publish) << rd_kafka_err2name(code);
    EXPECT_EQ(admin_failure(row.code), row.admin) << rd_kafka_err2name(code);
  }
}

}  // namespace
}  // namespace spool::kafka
