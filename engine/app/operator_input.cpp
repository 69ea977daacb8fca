#include "engine/app/operator_input.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "engine/base/text.hpp"
#include "engine/config/shape.hpp"
#include "engine/store/operator_commands.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;

constexpr std::chrono::seconds kWait{30};
constexpr std::chrono::hours kWaitMax{24};
constexpr std::size_t kReasonBytesMax = 1000;

// Options that say one word of a filter.
struct WordOption {
  const char* option;
  const char* word;
};
constexpr std::array kWordOptions{
    WordOption{"handler", "handler"}, WordOption{"error", "error"},
    WordOption{"topic", "topic"},     WordOption{"fingerprint", "fingerprint"},
    WordOption{"key", "key"},         WordOption{"type", "type"},
    WordOption{"source", "source"},   WordOption{"state", "state"},
    WordOption{"older-than", "age"},
};

std::string system_user() {
  const passwd* user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::string(user == nullptr ? std::to_string(::geteuid()) : user->pw_name) + "@" +
         host.data();
}

}  // namespace

const Option kYesOption{"--yes", "", "Do not ask"};
const Option kWaitOption{"--wait", "TIME", "How long to wait for the end (default 30s; 0s: not)"};

std::vector<Option> filter_options() {
  return {
      {"--filter", "WORDS", "Such as 'error:upstream.* age:>1h key:\"a b\"'; repeatable", {}, true},
      {"--handler", "NAME", "Only of this handler"},
      {"--error", "GLOB", "Only of these error types, such as schema.*"},
      {"--topic", "TOPIC", "Only from this topic"},
      {"--fingerprint", "TEXT", "Only of this cause, as `dlt groups` shows it"},
      {"--key", "KEY", "Only with this Kafka key"},
      {"--type", "TYPE", "Only of this event type"},
      {"--source", "SOURCE", "Only from this source"},
      {"--state", "WORD", "Only in this state"},
      {"--older-than", "AGE", "Only what is older, such as 1h"}};
}

std::vector<Option> change_options() {
  return {{"--reason", "TEXT", "Why; kept in the audit log. Needed"},
          {"--actor", "NAME", "Who asks (default: the system's user and host)"},
          {"--dry-run", "", "Say what would be done, do nothing"}};
}

std::vector<Option> with(std::vector<Option> first, const std::vector<Option>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

std::vector<Option> bulk_options() {
  return with(with(filter_options(), change_options()), {kYesOption, kWaitOption});
}

Result<EventWords> read_words(const Arguments& arguments, const std::string& positional) {
  EventWordReader reader;
  for (const std::string& word : arguments.all(positional)) {
    if (auto done = reader.add(word); !done) return done.failure();
  }
  for (const std::string& text : arguments.all("filter")) {
    if (auto done = reader.add_all(text); !done) return done.failure();
  }
  for (const WordOption& one : kWordOptions) {
    const auto value = arguments.get(one.option);
    if (!value) continue;
    if (auto done = reader.add(one.word, *value); !done) return done.failure();
  }
  return reader.words();
}

Result<store::EventFilter> resolve(postgres::Connection& connection, const EventWords& words) {
  store::EventFilter filter = words.filter;
  if (!words.age) return filter;
  const auto now = store::database_now(connection);
  if (!now) return now.failure();
  filter.older_than = *now - *words.age;
  return filter;
}

Result<store::Operator> read_operator(const Arguments& arguments) {
  const std::string reason = arguments.get_or("reason", "");
  if (reason.empty())
    return Failure(FailureKind::invalid, "--reason TEXT is needed: it is kept in the audit log");
  return store::Operator{base::printable(arguments.get_or("actor", system_user()), kReasonBytesMax),
                         base::printable(reason, kReasonBytesMax)};
}

Result<base::Uuid> read_id(const Arguments& arguments, const std::string& positional,
                           const std::string& what) {
  const std::string text = arguments.get_or(positional, "");
  const auto id = base::parse_uuid(text);
  if (!id)
    return Failure(FailureKind::invalid,
                   positional + ": \"" + text + "\" is not the id of " + what + " (a uuid)");
  return *id;
}

Result<std::optional<std::chrono::milliseconds>> read_time(const Arguments& arguments,
                                                           const std::string& option) {
  std::optional<std::chrono::milliseconds> time;
  const auto text = arguments.get(option);
  if (!text) return time;
  const auto value = config::parse(config::duration(std::chrono::milliseconds(0), kWaitMax), *text);
  if (!value) return Failure(FailureKind::invalid, "--" + option + ": " + value.failure().text);
  time = std::chrono::milliseconds(std::get<std::int64_t>(*value));
  return time;
}

Result<std::chrono::milliseconds> read_wait(const Arguments& arguments) {
  const auto time = read_time(arguments, "wait");
  if (!time) return time.failure();
  return time->value_or(kWait);
}

}  // namespace spool::app
