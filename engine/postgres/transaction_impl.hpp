// Inside of this folder only: a transaction of the driver and the session that it runs on.
#pragma once

#include <optional>

#include "engine/postgres/session.hpp"
#include "engine/postgres/transaction.hpp"

namespace spool::postgres {

struct Transaction::Impl {
  explicit Impl(Connection::Impl& owner) : session(owner), work(std::in_place, owner.connection) {
    session.busy = true;
  }
  ~Impl() {
    {
      const Call call(session);  // a rollback, unless it was committed
      work.reset();
    }
    session.busy = false;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Status script(std::string_view text);

  Connection::Impl& session;
  std::optional<pqxx::work> work;  // there until the end
  std::optional<base::Failure> failure;
};

}  // namespace spool::postgres
