#include "engine/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace spool::base {

void assertion_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "spool: broken invariant: %s (%s) at %s:%d\n", why, condition, file, line);
  std::abort();
}

}  // namespace spool::base
