// What the consumer group keeps beside a partition's offset: the last marker of its lane, as
// "epoch.seq". Any thread.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "engine/delivery/ports.hpp"

namespace spool::runtime {

inline std::string group_note(const delivery::LaneMark& mark) {
  return std::to_string(mark.epoch) + "." + std::to_string(mark.seq);
}

// Nothing for what is somebody else's.
inline delivery::LaneMark mark_of_note(std::string_view note) {
  delivery::LaneMark mark;
  const char* end = note.data() + note.size();
  const auto epoch = std::from_chars(note.data(), end, mark.epoch);
  if (epoch.ec != std::errc{} || epoch.ptr == end || *epoch.ptr != '.') return {};
  const auto seq = std::from_chars(epoch.ptr + 1, end, mark.seq);
  return seq.ec == std::errc{} && seq.ptr == end ? mark : delivery::LaneMark{};
}

}  // namespace spool::runtime
