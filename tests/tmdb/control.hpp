// The routes under /_standin, for tests and demonstrations: faults, users, what others do to
// lists, and what took place. They are no requests of the API: no faults, no log. One thread.
#pragma once

#include "tests/tmdb/message.hpp"

namespace spool::standin {

struct State;

struct Controlled {
  Delivery delivery = {};
  bool reset = false;  // everything is to be forgotten
};

Controlled control(State& state, const Request& request, const Moment& at);

}  // namespace spool::standin
