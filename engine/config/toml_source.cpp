#include <toml++/toml.h>

#include <sstream>

#include "engine/config/sources.hpp"

namespace spool::config {
namespace {

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column);
}

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a section";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    default:
      return "a date or time";
  }
}

std::optional<Value> texts(const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (text == nullptr) return std::nullopt;
    texts.push_back(text->get());
  }
  return Value{std::move(texts)};
}

// Empty when such a key cannot have such a value.
std::optional<Value> read_value(const toml::node& node, const Shape& shape) {
  if (shape.list) return texts(node);
  if (const auto* text = node.as_string()) return Value{text->get()};
  if (const auto* truth = node.as_boolean()) return Value{truth->get()};
  if (const auto* number = node.as_integer()) return Value{std::int64_t{number->get()}};
  const auto* fraction = node.as_floating_point();
  if (fraction != nullptr && shape.kind == Kind::ratio) return Value{fraction->get()};
  return std::nullopt;
}

class Walk {
 public:
  Walk(const std::string& file, const KeyTable& table, Gathered& out)
      : file_(file), table_(table), out_(out) {}

  void section(const toml::table& nodes, const std::string& prefix) {
    for (const auto& [name, node] : nodes) {
      const std::string path =
          prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
      const auto found = table_.find(path);
      const bool open = found && found->key->members;
      const bool descends = open || table_.is_section(path) || table_.is_open_section(path);
      if (node.is_table() && descends) {
        section(*node.as_table(), path);
      } else if (found) {
        value(node, path, *found);
      } else {
        unknown(place(file_, name.source()), path, node.is_table());
      }
    }
  }

 private:
  void value(const toml::node& node, const std::string& path, const KeyTable::Found& found) {
    const Origin origin{Origin::Kind::file, place(file_, node.source())};
    const auto read = read_value(node, found.key->shape);
    if (read) {
      out_.given.push_back({found, path, *read, true, origin});
      return;
    }
    out_.errors.push_back(origin.where + ": " + path + ": expected " +
                          expectation(found.key->shape) + ", got " + type_name(node) +
                          (found.key->shape.list && node.is_array() ? " of other things" : ""));
  }

  void unknown(const std::string& where, const std::string& path, bool is_table) {
    const std::string near = is_table ? table_.nearest_section(path) : table_.nearest(path);
    const bool is_known_section = table_.is_section(path);
    std::string text = where + ": ";
    if (is_known_section) {
      text += path + " is a section, [" + path + "], not a key";
    } else {
      text += (is_table ? "unknown section " : "unknown key ") + path;
      if (!near.empty()) text += "; did you mean " + near + "?";
    }
    out_.errors.push_back(std::move(text));
  }

  const std::string& file_;
  const KeyTable& table_;
  Gathered& out_;
};

// The parser quotes what it stumbled over, which may be a secret: only its own words are kept.
std::string without_quotes(std::string_view description) {
  std::string out;
  bool inside = false;
  for (const char c : description) {
    if (c == '\'') {
      if (!inside) out += "'...'";
      inside = !inside;
    } else if (!inside) {
      out += c;
    }
  }
  return out;
}

}  // namespace

void read_toml_text(std::string_view text, const std::string& name, const KeyTable& table,
                    Gathered& out) {
  // Debian's toml++ reports by exception; it ends here.
  try {
    const toml::table root = toml::parse(text, name);
    Walk(name, table, out).section(root, "");
  } catch (const toml::parse_error& error) {
    out.errors.push_back(place(name, error.source()) +
                         ": not TOML: " + without_quotes(error.description()));
  }
}

void read_toml(const std::string& file, const KeyTable& table, Gathered& out) {
  const base::Result<std::string> text = read_text_file(file);
  if (!text) {
    out.errors.push_back("configuration file " + file + ": " + text.failure().text);
    return;
  }
  read_toml_text(*text, file, table, out);
}

}  // namespace spool::config
