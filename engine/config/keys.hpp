// The one table of keys: loading, checking, showing, the example and the schema all walk it, so
// that a key is described once (key_list.cpp). Built per program, because handlers bring their own
// keys. Immutable, any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/config/settings.hpp"
#include "engine/config/shape.hpp"

namespace spool::config {

// A key of a handler's own, under [handlers.<name>].
struct HandlerOption {
  std::string name;
  Shape shape;
  Value fallback;  // of the type of its shape
  std::string doc;
};

// What the program says of its handlers; more than these cannot be configured.
struct KnownHandler {
  std::string name;
  std::string topic;
  std::vector<HandlerOption> options;
  bool performs = false;  // it calls a service
  // What must be configured before it can run at all, and whether it is; none: nothing. Where it is
  // not, the handler is not enabled unless somebody says so.
  std::string needs = {};
  std::function<bool(const Settings&)> ready = {};
};
using KnownHandlers = std::vector<KnownHandler>;

struct Key {
  std::string section;  // "kafka.sasl"
  std::string name;     // "password", also "dlt.topic"
  Shape shape;
  std::string doc;  // one or more sentences for an operator
  std::function<Value(const Settings&)> read;
  std::function<void(Settings&, const Value&)> write;
  std::function<void(Settings&)>
      derive;  // may be empty: the default when it follows from other keys
  std::function<bool(const Settings&)>
      given;  // may be empty: always. Else the key has a value only where this says so
  std::function<std::map<std::string, std::string>&(Settings&)>
      members;  // only of an open section, else empty

  std::string path() const { return section + "." + name; }
};

class KeyTable {
 public:
  explicit KeyTable(const KnownHandlers& handlers);

  const std::vector<Key>& all() const { return keys_; }
  const Settings& defaults() const { return defaults_; }

  // The key of a path; for a path within an open section that section's key, and the member's name.
  struct Found {
    const Key* key = nullptr;
    std::string member;
  };
  std::optional<Found> find(std::string_view path) const;
  // Whether keys stand below `path`.
  bool is_section(std::string_view path) const;
  bool is_open_section(std::string_view path) const;

  // What may have been meant by an unknown path, or empty.
  std::string nearest(std::string_view path) const;
  std::string nearest_section(std::string_view path) const;

 private:
  std::vector<Key> keys_;
  Settings defaults_;
};

// The keys themselves (key_list.cpp), in the order in which they are shown.
std::vector<Key> list_keys(const KnownHandlers& handlers);
Settings default_settings(const KnownHandlers& handlers);

// The words of message::ErrorType, which this folder does not know.
const std::vector<std::string>& error_types();

// Properties of librdkafka that are not free: by name, the key to use instead, or empty when the
// engine's guarantees rest on its value.
const std::map<std::string, std::string>& reserved_properties();
// How a property of librdkafka is shown: by its name, it may be a secret.
Shape property_shape(std::string_view name);

}  // namespace spool::config
