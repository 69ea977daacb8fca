// What each source says, matched against the table of keys but not yet checked: load() puts it
// together. Nothing here throws; each reader appends what it found and what it could not make sense
// of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/config/keys.hpp"
#include "engine/config/load.hpp"

namespace spool::config {

struct Given {
  KeyTable::Found target;
  std::string path;
  Value value;
  bool typed = false;  // a TOML value has a type of its own, all other sources have text
  Origin origin;
};

struct Gathered {
  std::vector<Given> given;  // in rising precedence
  std::vector<std::string> errors;
};

void read_toml(const std::string& file, const KeyTable& table, Gathered& out);
// The same for a text; `name` stands in positions.
void read_toml_text(std::string_view text, const std::string& name, const KeyTable& table,
                    Gathered& out);
void read_credentials(const Pairs& environment, const KeyTable& table, Gathered& out);
void read_environment(const Pairs& environment, const KeyTable& table, Gathered& out);
void read_flags(const Pairs& flags, const KeyTable& table, Gathered& out);

// The text of a file of at most 1 MiB.
base::Result<std::string> read_text_file(const std::string& file);

}  // namespace spool::config
