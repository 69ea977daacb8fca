// The rows of a CSV text (RFC 4180, and what spreadsheets make of it), whatever its bytes: a field
// may be quoted and hold line breaks, blank lines count for nothing. Pure, any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spool::local_lists {

inline constexpr std::size_t kCsvFieldsMax = 256;  // of a row; what is beyond them is left out

struct CsvRow {
  std::size_t line = 0;  // in which it begins, from 1
  std::vector<std::string> fields = {};
  std::size_t count = 0;  // of fields, also of those that were left out
};

// `take` says whether to go on. Answers the line of a quote that never ends, if there is one; what
// stands behind it is no row.
std::optional<std::size_t> read_csv(std::string_view text,
                                    const std::function<bool(const CsvRow&)>& take);

}  // namespace spool::local_lists
