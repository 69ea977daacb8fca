#include "engine/store/page_cursor.hpp"

#include <charconv>
#include <string_view>

namespace spool::store {

base::Result<PageCursor> parse_page_cursor(const std::string& text, const char* list) {
  if (text.empty()) return PageCursor{};
  base::EpochMicros time = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, time);
  if (error == std::errc{} && at != end && *at == '_') {
    const auto id = base::parse_uuid(std::string_view(at + 1, end));
    if (id) return PageCursor{time, id};
  }
  return base::Failure(base::FailureKind::invalid,
                       std::string("this is no cursor of a list of ") + list);
}

std::string page_cursor(base::EpochMicros time, const base::Uuid& id) {
  return std::to_string(time) + "_" + base::to_string(id);
}

}  // namespace spool::store
