// From files, environment and flags to checked Settings: flag > environment > file > systemd
// credential > default. Reads only what it is given (the environment is injected) and the files
// that are named there. Start of the program, one thread. Errors are `invalid`: every one that was
// found, a line each, with its place; no text of a failure holds the value of a secret.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/config/keys.hpp"
#include "engine/config/settings.hpp"

namespace spool::config {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Sources {
  std::optional<std::string> file;  // a TOML file that must exist
  // All variables of the process. Read are those that begin with SPOOL__ (sections and key joined
  // by two underscores, in any case; with _FILE at the end: the name of a file that holds the
  // value) and CREDENTIALS_DIRECTORY
  // (<section>.<key>, secrets only). A SPOOL__ name that is no key is an error.
  Pairs environment;
  Pairs flags;  // path ("consumer.session_timeout") and value
};

struct Origin {
  enum class Kind { fallback, credential, file, environment, flag };
  Kind kind = Kind::fallback;
  std::string where = "default";  // "spool.toml:3:5", "environment variable SPOOL__LOG__LEVEL", ...
};

struct Loaded {
  Settings settings;
  KnownHandlers handlers;
  std::map<std::string, Origin> origins;  // by path; what is missing is a default
};

base::Result<Loaded> load(const Sources& sources, const KnownHandlers& handlers);

}  // namespace spool::config
