#include "engine/postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/assert.hpp"
#include "engine/postgres/classify.hpp"
#include "engine/postgres/session.hpp"
#include "engine/postgres/transaction_impl.hpp"

namespace spool::postgres {
namespace {

// A parameter on its way into the driver, which takes strings by value: moved, not copied.
struct MovedParam {
  std::optional<std::string>* value;
};

std::string password_of(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree);
  for (const PQconninfoOption* option = parsed.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "password" && option->val != nullptr) {
      return option->val;
    }
  }
  return {};
}

base::Failure blanked(base::Failure failure, const std::string& password) {
  if (password.empty()) return failure;
  for (std::size_t at = failure.text.find(password); at != std::string::npos;
       at = failure.text.find(password, at + 3)) {
    failure.text.replace(at, password.size(), "***");
  }
  return failure;
}

}  // namespace
}  // namespace spool::postgres

namespace pqxx {
template <>
struct string_traits<spool::postgres::MovedParam> {
  static constexpr const char* name() noexcept { return "MovedParam"; }
  static constexpr bool has_null() noexcept { return true; }
  static bool is_null(const spool::postgres::MovedParam& param) {
    return !param.value->has_value();
  }
  static std::string to_string(const spool::postgres::MovedParam& param) {
    return std::move(**param.value);
  }
};
}  // namespace pqxx

namespace spool::postgres {

using base::Failure;
using base::FailureKind;

bool NoticeHandler::operator()(const char message[]) noexcept {
  try {
    if (function_) function_(message);
  } catch (...) {  // a listener that fails must not unwind through the driver
  }
  return false;
}

Connection::Impl::Impl(const std::string& conninfo, const ConnectionSettings& settings)
    : connection(conninfo),
      notices(connection, settings.on_notice),
      password(password_of(conninfo)),
      socket(::dup(connection.sock())) {
  // The driver would otherwise reconnect in silence, without anybody noticing what was lost.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

Rows Connection::Impl::run(pqxx::transaction_base& transaction, const Statement& statement,
                           Params& params) {
  const Call call(*this);
  if (prepared.find(std::string_view(statement.name)) == prepared.end()) {
    connection.prepare(statement.name, statement.text);
    prepared.emplace(statement.name);
  }
  std::vector<MovedParam> moved;
  moved.reserve(params.values().size());
  for (auto& value : params.values()) {
    // The driver would cut the text there without a word.
    if (value && value->find('\0') != std::string::npos) {
      throw pqxx::data_exception("a text parameter holds a NUL byte", statement.text, "22021");
    }
    moved.push_back({&value});
  }
  return Rows(std::make_shared<Rows::Impl>(Rows::Impl{
      transaction.exec_prepared(statement.name, pqxx::prepare::make_dynamic_params(moved))}));
}

Failure Connection::Impl::failed(const std::exception& error) {
  Failure failure = blanked(classify(error), password);
  // Admin shutdowns and the like may arrive as an answer before the socket closes.
  if (failure.kind == FailureKind::unavailable || failure.kind == FailureKind::in_doubt ||
      !connection.is_open()) {
    broken = true;
  }
  return failure;
}

Connection::Impl::~Impl() {
  ::close(socket);
}

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() {
  SPOOL_ASSERT(!impl_->busy, "a connection is closed under its transaction");
}

base::Result<std::unique_ptr<Connection>> Connection::open(const ConnectionSettings& settings) {
  auto conninfo = connection_string(settings);
  if (!conninfo) return conninfo.failure();
  try {
    return std::unique_ptr<Connection>(new Connection(std::make_unique<Impl>(*conninfo, settings)));
  } catch (const std::exception& error) {
    return blanked(classify(error), password_of(*conninfo));
  }
}

void Connection::interrupt(std::chrono::milliseconds limit) {
  using std::chrono::steady_clock;
  const auto began = impl_->call_began.load();
  if (began == 0) return;
  const auto lasted = steady_clock::now().time_since_epoch() - steady_clock::duration(began);
  if (lasted > limit) sever();
}

void Connection::sever() {
  ::shutdown(impl_->socket, SHUT_RDWR);
}

bool Connection::usable() const {
  return !impl_->broken && impl_->connection.is_open();
}

base::Status Connection::listen(const std::string& channel) {
  SPOOL_ASSERT(!impl_->busy, "a connection carries one transaction at a time");
  if (!usable()) return Failure(FailureKind::unavailable, "the connection is lost");
  try {
    const Call call(*impl_);
    impl_->listeners.push_back(std::make_unique<Listener>(impl_->connection, channel));
    return {};
  } catch (const std::exception& error) {
    return impl_->failed(error);
  }
}

base::Result<bool> Connection::wait_notified(int wake_fd, std::chrono::milliseconds limit) {
  SPOOL_ASSERT(!impl_->busy, "a connection carries one transaction at a time");
  if (!usable()) return Failure(FailureKind::unavailable, "the connection is lost");
  pollfd watched[] = {{impl_->connection.sock(), POLLIN, 0}, {wake_fd, POLLIN, 0}};
  // Not a round trip: interrupt() leaves it alone.
  if (::poll(watched, 2, static_cast<int>(limit.count())) < 0 && errno != EINTR)
    return Failure(FailureKind::unavailable, "poll failed");
  try {
    impl_->connection.get_notifs();
  } catch (const std::exception& error) {
    return impl_->failed(error);
  }
  bool heard = false;
  for (const auto& listener : impl_->listeners) heard |= std::exchange(listener->heard, false);
  return heard;
}

base::Result<std::unique_ptr<Transaction>> Connection::begin() {
  SPOOL_ASSERT(!impl_->busy, "a connection carries one transaction at a time");
  if (!usable()) return Failure(FailureKind::unavailable, "the connection is lost");
  try {
    const Call call(*impl_);
    auto inner = std::make_unique<Transaction::Impl>(*impl_);
    return std::make_unique<Transaction>(std::move(inner));
  } catch (const std::exception& error) {
    return impl_->failed(error);
  }
}

base::Result<Rows> Connection::execute(const Statement& statement, Params params) {
  SPOOL_ASSERT(!impl_->busy, "a connection carries one transaction at a time");
  if (!usable()) return Failure(FailureKind::unavailable, "the connection is lost");
  try {
    pqxx::nontransaction own(impl_->connection);
    return impl_->run(own, statement, params);
  } catch (const std::exception& error) {
    return impl_->failed(error);
  }
}

base::Status Connection::execute_script(std::string_view text) {
  SPOOL_ASSERT(!impl_->busy, "a connection carries one transaction at a time");
  if (!usable()) return Failure(FailureKind::unavailable, "the connection is lost");
  try {
    const Call call(*impl_);
    pqxx::nontransaction own(impl_->connection);
    own.exec(std::string(text));
    return {};
  } catch (const std::exception& error) {
    return impl_->failed(error);
  }
}

}  // namespace spool::postgres
