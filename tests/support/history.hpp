// Compares what was produced with what is found: the rows of drill.effects, the dead letters and
// the attempts that the handler told outside of its transactions. Knows nothing of the engine but
// its promises. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace spool::test {

// (source, id)
using EventName = std::pair<std::string, std::string>;

struct Produced {
  EventName name;
  std::string key;        // whose events keep their order
  std::int64_t fail = 0;  // so many first attempts fail; beyond the ladder: it dies
};

struct Effect {  // in the order in which they were written
  EventName name;
  std::int32_t life = 0;
  std::int32_t attempt = 1;
  std::int64_t attempted_us = 0;  // the owner's clock when it began
  std::int64_t applied_us = 0;    // the server's clock when the row was written
};

struct Death {
  EventName name;
  std::int32_t life = 0;
  std::int32_t attempts = 1;
};

struct Attempted {  // and failed
  EventName name;
  std::int32_t life = 0;
  std::int32_t attempt = 1;
  std::int64_t at_us = 0;
  std::int64_t not_before_us = 0;  // of the next one; 0: the ladder decides
};

struct History {
  std::vector<Produced> produced;  // in their order; each once
  std::int64_t ladder = 0;         // attempts that an event has
  std::vector<Effect> effects;
  std::vector<Death> deaths;
  std::vector<Attempted> attempted;
  // How often one attempt may be told of: owners that ended before its commit make it again. (A
  // first attempt also with each failed one of the events before it, if they ran in one batch: the
  // handler has told of it, and the batch is applied again without it.)
  std::int64_t times_max = 1;
};

// What contradicts the promises, in life 0, at most twenty sentences:
// - every event is applied exactly once or dies exactly once, whichever its data says;
// - the events of a key are applied in the order in which they were produced;
// - its failed attempts are numbered 1, 2, 3... without a hole, none is made beyond the ladder, and
//   none is told of oftener than `times_max` explains.
std::vector<std::string> contradictions(const History& history);

}  // namespace spool::test
