#include <map>
#include <string>

#include "engine/config/describe.hpp"
#include "engine/config/list_shape.hpp"

namespace spool::config {
namespace {

// A node of the schema: a section with members, or a key.
struct Node {
  std::map<std::string, Node> members;
  const Key* key = nullptr;
  bool open = false;
};

// TOML's basic strings and JSON's escape alike what can occur in ours.
std::string member(const std::string& name, const std::string& json) {
  return quoted(name) + ": " + json;
}

std::string json_value(const Shape& shape, const Value& value) {
  return to_toml(shape, value);
}

std::string type_of(const Shape& shape) {
  if (shape.list) {
    return R"("type": "array", "minItems": )" + std::to_string(shape.items_min) +
           R"(, "items": {)" + type_of(item_of(shape)) + "}";
  }
  switch (shape.kind) {
    case Kind::flag:
      return R"("type": "boolean")";
    case Kind::count:
      return R"("type": "integer", "minimum": )" + std::to_string(shape.min) + R"(, "maximum": )" +
             std::to_string(shape.max);
    case Kind::duration:
      return R"("type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$")";
    case Kind::size:
      return R"("type": ["integer", "string"], "minimum": )" + std::to_string(shape.min) +
             R"(, "maximum": )" + std::to_string(shape.max) +
             R"(, "pattern": "^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?$")";
    case Kind::choice: {
      std::string list;
      for (const std::string& c : shape.choices) list += (list.empty() ? "" : ", ") + quoted(c);
      return R"("type": "string", "enum": [)" + list + "]";
    }
    case Kind::ratio:
      return R"("type": "number", "minimum": 0, "maximum": 1)";
    case Kind::pattern:
      return R"("type": "string", "pattern": "^[A-Za-z_.]*[*]?$")";
    case Kind::topic:
      return R"("type": "string", "pattern": "^[A-Za-z0-9._-]{1,249}$")";
    case Kind::endpoint:
      return R"("type": "string", "pattern": "^.+:[0-9]+$")";
    case Kind::database_url:
      return R"("type": "string", "pattern": "^postgres(ql)?://")";
    case Kind::text:
      return R"("type": "string")" +
             (shape.min > 0 ? R"(, "minLength": )" + std::to_string(shape.min) : "");
  }
  return {};
}

std::string key_json(const Key& key, const Settings& defaults) {
  std::string out = "{" + type_of(key.shape) + ", " + member("description", quoted(key.doc));
  if (!key.given) out += ", " + member("default", json_value(key.shape, key.read(defaults)));
  if (key.shape.secrecy != Secrecy::open) out += R"(, "writeOnly": true)";
  return out + "}";
}

std::string node_json(const Node& node, const Settings& defaults, std::size_t depth) {
  if (node.key != nullptr && !node.open) return key_json(*node.key, defaults);
  const std::string indent(2 * depth, ' ');
  if (node.open) {
    // Dotted names may be written bare, which nests them.
    return R"({"type": "object", "description": )" + quoted(node.key->doc) +
           R"(, "additionalProperties": {"type": ["string", "integer", "boolean", "object"]}})";
  }
  std::string out =
      "{\n" + indent + R"(  "type": "object", "additionalProperties": false, "properties": {)";
  bool first = true;
  for (const auto& [name, below] : node.members) {
    out += (first ? "\n" : ",\n") + indent + "    " +
           member(name, node_json(below, defaults, depth + 2));
    first = false;
  }
  return out + "\n" + indent + "  }\n" + indent + "}";
}

}  // namespace

std::string schema(const KnownHandlers& handlers) {
  const KeyTable table(handlers);
  Node root;
  for (const Key& key : table.all()) {
    Node* node = &root;
    const std::string path = key.members ? key.section : key.path();
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t dot = std::min(path.find('.', at), path.size());
      node = &node->members[path.substr(at, dot - at)];
      at = dot + 1;
    }
    node->key = &key;
    node->open = static_cast<bool>(key.members);
  }
  std::string body = node_json(root, table.defaults(), 0);
  body.insert(1,
              "\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n  \"title\": \"spool "
              "configuration\",");
  return body + "\n";
}

}  // namespace spool::config
