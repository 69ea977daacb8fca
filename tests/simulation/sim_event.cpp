#include "tests/simulation/sim_event.hpp"

#include <charconv>

#include "engine/base/assert.hpp"

namespace spool::simulation {
namespace {

using message::ErrorType;

int number_in(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  SPOOL_ASSERT(error == std::errc{}, "the simulation's own records have numbers");
  return number;
}

}  // namespace

Verdict verdict(const Plan& plan, std::int32_t life, std::int32_t attempt, base::EpochMicros now,
                bool service_down) {
  using enum Verdict::Kind;
  if (!plan.ails(life)) return {};
  switch (plan.nature) {
    case Nature::healthy:
      return {};
    case Nature::no_id:
    case Nature::rejected:
      return {dies, ErrorType::schema_violation};
    case Nature::unknown_type:
      return {dies, ErrorType::schema_unknown_type};
    case Nature::refused:
      return {dies, ErrorType::db_constraint};
    case Nature::throws:
    case Nature::throws_early:
      return {dies, ErrorType::handler_bug};
    case Nature::transient:
      if (attempt > plan.fails) return {};
      return {fails, ErrorType::upstream_network};
    case Nature::rate_limited:
      if (attempt > plan.fails) return {};
      return {fails, ErrorType::upstream_rate_limited,
              now + static_cast<base::EpochMicros>(plan.pause_ms) * 1'000};
    case Nature::needs_service:
      if (!service_down) return {};
      return {fails, ErrorType::upstream_unavailable};
    case Nature::needs_login:
      if (now >= plan.at) return {};
      return {fails, ErrorType::upstream_auth};
    case Nature::declined:
      return {dies, ErrorType::upstream_rejected};
    case Nature::slow:
      return {slow, ErrorType::handler_timeout};
    case Nature::kills:
    case Nature::kills_early:
      return {kills, ErrorType::handler_crash};
  }
  return {};
}

Kept Kept::of(const message::Record& record) {
  Kept kept;
  kept.offset = record.offset;
  kept.timestamp_ms = record.timestamp_ms;
  if (record.key) kept.key.emplace(*record.key);
  if (record.value) kept.value.emplace(*record.value);
  for (const message::Header& header : record.headers) {
    kept.headers.emplace_back(
        std::string(header.name),
        header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
  return kept;
}

void Kept::append_to(message::RecordBatch& batch) const {
  std::vector<message::Header> views;
  views.reserve(headers.size());
  for (const auto& [name, content] : headers)
    views.push_back({name, content ? std::optional<std::string_view>(*content) : std::nullopt});
  message::Record record;
  record.offset = offset;
  record.timestamp_ms = timestamp_ms;
  if (key) record.key = *key;
  if (value) record.value = *value;
  record.headers = views;
  batch.append(record);
}

Kept record_of(const Entry& entry, const Plan& plan, std::int64_t offset) {
  Kept kept;
  kept.offset = offset;
  kept.timestamp_ms = entry.timestamp_ms;
  if (plan.key > 0) kept.key = "k" + std::to_string(plan.key);
  kept.value = "{\"n\":" + std::to_string(plan.number) + "}";
  const std::string serial = std::to_string(entry.serial);
  if (entry.asks >= 0) {
    kept.headers = entry.headers;
    for (auto& [name, content] : kept.headers) {
      if (name == "ce_correlationid") content = serial;
    }
    return kept;
  }
  const char* type = plan.nature == Nature::unknown_type ? "stranger.v1" : "simulated.v1";
  kept.headers = {{"ce_specversion", "1.0"},
                  {"ce_type", type},
                  {"ce_source", kSource},
                  {"ce_correlationid", serial},
                  {"content-type", "application/json"}};
  if (plan.nature != Nature::no_id)
    kept.headers.emplace_back("ce_id", "e" + std::to_string(plan.number));
  return kept;
}

int serial_of(const message::Record& record) {
  const auto text = record.header("ce_correlationid");
  SPOOL_ASSERT(text.has_value(), "a record of the simulation without its serial");
  return number_in(*text);
}

int event_of(std::string_view data) {
  return number_in(data.substr(data.find(':') + 1));
}

}  // namespace spool::simulation
