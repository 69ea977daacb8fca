// The decoded events of one batch: fixed-size records, their texts side by side in one buffer.
// Nothing is allocated per event, and clear() keeps the memory. Owned by one batch, used by one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "handlers/progress_events/progress.hpp"

namespace spool::progress_events {

class StagedEvents {
 public:
  void add(const Progress& progress, std::string_view id, std::string_view source);
  void clear();

  std::size_t size() const { return events_.size(); }
  // Its session id is not set: the text may move, ask session_id().
  const Progress& progress(std::size_t index) const { return events_[index].progress; }
  std::string_view id(std::size_t index) const;
  std::string_view source(std::size_t index) const;
  std::string_view session_id(std::size_t index) const;

 private:
  struct Staged {
    Progress progress;
    std::size_t text;  // where id, source and session id begin, in this order
    std::uint16_t id_bytes;
    std::uint16_t source_bytes;
    std::uint16_t session_bytes;
  };

  std::vector<Staged> events_;
  std::vector<char> text_;
};

}  // namespace spool::progress_events
