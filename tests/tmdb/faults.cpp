#include "tests/tmdb/faults.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/tmdb/status_codes.hpp"

namespace spool::standin {
namespace {

using base::Failure;
using base::FailureKind;

constexpr std::array kNames{
    std::pair{"latency_ms", FaultKind::latency_ms},
    std::pair{"late_effect_ms", FaultKind::late_effect_ms},
    std::pair{"status", FaultKind::status},
    std::pair{"rate_limited", FaultKind::rate_limited},
    std::pair{"html_429", FaultKind::html_429},
    std::pair{"html_200", FaultKind::html_200},
    std::pair{"delete_500_11", FaultKind::delete_500_11},
    std::pair{"drop_answer_after_write", FaultKind::drop_answer_after_write},
    std::pair{"reset_before", FaultKind::reset_before},
    std::pair{"reset_after", FaultKind::reset_after},
    std::pair{"truncated_page", FaultKind::truncated_page},
    std::pair{"trickle", FaultKind::trickle},
    std::pair{"total_pages_over_500", FaultKind::total_pages_over_500},
    std::pair{"null_ids", FaultKind::null_ids},
    std::pair{"refuse", FaultKind::refuse},
};
constexpr double kFractionBits = 9007199254740992.0;  // 2^53

// One member of a rule; false if its value cannot be meant so.
bool take(FaultRule& rule, std::string_view name, const json::value& value) {
  if (name == "route" || name == "kind") {
    if (!value.is_string()) return false;
    const std::string word(value.get_string().data(), value.get_string().size());
    if (name == "route") {
      rule.route = word;
      return !word.empty();
    }
    const auto* found =
        std::ranges::find_if(kNames, [&](const auto& known) { return word == known.first; });
    if (found == kNames.end()) return false;
    rule.kind = found->second;
    return true;
  }
  if (name == "clean") {
    if (!value.is_bool()) return false;
    rule.clean = value.get_bool();
    return true;
  }
  if (name == "probability") {
    boost::system::error_code error;
    rule.probability = value.to_number<double>(error);
    return !error && *rule.probability >= 0 && *rule.probability <= 1;
  }
  if (!value.is_int64() || value.get_int64() < 0) return false;
  const std::int64_t number = value.get_int64();
  if (name == "every_nth") return (rule.every_nth = number) > 0;
  if (name == "status") return (rule.status = static_cast<int>(number)).has_value();
  if (name == "code") {
    rule.code = static_cast<int>(number);
    return find_status_code(rule.code) != nullptr;
  }
  if (name == "bytes") return (rule.bytes = number) > 0;
  if (name == "count") return (rule.count = number).has_value();
  if (name == "retry_after") return (rule.retry_after_s = number).has_value();
  if (name == "total_pages") return (rule.total_pages = number) > 0;
  if (name == "skip") return (rule.skip = number) >= 0;
  if (name == "ms") return (rule.ms = number) > 0;
  return false;
}

base::Result<FaultRule> parse_rule(const json::value& value) {
  const auto invalid = [](const std::string& why) {
    return Failure(FailureKind::invalid, "fault rule: " + why);
  };
  if (!value.is_object()) return invalid("not an object");
  const json::object& members = value.get_object();
  if (!members.contains("route") || !members.contains("kind")) return invalid("no route or kind");
  FaultRule rule;
  for (const auto& member : members) {
    const std::string name(member.key().data(), member.key().size());
    if (!take(rule, name, member.value())) return invalid("bad member " + name);
  }
  if (rule.probability && rule.every_nth > 0) return invalid("probability or every_nth");
  const bool timed = rule.kind == FaultKind::latency_ms || rule.kind == FaultKind::late_effect_ms ||
                     rule.kind == FaultKind::trickle;
  if (timed && rule.ms == 0) return invalid(std::string(to_string(rule.kind)) + " needs ms");
  return rule;
}

}  // namespace

const char* to_string(FaultKind kind) {
  return std::ranges::find(kNames, kind, [](const auto& known) { return known.second; })->first;
}

bool FaultRule::covers(std::string_view of_route) const {
  if (!route.ends_with('*')) return route == of_route;
  return of_route.starts_with(std::string_view(route).substr(0, route.size() - 1));
}

base::Status Faults::set(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return Failure(FailureKind::invalid, "fault rules: " + error.message());
  std::uint64_t seed = seed_;
  const json::array* rules = value.if_array();
  if (const json::object* object = value.if_object()) {
    if (const auto given = whole_number(*object, "seed")) seed = static_cast<std::uint64_t>(*given);
    const json::value* member = object->if_contains("rules");
    rules = member == nullptr ? nullptr : member->if_array();
  }
  if (rules == nullptr) return Failure(FailureKind::invalid, "fault rules: no array of rules");
  std::vector<Armed> armed;
  for (const json::value& one : *rules) {
    base::Result<FaultRule> rule = parse_rule(one);
    if (!rule) return rule.failure();
    std::seed_seq stream{seed & 0xffffffffU, seed >> 32U, std::uint64_t{armed.size()}};
    armed.push_back({std::move(*rule), std::mt19937_64(stream)});
  }
  armed_ = std::move(armed);
  return {};
}

bool Faults::Armed::fires() {
  ++seen;
  bool meant = seen > rule.skip;
  // Drawn for every request, so that `skip` and `count` move nobody else's luck.
  if (rule.probability) {
    const double drawn = static_cast<double>(chance() >> 11U) / kFractionBits;
    meant = meant && drawn < *rule.probability;
  }
  if (rule.every_nth > 0) meant = meant && (seen - rule.skip) % rule.every_nth == 0;
  if (rule.count) meant = meant && fired < *rule.count;
  if (meant) ++fired;
  return meant;
}

Met Faults::meet(std::string_view route) {
  Met met;
  for (Armed& armed : armed_) {
    const bool latency =
        armed.rule.kind == FaultKind::latency_ms || armed.rule.kind == FaultKind::late_effect_ms;
    if (!armed.rule.covers(route) || (!latency && met.fault) || !armed.fires()) continue;
    if (armed.rule.kind == FaultKind::latency_ms) {
      met.late_ms += armed.rule.ms;
    } else if (armed.rule.kind == FaultKind::late_effect_ms) {
      met.late_effect_ms += armed.rule.ms;
    } else {
      met.fault = armed.rule;
    }
  }
  return met;
}

json::array Faults::describe() const {
  json::array all;
  for (const Armed& armed : armed_) {
    all.push_back(json::object{{"route", armed.rule.route},
                               {"kind", to_string(armed.rule.kind)},
                               {"seen", armed.seen},
                               {"fired", armed.fired}});
  }
  return all;
}

}  // namespace spool::standin
