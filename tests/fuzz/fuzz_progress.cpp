// JSON documents, one a line. What decode accepts, a second parser reads alike; and the accepted
// events fold to the same rows in either order.
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/message/record_batch.hpp"
#include "handlers/progress_events/fold.hpp"
#include "handlers/progress_events/progress.hpp"

namespace {

using namespace spool;
using namespace spool::progress_events;

constexpr base::EpochMicros kNow = 1'767'400'000LL * 1'000'000;

// Absent and null are the same to the decoder.
std::int64_t integer_or_zero(const simdjson::dom::element& root, const char* name) {
  std::int64_t value = 0;
  if (root[name].get(value)) value = 0;
  return value;
}

std::string_view text_or_empty(const simdjson::dom::element& root, const char* name) {
  std::string_view value;
  if (root[name].get(value)) value = {};
  return value;
}

void check_fields(const Progress& progress, std::string_view json) {
  static simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    // A number of an unknown field that is too large for the second parser.
    SPOOL_ASSERT(error == simdjson::NUMBER_ERROR, "both parsers accept the document");
    return;
  }
  const auto same = [&](const char* name, std::int64_t value) {
    return integer_or_zero(root, name) == value;
  };
  SPOOL_ASSERT(same("user_id", progress.user_id) && progress.user_id > 0, "user_id");
  SPOOL_ASSERT(same("tmdb_id", progress.tmdb_id) && progress.tmdb_id > 0, "tmdb_id");
  SPOOL_ASSERT(same("season", progress.season) && progress.season >= 0, "season");
  SPOOL_ASSERT(same("episode", progress.episode) && progress.episode >= 0, "episode");
  SPOOL_ASSERT(same("position_s", progress.position_s) && progress.position_s >= 0, "position_s");
  SPOOL_ASSERT(same("duration_s", progress.duration_s) && progress.duration_s > 0, "duration_s");
  SPOOL_ASSERT(progress.position_s <= progress.duration_s, "position within the duration");
  SPOOL_ASSERT(text_or_empty(root, "media_type") == to_string(progress.media_type), "media_type");
  SPOOL_ASSERT(text_or_empty(root, "session_id") == progress.session_id, "session_id");
  SPOOL_ASSERT(text_or_empty(root, "state") == to_string(progress.state), "state");
  SPOOL_ASSERT(base::parse_rfc3339(text_or_empty(root, "updated_at")) == progress.updated_at,
               "updated_at");
  SPOOL_ASSERT(progress.updated_at <= kNow + kFutureMax, "no far future");
}

using Row =
    std::tuple<Progress, std::string_view, std::string_view, std::optional<base::EpochMicros>>;

std::vector<Row> rows_of(const StagedEvents& events, const Folded& folded) {
  std::vector<Row> rows;
  for (const FoldedRow& row : folded.rows)
    rows.emplace_back(events.progress(row.newest), events.id(row.newest),
                      events.session_id(row.newest), row.completed_at);
  return rows;
}

void check_fold(const StagedEvents& events) {
  StagedEvents reversed;
  for (std::size_t i = events.size(); i-- > 0;) {
    Progress progress = events.progress(i);
    progress.session_id = events.session_id(i);
    reversed.add(progress, events.id(i), events.source(i));
  }
  Fold one;
  Fold two;
  const Folded forward = one.fold(events, 0, events.size(), 90);
  const Folded backward = two.fold(reversed, 0, reversed.size(), 90);
  SPOOL_ASSERT(rows_of(events, forward) == rows_of(reversed, backward), "order does not matter");
  SPOOL_ASSERT(forward.duplicates == backward.duplicates, "nor for duplicates");
  SPOOL_ASSERT(forward.rows.size() + static_cast<std::size_t>(forward.duplicates) <= events.size(),
               "rows and duplicates are events");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(bytes), size);
  static Decoder decoder;
  StagedEvents events;
  constexpr std::string_view kIds = "abA";
  for (std::size_t number = 0; !input.empty(); ++number) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    // Of its own, so that the address sanitizer sees every byte that is read too far.
    const auto memory = std::make_unique<char[]>(end + message::kReadAheadBytes);
    std::memcpy(memory.get(), input.data(), end);
    std::memset(memory.get() + end, number % 2 == 0 ? '}' : ',', message::kReadAheadBytes);
    const std::string_view json(memory.get(), end);
    const auto result = decoder.decode(json, kNow);
    if (const auto* progress = std::get_if<Progress>(&result)) {
      check_fields(*progress, json);
      events.add(*progress, kIds.substr(number % 3, 1), "fuzz");
    } else {
      SPOOL_ASSERT(!std::get<message::Rejection>(result).text.empty(), "a reason");
    }
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  check_fold(events);
  return 0;
}
