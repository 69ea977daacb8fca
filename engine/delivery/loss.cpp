#include "engine/delivery/loss.hpp"

namespace spool::delivery {

std::optional<std::string> refused(const Loss& loss, std::int64_t next, const LogBounds& bounds) {
  const std::string to = std::to_string(loss.to);
  if (loss.from != next) {
    return "the lane's position is " + std::to_string(next) + ", not " + std::to_string(loss.from);
  }
  if (next < bounds.low) {
    if (loss.to > next && loss.to <= bounds.low) return std::nullopt;
    return "lost are the offsets from " + std::to_string(next) + " on, up to " +
           std::to_string(bounds.low) + ": the lane cannot go on at " + to;
  }
  if (next > bounds.high) {
    if (loss.to >= bounds.low && loss.to <= bounds.high) return std::nullopt;
    return "the log has the offsets from " + std::to_string(bounds.low) + " to " +
           std::to_string(bounds.high) + ": the lane cannot go on at " + to;
  }
  // Other records stand where the lane's were.
  if (loss.to == bounds.low) return std::nullopt;
  return "the log is another one and begins at " + std::to_string(bounds.low) +
         ": the lane cannot go on at " + to;
}

}  // namespace spool::delivery
