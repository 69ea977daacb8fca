// The configuration in words: what is in effect, an example with every key, a schema for editors.
// All from the table of keys; secrets are masked. Pure, any thread.
#pragma once

#include <string>

#include "engine/config/keys.hpp"
#include "engine/config/load.hpp"

namespace spool::config {

// What is in effect, as TOML. Loads again to the same settings, unless there are secrets: load()
// refuses the mask. With `with_origin` each line says where its value comes from.
std::string show(const Loaded& loaded, bool with_origin);

// A commented TOML file with every key at its default.
std::string example(const KnownHandlers& handlers);

// JSON Schema (draft-07) of the file.
std::string schema(const KnownHandlers& handlers);

}  // namespace spool::config
