// Inside of this folder only: what Connection and Transaction share of a driver session.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pqxx/pqxx>

#include "engine/base/result.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/postgres/rows.hpp"

namespace spool::postgres {

struct Rows::Impl {
  pqxx::result result;
};

// Hands the server's notices to the owner's function; installed first, it keeps the driver off
// stderr.
class NoticeHandler : public pqxx::errorhandler {
 public:
  NoticeHandler(pqxx::connection& connection, std::function<void(std::string_view)> function)
      : pqxx::errorhandler(connection), function_(std::move(function)) {}
  bool operator()(const char message[]) noexcept override;

 private:
  std::function<void(std::string_view)> function_;
};

// Remembers that something was notified.
class Listener : public pqxx::notification_receiver {
 public:
  using pqxx::notification_receiver::notification_receiver;
  void operator()(const std::string&, int) override { heard = true; }
  bool heard = false;
};

struct Connection::Impl {
  Impl(const std::string& conninfo, const ConnectionSettings& settings);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Prepares it if this session has not yet, then runs it in `transaction`.
  Rows run(pqxx::transaction_base& transaction, const Statement& statement, Params& params);

  // The failure that an exception of the driver stands for; notices when the session is gone.
  base::Failure failed(const std::exception& error);

  pqxx::connection connection;
  NoticeHandler notices;
  std::vector<std::unique_ptr<Listener>> listeners;  // before the connection goes
  std::set<std::string, std::less<>> prepared;
  std::string password;  // to be blanked wherever the driver quotes it
  int socket;  // a duplicate of the driver's, for other threads: it stays open as long as this
  bool broken = false;
  bool busy = false;  // a transaction is open

  // Steady clock at the beginning of the round trip that is under way, 0 between them; see
  // Connection::interrupt().
  std::atomic<std::chrono::steady_clock::rep> call_began{0};
};

// Around every round trip.
class Call {
 public:
  explicit Call(Connection::Impl& session) : session_(session) {
    session_.call_began = std::chrono::steady_clock::now().time_since_epoch().count();
  }
  ~Call() { session_.call_began = 0; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Connection::Impl& session_;
};

}  // namespace spool::postgres
