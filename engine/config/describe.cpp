#include "engine/config/describe.hpp"

#include <string_view>
#include <vector>

#include "engine/config/list_shape.hpp"

namespace spool::config {
namespace {

constexpr std::size_t kColumns = 100;

// "# " and the text, broken between words.
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + 1 + end > kColumns) {
      out += line + "\n";
      line = "#";
    }
    line += " " + std::string(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

// What a reader needs beyond the doc: units, bounds, choices.
std::string allowed(const Shape& shape) {
  switch (shape.kind) {
    case Kind::choice: {
      std::string out;
      for (const std::string& c : shape.choices) out += (out.empty() ? "" : ", ") + quoted(c);
      return " (" + out + ")";
    }
    case Kind::count:
    case Kind::duration:
    case Kind::size:
      return " (" + std::string(shape.list ? "each " : "") + to_text(item_of(shape), shape.min) +
             " to " + to_text(item_of(shape), shape.max) + ")";
    case Kind::ratio:
      return " (0 to 1)";
    default:
      return {};
  }
}

std::string origin_of(const Loaded& loaded, const std::string& path) {
  const auto found = loaded.origins.find(path);
  return found == loaded.origins.end() ? Origin{}.where : found->second.where;
}

}  // namespace

std::string show(const Loaded& loaded, bool with_origin) {
  const KeyTable table(loaded.handlers);
  std::string out;
  std::string section;
  const auto line = [&](const Key& key, const std::string& name, const Shape& shape,
                        const Value& value, const std::string& path) {
    if (key.section != section) out += (out.empty() ? "[" : "\n[") + key.section + "]\n";
    section = key.section;
    out += name + " = " + to_toml(shape, masked(shape, value));
    if (with_origin) out += "  # " + origin_of(loaded, path);
    out += "\n";
  };
  for (const Key& key : table.all()) {
    if (key.given && !key.given(loaded.settings)) continue;
    if (!key.members) {
      line(key, key.name, key.shape, key.read(loaded.settings), key.path());
      continue;
    }
    for (const auto& [name, value] : loaded.settings.kafka.properties) {
      line(key, quoted(name), property_shape(name), value, key.section + "." + name);
    }
  }
  return out;
}

std::string example(const KnownHandlers& handlers) {
  const KeyTable table(handlers);
  std::string out = comment(
      "Every key with its default. A line that begins with '#' and a name is a key as it is "
      "without "
      "configuration: take the '#' away to change it.");
  out += comment(
      "An environment variable goes before this file (SPOOL__CONSUMER__SESSION_TIMEOUT, or with "
      "_FILE at "
      "the end the name of a file with the value), a flag before both.");
  out += comment("This file is what `spool config example` prints.");
  std::string section;
  std::string doc;
  for (const Key& key : table.all()) {
    if (key.section != section) out += "\n[" + key.section + "]\n";
    section = key.section;
    // Keys without a value of their own come in rows that say the same.
    if (!key.given || key.doc != doc) out += comment(key.doc + allowed(key.shape));
    doc = key.doc;
    if (!key.members && !key.given)
      out += "#" + key.name + " = " + to_toml(key.shape, key.read(table.defaults())) + "\n";
  }
  return out;
}

}  // namespace spool::config
