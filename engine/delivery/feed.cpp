#include "engine/delivery/feed.hpp"

#include <utility>

namespace spool::delivery {

void Feed::begin(const FetchPlan& plan, bool compacted, std::int64_t next) {
  fetch_from_ = plan.from;
  probe_timestamp_ms_ = plan.probe_timestamp_ms;
  compacted_ = compacted;
  fetched_to_ = next;
}

void Feed::clear() {
  slices_.clear();
  bytes_ = 0;
  records_ = 0;
  probe_timestamp_ms_.reset();
  newest_offset_ = -1;
  newest_timestamp_ms_ = -1;
}

bool Feed::probe_fails(const message::RecordBatch& records) {
  if (!probe_timestamp_ms_) return false;
  std::size_t at = 0;
  while (at < records.size() && records.offset(at) < fetch_from_) ++at;  // fetched twice
  if (at == records.size()) return false;                                // still to come
  const auto expected = std::exchange(probe_timestamp_ms_, std::nullopt);
  // A record that was delivered once does not vanish above the log's beginning, but by compaction.
  if (records.offset(at) != fetch_from_) return !compacted_;
  return records.timestamp_ms(at) != *expected;
}

std::optional<std::string> Feed::offer(message::RecordBatch records, Instant now) {
  if (records.empty()) return std::nullopt;
  if (probe_fails(records)) {
    return "the record at offset " + std::to_string(fetch_from_) +
           " is not the one that was applied there: the topic was recreated";
  }
  const std::int64_t end = records.offset(records.size() - 1) + 1;
  if (end > fetched_to_) push(std::move(records), end, now);
  return std::nullopt;
}

bool Feed::end_seen(std::int64_t log_end, std::int64_t next, Instant now) {
  if (probe_timestamp_ms_ && log_end < next) return false;
  if (log_end > fetched_to_) push({}, log_end, now);
  return true;
}

void Feed::push(message::RecordBatch records, std::int64_t end, Instant now) {
  fetched_to_ = end;
  if (!records.empty()) {
    newest_offset_ = records.offset(records.size() - 1);
    newest_timestamp_ms_ = records.timestamp_ms(records.size() - 1);
  }
  records_ += records.size();
  bytes_ += records.bytes();
  slices_.push_back({std::move(records), end, now});
}

std::int64_t Feed::place(bool moved) {
  if (moved && !probe_timestamp_ms_ && newest_timestamp_ms_ >= 0) {
    fetch_from_ = newest_offset_;
    probe_timestamp_ms_ = newest_timestamp_ms_;
  }
  return probe_timestamp_ms_ ? fetch_from_ : fetched_to_;
}

std::vector<Slice> Feed::take(std::size_t events_max, std::size_t bytes_max) {
  std::vector<Slice> taken;
  std::size_t events = 0;
  std::size_t bytes = 0;
  while (!slices_.empty()) {
    const Slice& slice = slices_.front();
    const bool full =
        events + slice.records.size() > events_max || bytes + slice.records.bytes() > bytes_max;
    if (full && !taken.empty()) break;
    events += slice.records.size();
    bytes += slice.records.bytes();
    taken.push_back(std::move(slices_.front()));
    slices_.pop_front();
  }
  records_ -= events;
  bytes_ -= bytes;
  return taken;
}

void Feed::put_back(std::vector<Slice> slices, std::int64_t next) {
  for (auto slice = slices.rbegin(); slice != slices.rend() && slice->end > next; ++slice) {
    records_ += slice->records.size();
    bytes_ += slice->records.bytes();
    slices_.push_front(std::move(*slice));
  }
}

std::int64_t Feed::oldest_timestamp_ms() const {
  for (const Slice& slice : slices_) {
    if (!slice.records.empty()) return slice.records.record(0).timestamp_ms;
  }
  return -1;
}

}  // namespace spool::delivery
