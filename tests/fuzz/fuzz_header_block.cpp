// Any bytes give headers or a failure; what gives headers is packed again to the same meaning.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/assert.hpp"
#include "engine/message/header_block.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace spool::message;
  const std::string_view block(reinterpret_cast<const char*>(bytes), size);
  const auto headers = unpack_headers(block);
  if (!headers.ok()) return 0;
  const auto again = unpack_headers(pack_headers(*headers));
  SPOOL_ASSERT(again.ok() && *again == *headers, "packing keeps the headers");
  return 0;
}
