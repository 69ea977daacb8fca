// For tests of the core: records of a log, and a handler whose events say in their data what is to
// become of them. Applying happens in MemoryTransaction (memory_store_test_support.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/delivery/jobs.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/handler/handler.hpp"

namespace spool::delivery::test {

inline constexpr const char* kTopic = "numbers";
inline constexpr const char* kType = "number.v1";
inline constexpr base::EpochMicros kSecond = 1'000'000;
inline constexpr base::EpochMicros kMorning = 1'800'000'000 * kSecond;  // when the tests begin

inline const LaneId kLane{"numbers", 0};

// A record of the log. What `data` may say, several things joined by '+':
//   fine          is applied
//   stale, coalesced, twice    is applied, and counted as that
//   invalid       stage() rejects it
//   bug           stage() throws
//   refuse        the database refuses it whenever it is applied
//   throw         the handler throws while it is applied
//   slow          it is too slow, whoever is with it
//   fail:N        its first N attempts of life 0 fail, and may go well later
//   away:N        likewise, and the service "tmdb" is to blame
//   login:T       fails, uncharged, before kMorning + T seconds
//   reject:L      dies in apply() as long as its life is below L
//   due:T         is not due before kMorning + T seconds
//   tell:N        takes effect, and N domain events are told of it
//   lose, invent, stray        the handler accounts for one too few, too many, or a stranger
//   rumour        it tells of an event that it was not given
struct Sent {
  std::string id;
  std::string data = "fine";
  std::optional<std::string> key = "k";
  std::string subject = {};  // the finer key
  std::string source = "/test";
  std::string type = kType;
  std::vector<message::Header> more = {};
};

void append(message::RecordBatch& batch, std::int64_t offset, const Sent& sent);
// They stand at `first`, `first` + 1, ...
message::RecordBatch log_of(std::int64_t first, const std::vector<Sent>& events);

// What the handler saw; shared by its batches.
struct Seen {
  std::vector<std::string> staged;  // ids, one for each stage() that took its event
  std::vector<std::string> asked;   // ids, one for each stage()
};

struct StagedEvent {
  std::string source;
  std::string id;
  std::string data;
  handler::Attempt attempt;
};

class ScriptBatch final : public handler::Batch {
 public:
  explicit ScriptBatch(Seen& seen) : seen_(seen) {}
  handler::Staging stage(const message::Event& event, const handler::Attempt& attempt) override;
  std::size_t size() const override { return events_.size(); }
  void clear() override { events_.clear(); }
  base::Result<handler::ApplyCounts> apply(postgres::Transaction& transaction, std::size_t first,
                                           std::size_t last) override;
  const std::vector<StagedEvent>& events() const { return events_; }

 private:
  Seen& seen_;
  std::vector<StagedEvent> events_;
};

// `seen` outlives it.
handler::Handler script_handler(Seen& seen,
                                handler::Idempotence idempotence = handler::Idempotence::natural,
                                handler::Order order = handler::Order::kafka_key);

// The number behind "word:" in the data; empty: the data does not say the word.
std::optional<std::int64_t> said(const std::string& data, const std::string& word);

// What apply() makes of events [first, last); `applied` gets those that took effect.
base::Result<handler::ApplyCounts> play(const std::vector<StagedEvent>& events, std::size_t first,
                                        std::size_t last, std::vector<StagedEvent>& applied);

// A record with memory of its own.
struct KeptRecord {
  KeptRecord() = default;
  explicit KeptRecord(const message::Record& record);
  void append_to(message::RecordBatch& batch) const;

  std::int64_t offset = 0;
  std::int64_t timestamp_ms = -1;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

}  // namespace spool::delivery::test
