// The retry topics at work: reads, for every lane that this worker owns, the lane's partition of
// each of its handler's retry topics. Due times are not taken from there (open_events has them); a
// record only moves the remembered position, unless it is a copy of a dead letter that somebody
// published by hand: that asks for a replay. Read whatever the lane's state, no partition is ever
// paused for time. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/delivery/open_events.hpp"
#include "engine/kafka/reader.hpp"
#include "engine/message/envelope.hpp"
#include "engine/observe/log.hpp"
#include "engine/runtime/lane_board.hpp"
#include "engine/runtime/loop.hpp"

namespace spool::runtime {

class Companions {
 public:
  // `topics`: the retry topics of each handler. References outlive it.
  Companions(Loop& loop, LaneBoard& board, std::unique_ptr<kafka::Reader> reader,
             std::map<std::string, std::vector<std::string>> topics, observe::Logger& log);

  // Follows the lanes: called after jobs and timers.
  void pump();

 private:
  using Partition = std::pair<std::string, std::int32_t>;  // topic and number
  struct Followed {
    std::string handler;
    std::int64_t next = 0;
    std::int64_t epoch = 0;  // of the lane: taken anew, its positions are the database's again
  };

  void follow();
  void read();
  void hand_over(const kafka::Reader::Batch& batch);
  void serve_events();

  Loop& loop_;
  LaneBoard& board_;
  std::unique_ptr<kafka::Reader> reader_;
  std::map<std::string, std::vector<std::string>> topics_;
  observe::Logger& log_;
  message::EnvelopeReader envelope_;
  std::map<Partition, Followed> followed_;
  bool readable_ = true;
  bool pump_posted_ = false;
};

}  // namespace spool::runtime
