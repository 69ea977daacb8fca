// Headers of other systems' dead letters, whatever their bytes: an origin or none, with texts that
// can be stored and printed; and a copy of our own that asks for a replay names a life or nothing.
// The input is a header block, as the database keeps it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/attempts.hpp"
#include "engine/message/foreign_origin.hpp"
#include "engine/message/header_block.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace spool;
  const std::string_view block(reinterpret_cast<const char*>(bytes), size);
  const auto owned = message::unpack_headers(block);
  if (!owned.ok()) return 0;
  std::vector<message::Header> headers;
  for (const auto& [name, value] : *owned) headers.push_back({name, value});
  if (const auto origin = message::foreign_origin(headers)) {
    SPOOL_ASSERT(!origin->topic.empty(), "an origin has a topic");
    SPOOL_ASSERT(base::printable(origin->text, origin->text.size()) == origin->text,
                 "what is shown can be shown");
  }
  message::Record record;
  record.headers = headers;
  if (const auto life = delivery::asked_life(record)) SPOOL_ASSERT(*life >= 0, "a life is counted");
  return 0;
}
