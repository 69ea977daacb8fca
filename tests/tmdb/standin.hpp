// The whole stand-in without a network: a request in, an answer and the way it leaves out. A
// request comes in two steps, because its effect may be late. One thread.
#pragma once

#include <cstdint>
#include <string>

#include "tests/tmdb/accounts.hpp"
#include "tests/tmdb/api.hpp"
#include "tests/tmdb/faults.hpp"
#include "tests/tmdb/ledger.hpp"
#include "tests/tmdb/message.hpp"
#include "tests/tmdb/world.hpp"

namespace spool::standin {

struct Settings {
  AccountSettings accounts = {};
  std::uint64_t seed = 1;               // of the faults
  std::int64_t latency_ms = 0;          // of every answer of the API
  std::int64_t first_list = 8'200'001;  // its id; those of the others follow
};

// All that a reset forgets.
struct State {
  explicit State(const Settings& settings)
      : accounts(settings.accounts), world(settings.first_list), faults(settings.seed) {}

  Accounts accounts;
  World world;
  Faults faults;
  RequestLog requests;
};

// What was decided when the request arrived.
struct Ticket {
  bool control = false;
  Found found = {};
  Met met = {};
  std::size_t number = 0;      // in the log of requests
  std::uint64_t lifetime = 0;  // between two resets
};

class Standin {
 public:
  explicit Standin(Settings settings) : settings_(std::move(settings)), state_(settings_) {}

  Ticket arrive(const Request& request, const Moment& at);
  // To be called `ticket.met.late_effect_ms` later; `at` is that time.
  Delivery perform(const Request& request, const Ticket& ticket, const Moment& at);

 private:
  Delivery with_faults(const Request& request, const Ticket& ticket, const Moment& at);
  Answer call_api(const Request& request, const Ticket& ticket, const Moment& at);

  Settings settings_;
  State state_;
  std::uint64_t lifetime_ = 0;
};

}  // namespace spool::standin
