// What kind of world a seed gives: how many of everything, and how often each fault strikes. Drawn
// from the seed, so that some worlds have one fault only, and often; others all of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "engine/handler/handler.hpp"
#include "tests/simulation/sim_random.hpp"

namespace spool::simulation {

// Rates are per thousand.
struct Swarm {
  int workers = 2;
  int partitions = 1;  // of each handler
  int keys = 3;        // of each partition
  int steps = 500;
  int records_max = 60;  // of each partition

  std::vector<std::string> handlers{"ledger", "natural", "inbox"};
  handler::Order inbox_order = handler::Order::kafka_key;
  bool hold = false;  // deaths of `ledger` and `inbox` go on holding their key
  std::vector<std::chrono::milliseconds> ladder{std::chrono::milliseconds(10)};
  std::chrono::milliseconds gather{0};  // what comes so soon after a run waits to go together

  int produce = 0;            // of the world's steps
  int gap = 0;                // of the offsets: control records
  int duplicate = 0;          // of the events: published once more
  int keyless = 0;            // of the events
  int flaw = 0;               // of the events: cannot be applied
  int transient = 0;          // of the events: fail a few times
  int stubborn = 0;           // of those: more often than the ladder allows
  int scheduled = 0;          // of the events
  int service = 0;            // of the events: need a service that may be away
  int login = 0;              // of the events: wait for somebody who logs in
  int slow_event = 0;         // of the events: too slow, whatever they are applied with
  int deadly = 0;             // of the events: end the process that runs them
  bool same_machine = false;  // a process that ends takes the database with it, which comes back
  int late = 0;               // of the events: an older version
  int refetch = 0;            // of the fetches: begins below the position
  int eof = 0;                // of the fetches that reach the end: the consumer says so
  int refuse = 0;             // of the published rows: refused for good
  int answer_lost = 0;        // of the published rows

  int reassign = 0;        // of the world's steps
  int learn = 0;           // of a worker's steps, when the group has news for it: low means zombies
  int worker_crash = 0;    // of the points of a transaction
  int interleave = 0;      // of the points of a transaction: others go on meanwhile
  int cut = 0;             // of the points of a transaction: its connection
  int database_crash = 0;  // of the world's steps, and of the points of a transaction
  int database_down = 0;   // of the world's steps
  int failover = 0;        // of the world's steps: to a replica that is behind
  int unnoticed = 0;       // of the connections, when the database crashes: not told
  int flush = 0;           // of the world's steps
  int retention = 0;       // of the world's steps
  int retry_retention = 0;  // of the world's steps: retry records expire
  int recreate = 0;         // of the world's steps
  int accept_loss = 0;      // of the world's steps: an operator gives up what a lane has lost
  int service_down = 0;     // of the world's steps
  int command = 0;          // of the world's steps: an operator asks for something
  int hand = 0;             // of the world's steps: somebody publishes a dead letter's copy
  int years = 0;            // of the world's steps: nothing happens for three of them

  int unavailable = 0;  // of the statements, as the four below
  int slow = 0;
  int conflict = 0;
  int schema = 0;
  int refused_statement = 0;  // bad_data of a statement that no event has a part in
  int in_doubt = 0;           // of the commits
  int row_held = 0;           // of the takings: a session that is gone still holds the row

  // Of the handler that performs.
  std::chrono::milliseconds call_grace{100};
  std::chrono::milliseconds call_timeout{200};
  std::size_t calls_max = 8;  // at once, of a process
  std::size_t calls_of_group_max = 4;
  int call_budget = 0;     // permits that come in 10 ms; 0: nobody needs one
  int swallows = 0;        // of its events
  int ends = 0;            // of its events
  int call_refused = 0;    // of the calls: no connection
  int call_lost = 0;       // of the calls: never arrive, and nobody says so
  int answer_cut = 0;      // of the calls: the connection breaks before the answer
  int answer_unheard = 0;  // of the calls: nothing is heard in time
  int call_deaf = 0;       // of the calls: their end is heard of very late
  int ask_failed = 0;      // of the questions
  int call_declined = 0;   // of the calls: its caller makes none
  int freeze = 0;          // of the world's steps: nobody moves for a while, or one does not
  int shutdown = 0;        // of the world's steps: a process ends in good order

  bool take_restarts_seq = false;  // the rule allows both
  int open_events_max = 1'000;     // of a lane
  int key_events_max = 1'000;
  bool small_valve = false;

  static Swarm draw(Random& random);
  bool holds(const std::string& handler) const {
    return hold && handler != "natural" && handler != "calls";
  }
  handler::Order order(const std::string& handler) const {
    if (handler == "calls") return handler::Order::finer_key;
    return handler == "inbox" ? inbox_order : handler::Order::kafka_key;
  }
  bool performs() const {
    return std::find(handlers.begin(), handlers.end(), "calls") != handlers.end();
  }
};

}  // namespace spool::simulation
