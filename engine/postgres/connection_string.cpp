#include <map>
#include <memory>
#include <string>

#include <libpq-fe.h>

#include "engine/postgres/connection.hpp"

namespace spool::postgres {
namespace {

using Milliseconds = std::chrono::milliseconds;

void append_option(std::string& options, const char* name, const std::string& value) {
  options.append("-c ").append(name).append("=").append(value).append(" ");
}

void append_option(std::string& options, const char* name, Milliseconds value) {
  append_option(options, name, std::to_string(value.count()));
}

std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  return text + "'";
}

}  // namespace

base::Result<std::string> connection_string(const ConnectionSettings& settings) {
  // The parser's own message may quote the password: it is not passed on.
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(settings.url.c_str(), nullptr), &PQconninfoFree);
  if (!parsed) {
    return base::Failure(base::FailureKind::invalid,
                         "the database url is no PostgreSQL connection string");
  }
  std::map<std::string, std::string> words;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) words.emplace(option->keyword, option->val);
  }
  words.emplace("application_name", settings.application_name);
  words.emplace("connect_timeout", std::to_string(settings.connect_timeout.count()));
  words.emplace("tcp_user_timeout", std::to_string(settings.tcp_user_timeout.count()));
  words.emplace("keepalives_idle", "10");
  words.emplace("client_encoding", "UTF8");

  std::string options;
  append_option(options, "statement_timeout", settings.statement_timeout);
  append_option(options, "lock_timeout", settings.lock_timeout);
  append_option(options, "idle_in_transaction_session_timeout",
                settings.idle_in_transaction_timeout);
  append_option(options, "bytea_output", "hex");
  if (settings.synchronous_commit_off) append_option(options, "synchronous_commit", "off");
  for (const auto& [name, value] : settings.session) append_option(options, name.c_str(), value);
  // The last of two settings of one name wins: the user's.
  words["options"] = options + words["options"];

  std::string text;
  for (const auto& [keyword, value] : words) {
    text.append(keyword).append("=").append(quoted(value)).append(" ");
  }
  return text;
}

}  // namespace spool::postgres
