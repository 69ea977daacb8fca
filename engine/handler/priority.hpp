// Which of the events that could be performed goes first: 9 before 0. Set by admission, changed by
// operators. Constants; nobody owns them.
#pragma once

#include <cstdint>

namespace spool::handler {

inline constexpr std::int16_t kPriorityMin = 0;
inline constexpr std::int16_t kPriorityMax = 9;
inline constexpr std::int16_t kPriorityDefault = 5;

}  // namespace spool::handler
