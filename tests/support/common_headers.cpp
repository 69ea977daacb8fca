#include "tests/support/common_headers.hpp"
