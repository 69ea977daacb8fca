// The keys of each handler, under [handlers.<name>].
#include <algorithm>
#include <chrono>

#include "engine/config/key_list.hpp"
#include "engine/message/error_type.hpp"

namespace spool::config {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKiB = 1LL << 10;
constexpr std::int64_t kGiB = 1LL << 30;
constexpr std::int64_t kKeyEventsMax = 20'000;

// A retry waits in a topic, and topics keep their records for a week.
Shape delay() {
  return duration(1ms, 24h * 7);
}

std::string known_words() {
  std::string words;
  for (const std::string& type : error_types()) words += (words.empty() ? "" : ", ") + type;
  return words;
}

// `at` finds the handler's settings in a Settings, const or not.
template <typename At>
void retry_keys(KeyList& list, At at) {
  list.add(
      "retry.delays", list_of(delay(), 1), [at](auto& s) -> auto& { return at(s).retry.delays; },
      "How long an event waits after each attempt that failed; after the last of them it is a dead "
      "letter. Each length has a topic of its own, which must exist: topic with \".retry.60s\" for "
      "1m.");
  list.add(
      "retry.max_delay", delay(), [at](auto& s) -> auto& { return at(s).retry.max_delay; },
      "No attempt waits longer, also when a service asks for it.");
  list.add(
      "retry.jitter", ratio(), [at](auto& s) -> auto& { return at(s).retry.jitter; },
      "Waits grow by up to this share of themselves, so that what failed together does not come "
      "back together.");
  list.add(
      "retry.permanent",
      list_of(pattern(error_types())), [at](auto& s) -> auto& { return at(s).retry.permanent; },
      "Error types after which no attempt is made again, or beginnings of them with '*' behind, "
      "besides those with which it would never help. There are " +
          known_words() + ".");
  for (const std::string& type : error_types()) {
    list.add_optional(
        "retry.classes." + type + ".delays", list_of(delay()),
        [ at, type ](auto& s) -> auto& { return at(s).retry.classes.at(type).delays; },
        "retry.classes.<error type>.delays, for instance "
        "retry.classes.upstream.rate_limited.delays = [\"1m\", \"5m\"]: the waits of this error "
        "type, whatever retry.delays and retry.permanent say. An empty list: no attempt is made "
        "again.");
  }
  for (const std::string& type : error_types()) {
    list.add_optional(
        "retry.classes." + type + ".ttl", duration(0ms, 24h * 3650),
        [ at, type ](auto& s) -> auto& { return at(s).retry.classes.at(type).ttl; },
        "retry.classes.<error type>.ttl, for instance retry.classes.upstream.rate_limited.ttl = "
        "\"2h\": no attempt is made later than that after the first one that failed. 0ms: no "
        "limit.");
  }
}

template <typename At>
void valve_keys(KeyList& list, At at) {
  list.add(
      "valve.streak",
      count(0, 1'000'000'000), [at](auto& s) -> auto& { return at(s).valve.streak; },
      "After so many dead letters in a row a partition waits instead of making more. 0: never.");
  list.add(
      "valve.ratio", ratio(), [at](auto& s) -> auto& { return at(s).valve.ratio; },
      "The same when this share of its last events died. 0: never.");
  list.add(
      "valve.window",
      count(1, 1'000'000'000), [at](auto& s) -> auto& { return at(s).valve.window; },
      "How many events that share is of.");
  list.add(
      "valve.shut_for",
      duration(100ms, 10min), [at](auto& s) -> auto& { return at(s).valve.shut_for; },
      "How long it waits at first, before it tries a few; doubles with every trial in which all "
      "die, up to 10m.");
}

template <typename At>
void bound_keys(KeyList& list, At at) {
  list.add(
      "open_events_max",
      count(1, 1'000'000'000), [at](auto& s) -> auto& { return at(s).open_events_max; },
      "Events of one partition that may wait in the database, for a retry or behind their key. At "
      "the bound its topic is not read on.");
  list.add(
      "open_bytes_max",
      size(64 * kKiB, 1'024 * kGiB), [at](auto& s) -> auto& { return at(s).open_bytes_max; },
      "The same in bytes.");
  list.add(
          "key_events_max",
          count(1, 1'000'000'000), [at](auto& s) -> auto& { return at(s).key_events_max; },
          "The same of one key; at most open_events_max. Default: 20000, or open_events_max if "
          "that is less.")
      .derive = [at](Settings& s) {
    at(s).key_events_max = std::min(kKeyEventsMax, at(s).open_events_max);
  };
  list.add(
      "drain_batch", count(1, 1'000'000), [at](auto& s) -> auto& { return at(s).drain_batch; },
      "Of the events that waited behind a key, one transaction takes at most so many. Large: a "
      "longer hold of the partition's row.");
  list.add(
      "drain_bytes_max",
      size(64 * kKiB, 1 * kGiB), [at](auto& s) -> auto& { return at(s).drain_bytes_max; },
      "The same in bytes.");
}

}  // namespace

void handler_keys(KeyList& list, const KnownHandler& handler) {
  const std::string name = handler.name;
  const auto at = [name](auto& s) -> auto& {
    return s.handlers.at(name);
  };
  list.section("handlers." + name);
  Key& enabled = list.add(
      "enabled", flag(), [at](auto& s) -> auto& { return at(s).enabled; },
      "Whether this program runs the handler." +
          (handler.needs.empty() ? "" : " Default: true, where " + handler.needs + " is set."));
  if (handler.ready)
    enabled.derive = [at, ready = handler.ready](Settings& s) { at(s).enabled = ready(s); };
  list.add(
      "topic", topic(), [at](auto& s) -> auto& { return at(s).topic; },
      "Where its events come from.");
  list.add(
      "group", topic(), [at](auto& s) -> auto& { return at(s).group; },
      "Its consumer group. Another name reads nothing again: the database holds the position.");
  list.add(
          "dlt.topic", topic(), [at](auto& s) -> auto& { return at(s).dlt_topic; },
          "Where events go that cannot be applied. Default: topic with \".dlt\".")
      .derive = [at](Settings& s) { at(s).dlt_topic = at(s).topic + ".dlt"; };
  list.add(
      "timeout", duration(100ms, 1h), [at](auto& s) -> auto& { return at(s).timeout; },
      "How long one attempt at an event may take.");
  if (handler.performs) {
    list.add(
        "concurrency", count(1, 10'000), [at](auto& s) -> auto& { return at(s).concurrency; },
        "Calls that one worker has under way at once.");
    list.add(
        "key_concurrency",
        count(1, 10'000), [at](auto& s) -> auto& { return at(s).key_concurrency; },
        "The same of one Kafka key (of one user).");
  }
  retry_keys(list, at);
  list.add(
      "after_death",
      choice({"release", "hold"}), [at](auto& s) -> auto& { return at(s).after_death; },
      "release: the later events of a key go on without its dead one. hold: they wait until an "
      "operator has decided what becomes of it.");
  valve_keys(list, at);
  bound_keys(list, at);
  for (const HandlerOption& option : handler.options) {
    list.add(
        option.name, option.shape,
        [ at, key = option.name ](auto& s) -> auto& { return at(s).options.at(key); }, option.doc);
  }
}

const std::vector<std::string>& error_types() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> all;
    for (const message::ErrorType type : message::error_types())
      all.emplace_back(message::to_string(type));
    return all;
  }();
  return words;
}

}  // namespace spool::config
