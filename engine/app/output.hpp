// Results of a command on stdout, in the form that the caller asked for. Notes and errors go
// elsewhere (CommandContext), so that stdout can always be piped. One per command, one thread.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/time.hpp"

namespace spool::app {

enum class OutputFormat { text, json, jsonl, none };
enum class TimeFormat { rfc3339, local, relative, unix_seconds };  // of text; JSON has RFC 3339

struct OutputSettings {
  OutputFormat format = OutputFormat::text;
  TimeFormat time_format = TimeFormat::rfc3339;
  bool color = false;
  base::EpochMicros now = 0;  // what relative times count from
};

struct Time {
  base::EpochMicros at = 0;
};
// A part of a JSON document that stands as it is; in text it is shown the same way.
struct Json {
  std::string text;
};
using Cell = std::variant<std::monostate, std::string, std::int64_t, bool, Time, Json>;

struct Field {
  std::string key;  // a word of ours: [a-z_]+
  Cell value;
};
using Record = std::vector<Field>;

// What stands in the text form of a cell, and its JSON value.
std::string to_text(const Cell& cell, const OutputSettings& settings);
std::string to_json(const Cell& cell);
std::string to_json(const Record& record);

class Output {
 public:
  Output(std::ostream& stream, OutputSettings settings);

  const OutputSettings& settings() const { return settings_; }

  // Many things of one kind: a table, a JSON array, or an object a line. `when_empty` is what text
  // says of none.
  void list(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
            std::string_view when_empty);
  // One page of them: as JSON {"items": [...], "next": CURSOR or null}.
  void page(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
            std::string_view when_empty, const std::string& next);

  // One thing: a line per field, or an object.
  void record(const Record& record);

  // A result that comes while others are still being made: the values on one line, or an object a
  // line.
  void line(const Record& record);

  // A document of its own (TOML, SQL, a JSON schema): as it is, in every form but none.
  void document(std::string_view text);

  // A sentence that is the result: `text` for people, `record` for programs.
  void say(std::string_view text, const Record& record);

 private:
  void table(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
             std::string_view when_empty);
  void json_items(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
                  std::string_view indent);

  std::ostream& stream_;
  OutputSettings settings_;
};

}  // namespace spool::app
