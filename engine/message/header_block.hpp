// Record headers as one byte string, as the database keeps them: names and values byte for byte and
// in order, null apart from empty. Reading is total: whatever the bytes are, they give headers or a
// failure. Pure, any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::message {

using OwnedHeaders = std::vector<std::pair<std::string, std::optional<std::string>>>;

std::string pack_headers(std::span<const Header> headers);
std::string pack_headers(const OwnedHeaders& headers);

// `invalid` if the block is none that pack_headers wrote.
base::Result<OwnedHeaders> unpack_headers(std::string_view block);

}  // namespace spool::message
