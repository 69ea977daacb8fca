#include "tests/simulation/history.hpp"

#include <algorithm>

#include "tests/simulation/trace.hpp"

namespace spool::simulation {
namespace {

using message::ErrorType;

constexpr base::EpochMicros kLongest = 3'600'000'000;  // no delay is longer
constexpr base::EpochMicros kDay = 24 * kLongest;

base::EpochMicros micros(std::chrono::milliseconds delay) {
  return std::chrono::microseconds(delay).count();
}

}  // namespace

void History::wrong(const Deed& deed, const std::string& what) {
  throw Violation("event " + std::to_string(deed.serial) + " (life " + std::to_string(deed.life) +
                  ", attempt " + std::to_string(deed.attempt) + ") " + what + " (lane " +
                  lane_.handler + "/" + std::to_string(lane_.partition) + ")");
}

std::int64_t History::offset_of(int serial) {
  const auto& entries = broker_.origin(lane_).entries;
  for (; indexed_ < entries.size(); ++indexed_) {
    if (!entries[indexed_].gap)
      offsets_.emplace(entries[indexed_].serial, static_cast<std::int64_t>(indexed_));
  }
  const auto found = offsets_.find(serial);
  if (found == offsets_.end()) throw Violation("an event of another log, or of none, was taken");
  return found->second;
}

const Entry& History::entry_of(int serial) {
  return broker_.origin(lane_).entries[static_cast<std::size_t>(offset_of(serial))];
}

std::string History::key_of(int serial, const LaneTables& tables) {
  const Entry& entry = entry_of(serial);
  const Plan& plan = broker_.plan(entry.event);
  const handler::Order order = swarm_.order(lane_.handler);
  if (order == handler::Order::none || plan.key == 0)
    return "own " + entry.identity.source + " " + entry.identity.id;
  std::string key = std::to_string(plan.key);
  // What was not admitted has no finer one.
  const bool admitted = !performs() || tables.calls.contains(entry.identity);
  if (order == handler::Order::finer_key && plan.nature != Nature::no_id && admitted)
    key += "/" + std::to_string(plan.finer);
  return key;
}

void History::begin_again(const LaneTables& tables) {
  seen_ = 0;
  lives_.clear();
  applied_.clear();
  ended_without_.clear();
  doubles_.clear();
  died_again_.clear();
  hastened_.clear();
  once_.clear();
  known_.clear();
  died_.clear();
  newest_.clear();
  for (; seen_ < tables.deeds.size(); ++seen_) note(tables.deeds[seen_], tables);
  remember_places(tables);
}

void History::take(const LaneTables& tables) {
  const std::size_t first = seen_;
  for (; seen_ < tables.deeds.size(); ++seen_) note(tables.deeds[seen_], tables);
  in_turn(tables, first);
  remember_places(tables);
}

void History::note(const Deed& deed, const LaneTables& tables) {
  if (!deed.identity.id.empty()) known_.insert(deed.identity);
  switch (deed.kind) {
    case Deed::Kind::applied:
    case Deed::Kind::found_double:
      attempt(deed);
      return effect(deed, tables);
    case Deed::Kind::failed:
      attempt(deed);
      return failure(deed);
    case Deed::Kind::died:
    case Deed::Kind::died_again:
      attempt(deed);
      return death(deed, tables);
    case Deed::Kind::revived:
      return revival(deed);
    case Deed::Kind::awakened:
      // What is admitted once more has waited for its time before.
      return require(deed.at >= plan_of(deed.serial).due || hastened_.contains(deed.serial) ||
                         (performs() && deed.life > 0),
                     deed, "woke up before its time");
    case Deed::Kind::hastened:
      require(asked_.hastened.contains(lane_.handler), deed, "was hastened by nobody");
      hastened_.insert(deed.serial);
      lives_[{deed.serial, deed.life}].earliest = 0;
      return;
    case Deed::Kind::cancelled:
      require(asked_.cancelled.contains(lane_.handler), deed, "was cancelled by nobody");
      ended_without_.insert(deed.serial);
      return calls_.without_effect(deed);
    case Deed::Kind::swallowed:
    case Deed::Kind::ended:
      ended_without_.insert(deed.serial);
      return calls_.without_effect(deed);
    case Deed::Kind::opened:
      return;
  }
}

void History::attempt(const Deed& deed) {
  Life& life = lives_[{deed.serial, deed.life}];
  require(deed.attempt == life.made + 1, deed,
          "was tried out of turn: " + std::to_string(life.made) + " attempts were made before");
  require(deed.at >= life.earliest, deed, "was tried before its time");
  require(!applied_.contains(deed.serial), deed, "was tried although it was applied");
  if (deed.life > 0)
    require(died_.contains({deed.identity, deed.life - 1}), deed, "lives, but never died before");
  require(!died_.contains({deed.identity, deed.life}) || deed.kind == Deed::Kind::died_again ||
              lane_.handler != "inbox",
          deed, "was tried although that life was over");
  if (deed.charged) ++life.made;
}

void History::effect(const Deed& deed, const LaneTables& tables) {
  const Entry& entry = entry_of(deed.serial);
  const Plan& plan = broker_.plan(entry.event);
  if (performs() && deed.kind == Deed::Kind::found_double) {
    doubles_.insert(deed.serial);  // on its way in
    return;
  }
  const Verdict should = verdict(plan, deed.life, deed.attempt, deed.at, false);
  require(should.kind == Verdict::Kind::applies || performs(), deed,
          "took effect, but should have failed");
  require(deed.at >= plan.due || (performs() && deed.life > 0) || hastened_.contains(deed.serial),
          deed, "took effect before its due time");
  if (deed.kind == Deed::Kind::found_double) {
    doubles_.insert(deed.serial);
    return;
  }
  if (performs()) calls_.done(deed);
  require(!ended_without_.contains(deed.serial), deed, "took effect although it was over");
  require(applied_.insert(deed.serial).second, deed, "took effect twice");
  if (lane_.handler != "natural")
    require(once_.insert(deed.identity).second, deed, "took effect twice, by two of its records");
  if (deed.life > 0 || plan.scheduled()) return;
  std::int64_t& newest = newest_.try_emplace(key_of(deed.serial, tables), -1).first->second;
  const std::int64_t offset = offset_of(deed.serial);
  require(offset > newest, deed, "took effect after a later event of its key");
  newest = offset;
}

void History::failure(const Deed& deed) {
  const Plan& plan = plan_of(deed.serial);
  Life& life = lives_[{deed.serial, deed.life}];
  if (life.first_failed == 0) life.first_failed = deed.at;
  if (performs()) return call_failure(deed, life);
  const auto attempt = static_cast<std::size_t>(deed.attempt);
  const bool timed_out =
      deed.type == ErrorType::handler_timeout && (swarm_.slow > 0 || plan.nature == Nature::slow);
  const Verdict should = verdict(plan, deed.life, deed.attempt, deed.at, true);
  require(timed_out || (should.kind == Verdict::Kind::fails && should.type == deed.type), deed,
          "failed as " + std::string(message::to_string(deed.type)) + ", but should not have");
  if (!deed.charged) {
    life.earliest = deed.at + (attempt == 1 ? 7'000 : 15'000);
    return;
  }
  require(attempt <= swarm_.ladder.size(), deed, "is kept although it has had all its attempts");
  life.earliest = deed.at + micros(swarm_.ladder[attempt - 1]);
  if (!timed_out && should.not_before)
    life.earliest = std::min(*should.not_before, deed.at + kLongest);
}

void History::death(const Deed& deed, const LaneTables& tables) {
  const Plan& plan = plan_of(deed.serial);
  const Verdict should = verdict(plan, deed.life, deed.attempt, deed.at, true);
  const auto attempts = static_cast<std::size_t>(deed.attempt);
  const std::string type(message::to_string(deed.type));
  bool right = should.kind == Verdict::Kind::dies && should.type == deed.type;
  if (should.kind == Verdict::Kind::fails && should.type == deed.type)
    right = attempts == swarm_.ladder.size() + 1;
  // A limit that holds for a day is a quota.
  const base::EpochMicros first = lives_[{deed.serial, deed.life}].first_failed;
  if (deed.type == ErrorType::upstream_rate_limited && first > 0)
    right |= deed.at + kLongest - first > kDay;
  if (deed.type == ErrorType::handler_timeout)
    right =
        attempts == swarm_.ladder.size() + 1 && (swarm_.slow > 0 || plan.nature == Nature::slow);
  if (deed.type == ErrorType::handler_crash) {
    const auto ends = tables.ends_alone.find({deed.serial, deed.life});
    right = ends != tables.ends_alone.end() && ends->second >= delivery::kEndsToDie;
  }
  if (performs()) {
    right |= call_death(deed);
    calls_.without_effect(deed);
  }
  require(right, deed, "died as " + type + ", but should not have");
  if (deed.kind == Deed::Kind::died_again) {
    died_again_.insert(deed.serial);
    return;
  }
  require(died_.insert({deed.identity, deed.life}).second, deed, "died twice in one life");
}

void History::revival(const Deed& deed) {
  const Letter letter{deed.identity, deed.life - 1};
  require(died_.contains(letter), deed, "begins a new life, but did not die");
  require(asked_.replays.contains({lane_.handler, letter}), deed,
          "begins a new life, and nobody had asked for it");
  require(lives_.emplace(std::pair{deed.serial, deed.life}, Life{}).second, deed,
          "begins the same life twice");
}

// The service fails as it pleases; when it is tried again is the ladder's doing.
void History::call_failure(const Deed& deed, Life& life) const {
  const auto attempt = static_cast<std::size_t>(deed.attempt);
  const bool more = attempt <= swarm_.ladder.size();
  if (deed.charged && !more && !deed.in_doubt)
    throw Violation(deed.identity.id + " is kept although it has had all its attempts");
  if (deed.type == ErrorType::upstream_auth) {
    life.earliest = deed.at + 7'000;
  } else if (deed.type == ErrorType::upstream_rate_limited) {
    life.earliest = deed.at;
  } else {
    life.earliest = deed.at + micros(more ? swarm_.ladder[attempt - 1] : swarm_.ladder.back());
  }
}

bool History::call_death(const Deed& deed) {
  const auto attempts = static_cast<std::size_t>(deed.attempt);
  const bool slow = swarm_.slow > 0 || plan_of(deed.serial).nature == Nature::slow;
  const bool timed_out = deed.type == ErrorType::handler_timeout && slow;
  const bool service = deed.type == ErrorType::upstream_network ||
                       deed.type == ErrorType::upstream_timeout ||
                       deed.type == ErrorType::upstream_unavailable;
  return timed_out || (service && attempts > swarm_.ladder.size());
}

// Of the newest transaction: whoever took effect was the first of its key. Where deaths hold, so
// was whoever died.
void History::in_turn(const LaneTables& tables, std::size_t first) {
  for (std::size_t i = first; i < tables.deeds.size(); ++i) {
    const Deed& deed = tables.deeds[i];
    const bool died = deed.kind == Deed::Kind::died && swarm_.holds(lane_.handler);
    if (deed.kind != Deed::Kind::applied && !died) continue;
    const std::string what = died ? "died" : "took effect";
    const std::string key = key_of(deed.serial, tables);
    const auto place = places_.find(deed.serial);
    if (place == places_.end()) {
      const bool held = std::any_of(places_.begin(), places_.end(),
                                    [&](const auto& open) { return open.second.key == key; });
      require(!held, deed, what + " while its key was held");
      continue;
    }
    for (const auto& [number, kept] : tables.open) {
      const bool before = number < place->second.number &&
                          kept.row.state != delivery::OpenState::scheduled &&
                          key_of(kept.serial, tables) == key;
      require(!before, deed, what + " before what stands before it");
    }
  }
}

void History::remember_places(const LaneTables& tables) {
  places_.clear();
  for (const auto& [number, kept] : tables.open) {
    if (kept.row.state != delivery::OpenState::scheduled)
      places_.insert_or_assign(kept.serial, Place{number, key_of(kept.serial, tables)});
  }
}

}  // namespace spool::simulation
