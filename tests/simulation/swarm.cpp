#include "tests/simulation/swarm.hpp"

namespace spool::simulation {
namespace {

// Off in half of the worlds.
int sometimes(Random& random, int most) {
  return random.chance(500) ? 0 : random.between(1, most);
}

}  // namespace

Swarm Swarm::draw(Random& random) {
  Swarm swarm;
  swarm.workers = random.between(1, 3);
  swarm.partitions = random.between(1, 2);
  swarm.keys = random.between(1, 4);
  swarm.steps = random.between(200, 900);
  swarm.records_max = random.between(10, 60);
  swarm.produce = random.between(50, 250);
  swarm.gap = sometimes(random, 150);
  swarm.duplicate = sometimes(random, 200);
  swarm.flaw = sometimes(random, 250);
  swarm.late = sometimes(random, 300);
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
  if (swarm.retention == 0 && random.chance(150)) {
    // A stranger's log is recognised by the record before the position. Where there was none, or
    // where the database went back to having none, nobody can tell.
    swarm.recreate = random.between(2, 10);
    swarm.gap = 0;
    swarm.failover = 0;
    swarm.refetch = 0;
  }
  return swarm;
}

}  // namespace spool::simulation
