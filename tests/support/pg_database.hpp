// A database of a test's own, on the server of ops/stack: created by the administrator of
// SPOOL_TEST_ADMIN_URL, owned by the plain role of SPOOL__DATABASE__URL, as whom url() connects.
// Dropped with everybody in it at the end.
#pragma once

#include <memory>
#include <string>

#include "engine/postgres/connection.hpp"

namespace spool::test {

class PgDatabase {
 public:
  enum class Content { empty, migrated };

  // Ends the program with a word when there is no server: such a test can do nothing.
  explicit PgDatabase(Content content = Content::migrated);
  ~PgDatabase();
  PgDatabase(const PgDatabase&) = delete;
  PgDatabase& operator=(const PgDatabase&) = delete;

  const std::string& name() const { return name_; }
  const std::string& url() const { return url_; }          // as the owner role
  const std::string& admin_url() const { return admin_; }  // this database, as the administrator

  postgres::ConnectionSettings settings() const;
  std::unique_ptr<postgres::Connection> connect() const;

  // Runs SQL as the administrator.
  void execute(const std::string& sql) const;

  // The first field of the answer, as the administrator; "" for NULL and for no row.
  std::string value(const std::string& sql) const;

  // Keeps a copy of it as it is, and sets it back to that. Everybody else is thrown out.
  void save() const;
  void restore() const;

  // Ends every other session in this database, as a crash of the network would; returns when they
  // are gone.
  void kill_sessions() const;

 private:
  std::string name_;
  std::string url_;
  std::string admin_;
};

}  // namespace spool::test
