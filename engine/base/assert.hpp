// Broken invariants end the process, in release too: the database is the truth, and a restart from
// it is always safe, whereas going on with a state that cannot be is not.
#pragma once

namespace spool::base {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* why);

}  // namespace spool::base

#define SPOOL_ASSERT(condition, why)                                        \
  do {                                                                      \
    if (!(condition)) [[unlikely]]                                          \
      ::spool::base::assertion_failed(#condition, __FILE__, __LINE__, why); \
  } while (false)
