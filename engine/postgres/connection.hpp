// One session with PostgreSQL, owned and used by one thread. A session that broke is never revived:
// usable() turns false and its owner opens another one. Session settings travel in the connection
// string, so they cost no round trip.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/postgres/transaction.hpp"

namespace spool::postgres {

struct ConnectionSettings {
  // postgresql://... or key=value; what it names itself (also in options=-c ...) wins over the
  // fields below. May hold a password, which appears in no failure.
  std::string url;
  std::string application_name = "spool";
  std::chrono::seconds connect_timeout{3};
  std::chrono::milliseconds statement_timeout{5'000};  // 0: none, as below
  std::chrono::milliseconds lock_timeout{1'000};
  std::chrono::milliseconds idle_in_transaction_timeout{10'000};
  std::chrono::milliseconds tcp_user_timeout{3'000};  // ends a query on a dead network
  // Transactions that do not ask for durability may be lost in a crash of the database (never
  // torn).
  bool synchronous_commit_off = false;
  // Further settings of the session, by name.
  std::vector<std::pair<std::string, std::string>> session = {};
  // Warnings and notices of the server; called by the connection's thread. Empty: they are dropped.
  std::function<void(std::string_view)> on_notice;
};

// What is given to the driver: `settings` merged into its url. Fails with `invalid` if the url is
// none.
base::Result<std::string> connection_string(const ConnectionSettings& settings);

class Connection {
 public:
  static base::Result<std::unique_ptr<Connection>> open(const ConnectionSettings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  base::Result<std::unique_ptr<Transaction>> begin();

  // A statement that is its own transaction. When the connection is lost nobody knows whether it
  // took effect.
  base::Result<Rows> execute(const Statement& statement, Params params = {});
  base::Status execute_script(std::string_view text);

  bool usable() const;

  // Hears of NOTIFY on `channel` from now on.
  base::Status listen(const std::string& channel);
  // Waits until a notification has come, `wake_fd` is readable (-1: none) or `limit` has passed:
  // whether one has come. Several count as one.
  base::Result<bool> wait_notified(int wake_fd, std::chrono::milliseconds limit);

  // These two are for other threads. Ends the round trip that is under way, if it has lasted longer
  // than `limit`. Its caller sees a lost connection. For networks that swallow everything and still
  // acknowledge it (a stalled proxy), where no timeout of the server or of TCP helps.
  void interrupt(std::chrono::milliseconds limit);
  // The same at once, and whatever is under way: the session is lost from now on.
  void sever();

  struct Impl;

 private:
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spool::postgres
