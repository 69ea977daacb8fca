#include "engine/app/event_words.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/config/shape.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;

constexpr std::chrono::hours kAgeMax{24 * 3650};
constexpr base::EpochMicros kMicrosPerMs = 1000;

Failure invalid(std::string text) {
  return {FailureKind::invalid, std::move(text)};
}

struct TextWord {
  std::string_view name;
  std::optional<std::string> store::EventFilter::*member;
};

constexpr std::array kTextWords{
    TextWord{"handler", &store::EventFilter::handler},
    TextWord{"error", &store::EventFilter::error},
    TextWord{"topic", &store::EventFilter::topic},
    TextWord{"fingerprint", &store::EventFilter::fingerprint},
    TextWord{"key", &store::EventFilter::key},
    TextWord{"type", &store::EventFilter::event_type},
    TextWord{"source", &store::EventFilter::source},
    TextWord{"state", &store::EventFilter::state},
};

// Of dead letters, then of open events.
constexpr std::array kStates{"open", "replaying", "resolved",  "discarded",
                             "head", "parked",    "scheduled", "dead"};

Status check_state(const std::string& state) {
  std::string list;
  for (const char* known : kStates) {
    if (state == known) return {};
    list += (list.empty() ? "" : ", ") + std::string(known);
  }
  return invalid("filter: there is no state \"" + state + "\"; there are " + list);
}

Failure unknown_word(const std::string& name) {
  std::vector<std::string> names = {"age", "id"};
  std::string list = "id, age";
  for (const TextWord& word : kTextWords) {
    names.emplace_back(word.name);
    list += ", " + std::string(word.name);
  }
  const std::string meant = base::nearest(name, names);
  return invalid("filter: there is no word \"" + name + "\"" +
                 (meant.empty() ? "; there are " + list : ", did you mean " + meant + "?"));
}

// "1h" or ">1h".
Result<base::EpochMicros> parse_age(std::string_view text) {
  if (text.starts_with('<'))
    return invalid("filter: age:" + std::string(text) +
                   ": only what is older than an age can be meant (age:>1h)");
  if (text.starts_with('>')) text.remove_prefix(1);
  const auto value = config::parse(config::duration(std::chrono::milliseconds(0), kAgeMax), text);
  if (!value) return invalid("filter: age: " + value.failure().text);
  return std::get<std::int64_t>(*value) * kMicrosPerMs;
}

// The next word of `text` from `at` on, without its quotes.
Result<std::string> next_word(std::string_view text, std::size_t& at) {
  std::string word;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\' && at + 1 < text.size()) {
      word.push_back(text[++at]);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      break;
    } else {
      word.push_back(c);
    }
  }
  if (quoted) return invalid("filter: a quote has no end");
  return word;
}

}  // namespace

Status EventWordReader::add(std::string_view word) {
  if (const auto id = base::parse_uuid(word)) {
    words_.filter.ids.push_back(*id);
    words_.empty = false;
    return {};
  }
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return invalid("\"" + base::printable(word, 100) +
                   "\" is neither an id (a uuid) nor a word of a filter, such as error:upstream.*");
  }
  return add(word.substr(0, colon), word.substr(colon + 1));
}

Status EventWordReader::add_all(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    const auto word = next_word(text, at);
    if (!word) return word.failure();
    if (auto done = add(*word); !done) return done;
  }
  return {};
}

Status EventWordReader::add(std::string_view name, std::string_view value) {
  const std::string word(name);
  if (base::printable(value, value.size()) != value)
    return invalid("filter: " + word + ": is not UTF-8 text");
  if (value.empty()) return invalid("filter: " + word + ": there is no value");
  words_.empty = false;
  const auto twice = [&] { return invalid("filter: " + word + " is given twice"); };
  if (name == "id") {
    const auto id = base::parse_uuid(value);
    if (!id) return invalid("filter: id: \"" + std::string(value) + "\" is no uuid");
    words_.filter.ids.push_back(*id);
    return {};
  }
  if (name == "age") {
    if (words_.age) return twice();
    const auto age = parse_age(value);
    if (!age) return age.failure();
    words_.age = *age;
    return {};
  }
  for (const TextWord& known : kTextWords) {
    if (known.name != name) continue;
    auto& member = words_.filter.*known.member;
    if (member) return twice();
    member = std::string(value);
    return name == "state" ? check_state(*member) : Status();
  }
  return unknown_word(word);
}

}  // namespace spool::app
