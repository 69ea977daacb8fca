// Publishing events from a command, as any producer would: each is handed to the broker, and the
// caller hears which were acknowledged. For one command of the command line, on its thread.
// Failures name the topic; of records that were refused, the first one's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/app/event_record.hpp"
#include "engine/base/result.hpp"
#include "engine/config/settings.hpp"
#include "engine/kafka/producer.hpp"

namespace spool::app {

// What all records of one command have in common.
struct SendPlan {
  std::string topic;
  // id and time empty: fresh ones for each
  message::EventAttributes attributes = {.source = "spool-cli"};
  message::HeaderList extra = {};
  std::function<std::optional<std::string>(const std::string& data)> key_of = {};  // empty: none
  std::int64_t rate = 0;  // records a second; 0: as fast as it goes
};

struct Acknowledged {
  std::string id;  // ce_id
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

using OnAcknowledged = std::function<void(const Acknowledged&)>;

class EventSender {
 public:
  EventSender(kafka::Producer& producer, SendPlan plan, std::chrono::milliseconds patience,
              OnAcknowledged told);

  base::Status send(const std::string& data) { return send(data, plan_.attributes.id); }
  // Under an id of its own.
  base::Status send(const std::string& data, const std::string& id);
  // Waits for what is still under way.
  base::Status finish();
  // Of the records that were not accepted, the first one's failure.
  const std::optional<base::Failure>& failed() const { return failed_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  using Clock = std::chrono::steady_clock;

  void wait(Clock::time_point until);
  void keep_rate();
  void report(const std::vector<kafka::Delivery>& deliveries);

  kafka::Producer& producer_;
  SendPlan plan_;
  std::chrono::milliseconds patience_;
  OnAcknowledged told_;
  Clock::time_point begin_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::map<std::uint64_t, std::string> in_flight_;  // tag and id
  std::optional<base::Failure> failed_;
};

// Whatever `sends` hands to the sender, until all of it is acknowledged. Fails before anything is
// sent if the topic does not exist.
base::Status send_events(const config::Settings& settings, SendPlan plan,
                         const std::function<base::Status(EventSender&)>& sends,
                         OnAcknowledged told);

}  // namespace spool::app
