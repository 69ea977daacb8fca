// Expected failures are values. A Failure says what class of thing went wrong (which decides what
// is done about it), and a text for people. Result<T> is a T or a Failure; Result<void> is Status.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/assert.hpp"

namespace spool::base {

// What a failure of the engine's own work means. What may be wrong with a single event is
// handler::ErrorType, another list.
enum class FailureKind {
  unavailable,  // a dependency is away or overloaded: wait and try again, nobody is to blame
  conflict,     // deadlock, serialization: the same again at once, a few times
  slow,         // statement timeout, lock timeout, out of memory: wait; suspect after repeats
  bad_data,     // the database refuses a value of an event: some event is to blame
  fenced,       // another owner, or a database that went back: write nothing, forget the lane
  in_doubt,     // the connection was lost during COMMIT: nobody knows, ask the database
  schema,       // our own fault (missing table, missing right, bug): stop, alert, blame no event
  position,     // the log no longer has the position that the database remembers
  invalid,      // bad input of a person: a flag, a configuration key, a file
  not_found,    // what was asked for does not exist
  refused,      // Kafka refuses this one record for good (too large, not authorised)
  stopped,      // cancelled by a shutdown or a revocation
};

const char* to_string(FailureKind kind);

struct Failure {
  FailureKind kind;
  std::string text;      // for people; never holds a secret or a payload
  std::string sqlstate;  // where PostgreSQL said so, else empty

  Failure(FailureKind k, std::string t, std::string state = {})
      : kind(k), text(std::move(t)), sqlstate(std::move(state)) {}
};

template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose: `return value;` and `return Failure{...};` read as what they are.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    SPOOL_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(state_);
  }
  const T& value() const& {
    SPOOL_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(state_);
  }
  T&& value() && {
    SPOOL_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Failure& failure() const {
    SPOOL_ASSERT(!ok(), "failure() of a good result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Failure> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : failure_(std::move(failure)) {}

  bool ok() const { return !failure_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Failure& failure() const {
    SPOOL_ASSERT(!ok(), "failure() of a good result");
    return *failure_;
  }

 private:
  std::optional<Failure> failure_;
};

using Status = Result<void>;

}  // namespace spool::base
