#include "tests/support/history.hpp"

#include <algorithm>
#include <cstddef>

namespace spool::test {
namespace {

constexpr std::size_t kSentencesMax = 20;

struct Found {
  std::int64_t place = -1;  // among all that was produced
  const Produced* produced = nullptr;
  std::int64_t failures_before = 0;  // attempts of the events before it under its key
  std::int64_t effects = 0;
  std::int64_t effect_attempt = 0;
  std::int64_t deaths = 0;
  std::int64_t death_attempts = 0;
  std::map<std::int64_t, std::int64_t> attempted;  // number, how often
};

class Checker {
 public:
  explicit Checker(const History& history) : history_(history) {}

  std::vector<std::string> run() {
    collect();
    for (const auto& [name, found] : events_) check(name, found);
    check_order();
    return std::move(sentences_);
  }

 private:
  void collect() {
    std::map<std::string, std::int64_t> failures;  // by key
    for (std::size_t i = 0; i < history_.produced.size(); ++i) {
      Found& found = events_[history_.produced[i].name];
      found.place = static_cast<std::int64_t>(i);
      found.produced = &history_.produced[i];
      std::int64_t& before = failures[found.produced->key];
      found.failures_before = before;
      before += std::min(found.produced->fail, history_.ladder);
    }
    for (const Effect& effect : history_.effects) {
      if (effect.life != 0) continue;
      ++events_[effect.name].effects;
      events_[effect.name].effect_attempt = effect.attempt;
    }
    for (const Death& death : history_.deaths) {
      if (death.life != 0) continue;
      ++events_[death.name].deaths;
      events_[death.name].death_attempts = death.attempts;
    }
    for (const Attempted& attempted : history_.attempted) {
      if (attempted.life == 0) ++events_[attempted.name].attempted[attempted.attempt];
    }
  }

  void check(const EventName& name, const Found& found) {
    if (found.produced == nullptr) return say(name, "nobody produced it");
    const bool dies = found.produced->fail >= history_.ladder;
    const std::int64_t failures = std::min(found.produced->fail, history_.ladder);
    expect(name, "is applied", found.effects, dies ? 0 : 1);
    expect(name, "dies", found.deaths, dies ? 1 : 0);
    if (found.effects > 0)
      expect(name, "is applied at attempt", found.effect_attempt, failures + 1);
    if (found.deaths > 0) expect(name, "dies after attempts", found.death_attempts, failures);
    expect(name, "has distinct failed attempts", static_cast<std::int64_t>(found.attempted.size()),
           failures);
    for (const auto& [number, times] : found.attempted) {
      if (number < 1 || number > failures)
        say(name, "has an attempt " + std::to_string(number) + " that should not have been made");
      const std::int64_t companions = number == 1 ? found.failures_before : 0;
      const std::int64_t explained = history_.times_max * (1 + companions);
      if (times > explained) {
        say(name, "attempt " + std::to_string(number) + " was made " + std::to_string(times) +
                      " times, at most " + std::to_string(explained) + " are explained");
      }
    }
  }

  void check_order() {
    std::map<std::string, std::int64_t> newest;  // by key, the last place that was applied
    for (const Effect& effect : history_.effects) {
      const Found& found = events_[effect.name];
      if (effect.life != 0 || found.produced == nullptr) continue;
      const auto [last, first] = newest.emplace(found.produced->key, found.place);
      if (first) continue;
      if (found.place < last->second)
        say(effect.name, "was applied after a later event of its key " + found.produced->key);
      last->second = std::max(last->second, found.place);
    }
  }

  void expect(const EventName& name, const std::string& what, std::int64_t is,
              std::int64_t should_be) {
    if (is != should_be)
      say(name, what + " " + std::to_string(is) + ", not " + std::to_string(should_be));
  }

  void say(const EventName& name, const std::string& what) {
    if (sentences_.size() < kSentencesMax)
      sentences_.push_back(name.first + " " + name.second + ": " + what);
  }

  const History& history_;
  std::map<EventName, Found> events_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::vector<std::string> contradictions(const History& history) {
  return Checker(history).run();
}

}  // namespace spool::test
