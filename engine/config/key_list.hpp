// How the table of keys is written down: one add() a key. Private to key_list.cpp and
// handler_keys.cpp, which hold the keys.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/config/keys.hpp"

namespace spool::config {

// Between the type of a member of Settings and that of its shape.
template <typename T>
struct Held {
  static Value read(const T& member) { return member; }
  static void write(T& member, const Value& value) { member = std::get<T>(value); }
};
template <>
struct Held<Value> {
  static Value read(const Value& member) { return member; }
  static void write(Value& member, const Value& value) { member = value; }
};
template <>
struct Held<std::chrono::milliseconds> {
  static Value read(std::chrono::milliseconds member) { return std::int64_t{member.count()}; }
  static void write(std::chrono::milliseconds& member, const Value& value) {
    member = std::chrono::milliseconds(std::get<std::int64_t>(value));
  }
};
template <>
struct Held<std::vector<std::chrono::milliseconds>> {
  using Member = std::vector<std::chrono::milliseconds>;
  static Value read(const Member& member) {
    std::vector<std::int64_t> numbers;
    for (const std::chrono::milliseconds one : member) numbers.push_back(one.count());
    return numbers;
  }
  static void write(Member& member, const Value& value) {
    member.clear();
    for (const std::int64_t one : std::get<std::vector<std::int64_t>>(value))
      member.emplace_back(one);
  }
};
template <>
struct Held<Endpoint> {
  static Value read(const Endpoint& member) { return to_string(member); }
  static void write(Endpoint& member, const Value& value) {
    member = *parse_endpoint(std::get<std::string>(value));  // the shape has parsed it before
  }
};
// Where nothing is given, reads as if it were zero or empty: see Key::given.
template <typename T>
struct Held<std::optional<T>> {
  static Value read(const std::optional<T>& member) { return Held<T>::read(member.value_or(T{})); }
  static void write(std::optional<T>& member, const Value& value) {
    Held<T>::write(member.emplace(), value);
  }
};

class KeyList {
 public:
  void section(std::string name) { section_ = std::move(name); }

  // `where` finds the member in a Settings, const or not.
  template <typename Where>
  Key& add(std::string name, Shape shape, Where where, std::string doc) {
    using Member = std::remove_cvref_t<decltype(where(std::declval<Settings&>()))>;
    Key& key = keys.emplace_back();
    key.section = section_;
    key.name = std::move(name);
    key.shape = std::move(shape);
    key.doc = std::move(doc);
    key.read = [where](const Settings& settings) { return Held<Member>::read(where(settings)); };
    key.write = [where](Settings& settings, const Value& value) {
      Held<Member>::write(where(settings), value);
    };
    return key;
  }

  // A key that has no value unless one is given; the member is an optional.
  template <typename Where>
  Key& add_optional(std::string name, Shape shape, Where where, std::string doc) {
    Key& key = add(std::move(name), std::move(shape), where, std::move(doc));
    key.given = [where](const Settings& settings) { return where(settings).has_value(); };
    return key;
  }

  std::vector<Key> keys;

 private:
  std::string section_;
};

// The keys under [handlers.<name>].
void handler_keys(KeyList& list, const KnownHandler& handler);

}  // namespace spool::config
