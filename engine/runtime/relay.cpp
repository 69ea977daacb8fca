#include "engine/runtime/relay.hpp"

#include <utility>

#include "engine/delivery/lane_name.hpp"
#include "engine/runtime/kafka_log.hpp"

namespace spool::runtime {

Relay::Relay(Loop& loop, LaneBoard& board, kafka::Producer& producer, std::string events_topic,
             observe::Logger& log)
    : loop_(loop),
      board_(board),
      producer_(producer),
      events_topic_(std::move(events_topic)),
      log_(log) {
  loop_.on_readable(producer_.wake_fd(), [this] { collect(); });
}

void Relay::hand_over(delivery::ToPublish rows) {
  auto shared = std::make_shared<delivery::ToPublish>(std::move(rows));
  loop_.post([this, shared] { publish(*shared); });
}

void Relay::publish(const delivery::ToPublish& rows) {
  for (const delivery::OutboxRow& row : rows.rows) {
    const Sent sent{rows.lane, rows.generation, row.number};
    const std::uint64_t tag = next_tag_++;
    kafka::OutboundRecord record;
    record.topic = row.topic;
    record.key = row.key;
    record.value = row.value;
    headers_.clear();
    for (const auto& [name, value] : row.headers) headers_.push_back({name, value});
    record.headers = headers_;
    // The lane's own number: keys keep their order in the retry and dead-letter topics too.
    if (row.topic != events_topic_) record.partition = rows.lane.partition;
    record.tag = tag;
    const base::Status accepted = producer_.publish(record);
    if (accepted) {
      in_flight_.emplace(tag, sent);
    } else {
      answer(sent, accepted);
    }
  }
  collect();
}

void Relay::collect() {
  producer_.drain_wake();
  for (auto reports = producer_.poll(); !reports.empty(); reports = producer_.poll()) {
    for (const kafka::Delivery& report : reports) {
      const auto sent = in_flight_.find(report.tag);
      if (sent == in_flight_.end()) continue;
      answer(sent->second, report.status);
      in_flight_.erase(sent);
    }
  }
  for (const kafka::LogLine& line : producer_.take_logs()) log_kafka_line(log_, "producer", line);
  board_.wake_one();
}

void Relay::answer(const Sent& sent, const base::Status& outcome) {
  if (!outcome) {
    const bool refused = outcome.failure().kind == base::FailureKind::refused;
    log_.write(refused ? observe::Level::error : observe::Level::warn,
               refused ? "outbox.refused" : "outbox.unpublished",
               {{"lane", delivery::lane_name(sent.lane)},
                {"row", sent.number},
                {"error", outcome.failure().text}});
  }
  board_.with([&](delivery::Dispatcher& lanes) {
    lanes.published(sent.lane, sent.generation, sent.number, outcome, LaneBoard::now());
  });
}

}  // namespace spool::runtime
