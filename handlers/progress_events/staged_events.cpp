#include "handlers/progress_events/staged_events.hpp"

#include <limits>

#include "engine/base/assert.hpp"

namespace spool::progress_events {

void StagedEvents::add(const Progress& progress, std::string_view id, std::string_view source) {
  constexpr std::size_t kBytesMax = std::numeric_limits<std::uint16_t>::max();
  SPOOL_ASSERT(id.size() <= kBytesMax && source.size() <= kBytesMax, "an identity of 255 bytes");
  Staged staged{progress, text_.size(), static_cast<std::uint16_t>(id.size()),
                static_cast<std::uint16_t>(source.size()),
                static_cast<std::uint16_t>(progress.session_id.size())};
  staged.progress.session_id = {};
  text_.insert(text_.end(), id.begin(), id.end());
  text_.insert(text_.end(), source.begin(), source.end());
  text_.insert(text_.end(), progress.session_id.begin(), progress.session_id.end());
  events_.push_back(staged);
}

void StagedEvents::clear() {
  events_.clear();
  text_.clear();
}

std::string_view StagedEvents::id(std::size_t index) const {
  const Staged& staged = events_[index];
  return {text_.data() + staged.text, staged.id_bytes};
}

std::string_view StagedEvents::source(std::size_t index) const {
  const Staged& staged = events_[index];
  return {text_.data() + staged.text + staged.id_bytes, staged.source_bytes};
}

std::string_view StagedEvents::session_id(std::size_t index) const {
  const Staged& staged = events_[index];
  return {text_.data() + staged.text + staged.id_bytes + staged.source_bytes, staged.session_bytes};
}

}  // namespace spool::progress_events
