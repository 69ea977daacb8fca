// The migrations that this program carries in itself, as values. A line is a sequence of its own
// (spool: the engine, media: the handlers). Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spool::postgres {

struct Migration {
  std::string line;
  int version = 0;  // 1, 2, 3... within the line
  std::string title;
  std::string up;
  std::string down;
  std::string checksum;  // SHA-256 of `up`, hexadecimal
};

Migration make_migration(std::string line, int version, std::string title, std::string up,
                         std::string down);

// In the order in which they are applied: by line, then by version.
std::vector<Migration> embedded_migrations();

std::string sha256_hex(std::string_view text);

}  // namespace spool::postgres
