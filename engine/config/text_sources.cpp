#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "engine/base/text.hpp"
#include "engine/config/sources.hpp"

namespace spool::config {
namespace {

constexpr std::string_view kPrefix = "SPOOL__";
constexpr std::string_view kFileSuffix = "_file";
constexpr std::size_t kFileBytesMax = 1U << 20;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

bool is_ours(std::string_view variable) {
  return variable.size() >= kPrefix.size() &&
         std::equal(kPrefix.begin(), kPrefix.end(), variable.begin(),
                    [](char a, char b) { return a == upper(b); });
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// SPOOL__KAFKA__SASL__PASSWORD -> kafka.sasl.password
std::string path_of(std::string_view variable) {
  return replaced(lowered(std::string(variable.substr(kPrefix.size()))), "__", ".");
}

// A variable may be written in any case; the few keys that are not in lower case are found all the
// same.
std::optional<KeyTable::Found> find_lower(const KeyTable& table, const std::string& path) {
  if (auto found = table.find(path)) return found;
  for (const Key& key : table.all()) {
    if (lowered(key.path()) == path) return KeyTable::Found{&key, {}};
  }
  return std::nullopt;
}

std::string variable_of(const std::string& path) {
  std::string name = replaced(path, ".", "__");
  std::transform(name.begin(), name.end(), name.begin(), upper);
  return std::string(kPrefix) + name;
}

// The value in a file of its own: without the newline that editors and `echo` put behind it.
base::Result<std::string> value_file(const std::string& file) {
  base::Result<std::string> text = read_text_file(file);
  if (!text) return text;
  std::string value = std::move(*text);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

struct Named {
  KeyTable::Found target;
  std::string path;
  bool from_file = false;
};

std::optional<Named> name_of(const KeyTable& table, std::string path) {
  const bool suffixed = path.ends_with(kFileSuffix);
  auto found = find_lower(table, path);
  // A property of librdkafka may have any name, none ends like that: there too it means a file.
  const bool from_file = suffixed && (!found || found->key->members);
  if (from_file) {
    path.resize(path.size() - kFileSuffix.size());
    found = find_lower(table, path);
  }
  if (!found) return std::nullopt;
  if (found->key->members) {
    // librdkafka's names have dots where a variable has underscores.
    found->member = replaced(found->member, "_", ".");
    path = found->key->section + "." + found->member;
  } else {
    path = found->key->path();
  }
  return Named{*found, path, from_file};
}

}  // namespace

base::Result<std::string> read_text_file(const std::string& file) {
  const auto failure = [](const std::string& why) {
    return base::Failure{base::FailureKind::invalid, why};
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    return failure("cannot be read: is a directory");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"),
                                                               &std::fclose);
  if (!stream) return failure(std::string("cannot be read: ") + std::strerror(errno));
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), stream.get())) {
    text.append(piece.data(), n);
    if (text.size() > kFileBytesMax) return failure("is larger than 1 MiB");
  }
  if (std::ferror(stream.get()) != 0) return failure("cannot be read to its end");
  return text;
}

void read_credentials(const Pairs& environment, const KeyTable& table, Gathered& out) {
  const auto folder = std::find_if(environment.begin(), environment.end(), [](const auto& pair) {
    return pair.first == "CREDENTIALS_DIRECTORY";
  });
  if (folder == environment.end() || folder->second.empty()) return;
  for (const Key& key : table.all()) {
    const std::string file = folder->second + "/" + key.path();
    std::error_code ignored;
    if (key.shape.secrecy == Secrecy::open || !std::filesystem::exists(file, ignored)) continue;
    base::Result<std::string> value = value_file(file);
    const std::string where = "credential " + key.path();
    if (!value) {
      std::string line = where;
      line.append(": ").append(file).append(" ").append(value.failure().text);
      out.errors.push_back(std::move(line));
      continue;
    }
    out.given.push_back(
        {{&key, {}}, key.path(), std::move(*value), false, {Origin::Kind::credential, where}});
  }
}

void read_environment(const Pairs& environment, const KeyTable& table, Gathered& out) {
  std::map<std::string, std::string> taken;  // path -> variable
  for (const auto& [variable, text] : environment) {
    if (!is_ours(variable)) continue;
    const std::string where = "environment variable " + base::printable(variable, 200);
    const std::string path = path_of(variable);
    const std::optional<Named> named = name_of(table, path);
    if (!named) {
      const std::string near = table.nearest(path);
      out.errors.push_back(where + ": unknown key" +
                           (near.empty() ? "" : "; did you mean " + variable_of(near) + "?"));
      continue;
    }
    const auto [earlier, is_new] = taken.emplace(named->path, variable);
    if (!is_new) {
      out.errors.push_back(where + ": " + named->path + " is given by " + earlier->second +
                           " as well");
      continue;
    }
    base::Result<std::string> value =
        named->from_file ? value_file(text) : base::Result<std::string>(text);
    if (!value) {
      // Whoever puts a secret itself into the variable that names its file must not find it in a
      // log.
      const bool is_open =
          named->target.key->shape.secrecy == Secrecy::open && !named->target.key->members;
      out.errors.push_back(where + ": " + (is_open ? text : "the file") + " " +
                           value.failure().text);
      continue;
    }
    out.given.push_back(
        {named->target, named->path, std::move(*value), false, {Origin::Kind::environment, where}});
  }
}

void read_flags(const Pairs& flags, const KeyTable& table, Gathered& out) {
  for (const auto& [path, text] : flags) {
    const std::string where = "flag " + base::printable(path, 200);
    const auto found = table.find(path);
    if (found) {
      out.given.push_back({*found, path, text, false, {Origin::Kind::flag, where}});
      continue;
    }
    const std::string near = table.nearest(path);
    out.errors.push_back(where + ": unknown key" +
                         (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

}  // namespace spool::config
