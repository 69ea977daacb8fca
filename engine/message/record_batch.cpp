#include "engine/message/record_batch.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.hpp"

namespace spool::message {
namespace {

constexpr std::size_t kChunkBytesMin = 4UL * 1024;
constexpr std::size_t kChunkBytesMax = 64UL * 1024;  // what the last one wastes is counted too

}  // namespace

std::optional<std::string_view> Record::header(std::string_view name) const {
  for (auto it = headers.rbegin(); it != headers.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return std::nullopt;
}

const char* RecordBatch::copy(std::string_view text) {
  // An empty text needs a place as well: null would read as absent.
  if (free_ == nullptr || text.size() > free_bytes_) {
    // Grows with the batch: a lone event costs 4 KiB, a batch of thousands few allocations.
    const std::size_t wanted = std::clamp(bytes_, kChunkBytesMin, kChunkBytesMax);
    const std::size_t usable = std::max(wanted, text.size());
    // Not make_unique: it would zero what is overwritten anyway; only the read-ahead needs a value.
    chunks_.emplace_back(new char[usable + kReadAheadBytes]);
    free_ = chunks_.back().get();
    std::memset(free_ + usable, 0, kReadAheadBytes);
    free_bytes_ = usable;
    bytes_ += usable + kReadAheadBytes;
  }
  char* at = free_;
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  free_ += text.size();
  free_bytes_ -= text.size();
  return at;
}

void RecordBatch::append(const Record& record) {
  Slot slot{};
  slot.offset = record.offset;
  slot.timestamp_ms = record.timestamp_ms;
  slot.header_first = static_cast<std::uint32_t>(headers_.size());
  slot.header_count = static_cast<std::uint32_t>(record.headers.size()) & 0x7FFFFFFFU;
  // The value first: what lies behind it in the chunk serves as its read-ahead.
  if (record.value) {
    slot.value = copy(*record.value);
    slot.value_bytes = static_cast<std::uint32_t>(record.value->size());
  }
  if (record.key) {
    slot.key = copy(*record.key);
    slot.key_bytes = static_cast<std::uint32_t>(record.key->size());
  }
  for (const Header& header : record.headers) {
    Header& own = headers_.emplace_back();
    own.name = {copy(header.name), header.name.size()};
    slot.names_life |= header.name == kLifeHeader;
    if (header.value) own.value = std::string_view(copy(*header.value), header.value->size());
  }
  slots_.push_back(slot);
  bytes_ += sizeof(Slot) + record.headers.size() * sizeof(Header);
}

Record RecordBatch::record(std::size_t index) const {
  SPOOL_ASSERT(index < slots_.size(), "no such record in the batch");
  const Slot& slot = slots_[index];
  Record record;
  record.offset = slot.offset;
  record.timestamp_ms = slot.timestamp_ms;
  if (slot.key != nullptr) record.key = std::string_view(slot.key, slot.key_bytes);
  if (slot.value != nullptr) record.value = std::string_view(slot.value, slot.value_bytes);
  record.headers = std::span(headers_).subspan(slot.header_first, slot.header_count);
  return record;
}

}  // namespace spool::message
