#include "engine/config/load.hpp"

#include <set>

#include "engine/config/relations.hpp"
#include "engine/config/sources.hpp"

namespace spool::config {
namespace {

// Empty, or why this property is not free.
std::string reserved(const std::string& property) {
  const auto found = reserved_properties().find(property);
  if (found == reserved_properties().end()) return {};
  if (found->second.empty()) return "is set by the program: delivery depends on it";
  return "is set by " + found->second;
}

// What is wrong, or empty.
std::string assign(const Given& given, Settings& settings) {
  const Key& key = *given.target.key;
  if (key.members) {
    std::string why = reserved(given.target.member);
    if (!why.empty()) return why;
    const Shape shape = property_shape(given.target.member);
    base::Result<Value> value = parse(shape, to_text(text(), given.value));
    if (!value) return value.failure().text;
    key.members(settings)[given.target.member] = std::get<std::string>(*value);
    return {};
  }
  const base::Result<Value> value = given.typed
                                        ? accept(key.shape, given.value)
                                        : parse(key.shape, std::get<std::string>(given.value));
  if (!value) return value.failure().text;
  key.write(settings, *value);
  return {};
}

}  // namespace

base::Result<Loaded> load(const Sources& sources, const KnownHandlers& handlers) {
  const KeyTable table(handlers);
  Gathered gathered;
  read_credentials(sources.environment, table, gathered);
  if (sources.file) read_toml(*sources.file, table, gathered);
  read_environment(sources.environment, table, gathered);
  read_flags(sources.flags, table, gathered);

  Loaded loaded{table.defaults(), handlers, {}};
  std::set<std::string> failed;
  for (const Given& given : gathered.given) {
    const std::string problem = assign(given, loaded.settings);
    if (problem.empty()) {
      loaded.origins[given.path] = given.origin;
    } else {
      failed.insert(given.path);
      gathered.errors.push_back(given.origin.where + ": " + given.path + ": " + problem);
    }
  }
  for (const Key& key : table.all()) {
    if (key.derive && loaded.origins.count(key.path()) == 0) key.derive(loaded.settings);
  }
  for (std::string& line : broken_relations(table, loaded, failed))
    gathered.errors.push_back(std::move(line));

  if (gathered.errors.empty()) return loaded;
  std::string text;
  for (const std::string& line : gathered.errors) text += (text.empty() ? "" : "\n") + line;
  return base::Failure{base::FailureKind::invalid, std::move(text)};
}

}  // namespace spool::config
