// Publishes outbox rows and brings their answers back to the lanes (rule 6). Rows reach it only
// once they are durable. Lives on the loop's thread; hand_over() may be called by any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/delivery/dispatcher.hpp"
#include "engine/kafka/producer.hpp"
#include "engine/observe/log.hpp"
#include "engine/runtime/lane_board.hpp"
#include "engine/runtime/loop.hpp"

namespace spool::runtime {

class Relay {
 public:
  // All references outlive the relay, and the loop no longer runs when it dies. Records of
  // `events_topic` go to the partition of their key, all others to that of their lane.
  Relay(Loop& loop, LaneBoard& board, kafka::Producer& producer, std::string events_topic,
        observe::Logger& log);

  void hand_over(delivery::ToPublish rows);

 private:
  struct Sent {
    delivery::LaneId lane;
    std::uint64_t generation;
    std::int64_t number;
  };

  void publish(const delivery::ToPublish& rows);
  void collect();
  void answer(const Sent& sent, const base::Status& outcome);

  Loop& loop_;
  LaneBoard& board_;
  kafka::Producer& producer_;
  std::string events_topic_;
  observe::Logger& log_;
  std::vector<message::Header> headers_;  // memory used again
  std::uint64_t next_tag_ = 1;
  std::unordered_map<std::uint64_t, Sent> in_flight_;
};

}  // namespace spool::runtime
