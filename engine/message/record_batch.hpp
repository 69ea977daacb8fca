// Records of one partition as they came from the log, copied once out of librdkafka's buffers into
// memory of our own. Move-only; one owner at a time: the consumer thread fills it, then a database
// worker reads it. The views that record() hands out live as long as the batch does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace spool::message {

// Bytes that may be read (never written) behind every value: simdjson reads ahead by that much.
inline constexpr std::size_t kReadAheadBytes = 64;

// The life of an event that was brought back, among the headers of what Spool has published.
inline constexpr std::string_view kLifeHeader = "spool-life";

struct Header {
  std::string_view name;
  std::optional<std::string_view> value;  // Kafka distinguishes null from empty
};

// One record, by reference into its batch.
struct Record {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = -1;  // -1: the log has none
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // null: a tombstone
  std::span<const Header> headers;

  // The last header of that name (Kafka's own rule), if it has a value.
  std::optional<std::string_view> header(std::string_view name) const;
};

class RecordBatch {
 public:
  RecordBatch() = default;
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;

  // Copies everything that `record` refers to.
  void append(const Record& record);

  std::size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  std::size_t bytes() const { return bytes_; }  // of memory, bookkeeping included
  Record record(std::size_t index) const;
  // Whether its headers name a life: seen while they were copied, which saves looking again.
  bool names_life(std::size_t index) const { return slots_[index].names_life; }
  std::int64_t offset(std::size_t index) const { return slots_[index].offset; }
  std::int64_t timestamp_ms(std::size_t index) const { return slots_[index].timestamp_ms; }

 private:
  struct Slot {
    std::int64_t offset;
    std::int64_t timestamp_ms;
    const char* key;  // null: no key
    const char* value;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;
    std::uint32_t header_first;
    std::uint32_t header_count : 31;
    bool names_life : 1;
  };

  const char* copy(std::string_view text);

  std::vector<Slot> slots_;
  std::vector<Header> headers_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  std::size_t free_bytes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace spool::message
