#include "tests/simulation/swarm.hpp"

namespace spool::simulation {
namespace {

// Off in half of the worlds.
int sometimes(Random& random, int most) {
  return random.chance(500) ? 0 : random.between(1, most);
}

// Off in most of them.
int seldom(Random& random, int most) {
  return random.chance(800) ? 0 : random.between(1, most);
}

void draw_handlers(Swarm& swarm, Random& random) {
  std::erase_if(swarm.handlers, [&](const std::string&) { return random.chance(400); });
  if (swarm.handlers.empty()) swarm.handlers = {random.chance(500) ? "ledger" : "inbox"};
  constexpr handler::Order kOrders[] = {handler::Order::kafka_key, handler::Order::finer_key,
                                        handler::Order::none};
  swarm.inbox_order = kOrders[random.below(3)];
  swarm.hold = random.chance(300);
  swarm.ladder.clear();
  const int rungs = random.between(1, 3);
  for (int i = 0; i < rungs; ++i) swarm.ladder.emplace_back(random.between(5, 50));
  swarm.open_events_max = random.chance(700) ? 1'000 : random.between(4, 12);
  swarm.key_events_max = random.chance(700) ? 1'000 : random.between(2, 6);
  swarm.small_valve = random.chance(200);
}

void draw_events(Swarm& swarm, Random& random) {
  swarm.produce = random.between(50, 350);
  swarm.gap = sometimes(random, 150);
  swarm.duplicate = sometimes(random, 200);
  swarm.keyless = seldom(random, 300);
  swarm.flaw = sometimes(random, 250);
  swarm.transient = sometimes(random, 300);
  swarm.stubborn = random.between(0, 600);
  swarm.scheduled = random.chance(650) ? 0 : random.between(50, 350);
  swarm.service = seldom(random, 300);
  swarm.login = seldom(random, 200);
  swarm.slow_event = random.chance(60) ? random.between(1, 60) : 0;
  swarm.late = sometimes(random, 300);
  swarm.service_down = swarm.service > 0 ? random.between(5, 40) : 0;
  swarm.command = sometimes(random, 80);
  swarm.hand = sometimes(random, 60);
  swarm.years = seldom(random, 3);
}

void draw_faults(Swarm& swarm, Random& random) {
  swarm.refetch = sometimes(random, 200);
  swarm.eof = random.between(0, 800);
  swarm.refuse = random.chance(200) ? random.between(50, 300) : 0;
  swarm.answer_lost = sometimes(random, 400);
  swarm.reassign = sometimes(random, 30);
  swarm.learn = random.between(30, 600);
  swarm.worker_crash = sometimes(random, 30);
  swarm.interleave = sometimes(random, 200);
  swarm.cut = sometimes(random, 60);
  swarm.database_crash = sometimes(random, 15);
  swarm.database_down = sometimes(random, 8);
  swarm.failover = random.chance(250) ? random.between(1, 10) : 0;
  swarm.unnoticed = random.between(0, 1000);
  swarm.flush = sometimes(random, 60);
  swarm.unavailable = sometimes(random, 40);
  swarm.slow = sometimes(random, 40);
  swarm.conflict = sometimes(random, 80);
  swarm.schema = sometimes(random, 20);
  swarm.refused_statement = random.chance(200) ? random.between(1, 20) : 0;
  swarm.in_doubt = sometimes(random, 80);
  swarm.take_restarts_seq = random.chance(500);
  swarm.retention = random.chance(150) ? random.between(2, 10) : 0;
  swarm.retry_retention = seldom(random, 60);
  if (swarm.retention == 0 && random.chance(150)) {
    // A stranger's log is recognised by the record before the position. Where there was none, or
    // where the database went back to having none, nobody can tell.
    swarm.recreate = random.between(2, 10);
    if (random.chance(500)) swarm.gap = random.between(100, 400);
    swarm.failover = 0;
    swarm.refetch = 0;
    swarm.hand = 0;
  }
  swarm.accept_loss = swarm.retention > 0 ? sometimes(random, 60) : 0;
  swarm.row_held = random.chance(300) ? random.between(100, 800) : 0;
}

// From a source of its own: worlds in which nobody performs stay what they were.
void draw_calls(Swarm& swarm, Random random) {
  if (!random.chance(250)) return;
  if (random.chance(700)) swarm.handlers.clear();
  swarm.handlers.emplace_back("calls");
  swarm.call_grace = std::chrono::milliseconds(random.between(20, 200));
  const bool patient = random.chance(200);
  swarm.call_timeout =
      std::chrono::milliseconds(patient ? random.between(1'000, 3'000) : random.between(30, 300));
  swarm.calls_max = random.below(8) + 1;
  swarm.calls_of_group_max = random.below(3) + 1;
  swarm.call_budget = random.chance(250) ? random.between(1, 4) : 0;
  swarm.swallows = sometimes(random, 250);
  swarm.ends = sometimes(random, 100);
  swarm.call_refused = sometimes(random, 200);
  swarm.call_lost = sometimes(random, 150);
  swarm.answer_cut = random.chance(250) ? 600 : sometimes(random, 200);
  swarm.answer_unheard = sometimes(random, 150);
  swarm.ask_failed = sometimes(random, 300);
  swarm.call_deaf = random.chance(500) ? random.between(200, 800) : 0;
  swarm.call_declined = seldom(random, 200);
  swarm.freeze = sometimes(random, 15);
  swarm.shutdown = seldom(random, 10);
  // A database that is set back is recognised by a number that never goes back by itself. What the
  // log has lost besides, and what is published again later, nobody can be asked about; and for
  // want of room the log might not be heard out before the first call.
  swarm.take_restarts_seq = false;
  if (swarm.recreate == 0 && random.chance(300)) swarm.failover = random.between(3, 20);
  if (swarm.failover == 0) return;
  swarm.retention = swarm.accept_loss = 0;
  swarm.open_events_max = swarm.key_events_max = 1'000;
  swarm.steps *= 3;
  if (random.chance(500)) swarm.swallows = 250;  // what is forgotten, and known to the log alone
}

}  // namespace

Swarm Swarm::draw(Random& random) {
  Swarm swarm;
  swarm.workers = random.between(1, 3);
  swarm.partitions = random.between(1, 2);
  swarm.keys = random.between(1, 4);
  swarm.steps = random.between(200, 900);
  swarm.records_max = random.between(10, 60);
  draw_handlers(swarm, random);
  draw_events(swarm, random);
  draw_faults(swarm, random);
  if (random.chance(80)) {
    // Every end costs a step of the search for the culprit: small worlds, few other ends.
    swarm.deadly = random.between(20, 80);
    swarm.records_max = std::min(swarm.records_max, 25);
    swarm.worker_crash = seldom(random, 10);
    swarm.same_machine = random.chance(300);
  }
  // By what is drawn already: one draw more would make another world of every seed.
  if (swarm.steps % 4 == 0) swarm.gather = std::chrono::milliseconds(1);
  draw_calls(swarm, random.split(0));
  return swarm;
}

}  // namespace spool::simulation
