#include "tests/support/pg_database.hpp"

#include <cstdio>
#include <cstdlib>

#include "engine/base/uuid.hpp"
#include "engine/postgres/migrator.hpp"

namespace spool::test {
namespace {

using postgres::Connection;
using postgres::ConnectionSettings;
using postgres::Statement;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "test database: %s\n", why.c_str());
  std::abort();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) give_up(std::string(name) + " is not set: eval \"$(ops/stack env)\"");
  return value;
}

// Both urls are of the form postgresql://role@host:port/name.
std::string with_database(const std::string& url, const std::string& name) {
  const std::size_t slash = url.find('/', url.find("://") + 3);
  return url.substr(0, slash) + "/" + name;
}

std::string role_of(const std::string& url) {
  const std::size_t from = url.find("://") + 3;
  return url.substr(from, url.find_first_of(":@", from) - from);
}

std::unique_ptr<Connection> connect_or_give_up(const ConnectionSettings& settings) {
  auto connection = Connection::open(settings);
  if (!connection) give_up(connection.failure().text);
  return std::move(connection).value();
}

ConnectionSettings settings_of(const std::string& url) {
  ConnectionSettings settings;
  settings.url = url;
  settings.application_name = "spool-test";
  settings.statement_timeout = std::chrono::seconds(30);
  settings.lock_timeout = std::chrono::seconds(10);
  return settings;
}

void run(const std::string& url, const std::string& sql) {
  const auto status = connect_or_give_up(settings_of(url))->execute_script(sql);
  if (!status) give_up(sql + ": " + status.failure().text);
}

}  // namespace

PgDatabase::PgDatabase(Content content) {
  const std::string admin = environment("SPOOL_TEST_ADMIN_URL");
  const std::string owner = environment("SPOOL__DATABASE__URL");
  name_ = "test_" + base::to_string(base::random_uuid());
  url_ = with_database(owner, name_);
  admin_ = with_database(admin, name_);
  run(admin, "create database \"" + name_ + "\" owner \"" + role_of(owner) + "\"");
  if (content == Content::empty) return;
  const auto connection = connect();
  postgres::Migrator migrator(*connection, postgres::embedded_migrations(),
                              std::chrono::seconds(10));
  const auto steps = migrator.up({});
  if (!steps) give_up(steps.failure().text);
}

PgDatabase::~PgDatabase() {
  const std::string admin = environment("SPOOL_TEST_ADMIN_URL");
  run(admin, "drop database \"" + name_ + "\" with (force)");
  run(admin, "drop database if exists \"" + name_ + "_saved\" with (force)");
}

void PgDatabase::save() const {
  kill_sessions();
  run(environment("SPOOL_TEST_ADMIN_URL"),
      "create database \"" + name_ + "_saved\" template \"" + name_ + "\"");
}

void PgDatabase::restore() const {
  const std::string admin = environment("SPOOL_TEST_ADMIN_URL");
  run(admin, "drop database \"" + name_ + "\" with (force)");
  run(admin, "create database \"" + name_ + "\" owner \"" +
                 role_of(environment("SPOOL__DATABASE__URL")) + "\" template \"" + name_ +
                 "_saved\"");
}

ConnectionSettings PgDatabase::settings() const {
  return settings_of(url_);
}

std::unique_ptr<Connection> PgDatabase::connect() const {
  return connect_or_give_up(settings());
}

void PgDatabase::execute(const std::string& sql) const {
  run(admin_, sql);
}

std::string PgDatabase::value(const std::string& sql) const {
  const auto rows =
      connect_or_give_up(settings_of(admin_))->execute(Statement{"value", sql.c_str()});
  if (!rows) give_up(sql + ": " + rows.failure().text);
  return rows->empty() ? "" : rows->text(0, 0);
}

void PgDatabase::kill_sessions() const {
  execute(
      "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
      " where datname = current_database() and pid <> pg_backend_pid()");
}

}  // namespace spool::test
