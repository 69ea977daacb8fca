#include "tests/tmdb/ledger.hpp"

#include <algorithm>
#include <map>

#include "engine/base/text.hpp"

namespace spool::standin {
namespace {

// Milliseconds with three digits.
void append_ms(std::string& out, std::int64_t us) {
  const std::string digits = std::to_string(us % 1000);
  out += std::to_string(us / 1000) + '.';
  out.append(3 - digits.size(), '0');
  out += digits;
}

void append_line(std::string& out, std::size_t number, const Effect& effect) {
  out += "{\"n\":" + std::to_string(number) + ",\"at_ms\":";
  append_ms(out, effect.at_us);
  out += ",\"user\":" + std::to_string(effect.user);
  out += ",\"list_id\":" + std::to_string(effect.list_id);
  out += ",\"kind\":\"";
  out += effect.kind;
  out += '"';
  if (effect.media_id != 0) {
    out += effect.tv ? ",\"media_type\":\"tv\"" : ",\"media_type\":\"movie\"";
    out += ",\"media_id\":" + std::to_string(effect.media_id);
  }
  if (!effect.name.empty()) {
    out += ",\"name\":";
    base::append_json_quoted(out, effect.name);
  }
  out += effect.changed ? ",\"changed\":true" : ",\"changed\":false";
  out += effect.origin == Origin::api ? ",\"origin\":\"api\"}\n" : ",\"origin\":\"outside\"}\n";
}

}  // namespace

std::string Ledger::ndjson(std::size_t since) const {
  std::string out;
  for (std::size_t i = since; i < effects_.size(); ++i) append_line(out, i + 1, effects_[i]);
  return out;
}

std::size_t RequestLog::arrived(std::int64_t at_us, const char* route, std::string target) {
  requests_.push_back({at_us, route, std::move(target)});
  return requests_.size();
}

void RequestLog::answered(std::size_t number, int status, std::int64_t leaves_us) {
  // A reset may have come in between.
  if (number == 0 || number > requests_.size()) return;
  requests_[number - 1].status = status;
  requests_[number - 1].leaves_us = leaves_us;
}

std::string RequestLog::ndjson(std::size_t since) const {
  std::string out;
  for (std::size_t i = since; i < requests_.size(); ++i) {
    const Row& row = requests_[i];
    out += "{\"n\":" + std::to_string(i + 1) + ",\"at_ms\":";
    append_ms(out, row.at_us);
    out += ",\"route\":\"";
    out += row.route;
    out += '"';
    if (!row.target.empty()) {
      out += ",\"target\":";
      base::append_json_quoted(out, row.target);
    }
    out += ",\"status\":" + std::to_string(row.status);
    if (row.status >= 0) {
      out += ",\"leaves_ms\":";
      append_ms(out, row.leaves_us);
    }
    out += "}\n";
  }
  return out;
}

json::object RequestLog::counts() const {
  std::map<std::string_view, std::int64_t> counted;
  for (const Row& row : requests_) ++counted[row.route];
  json::object out;
  for (const auto& [route, count] : counted) {
    out.emplace(json::string_view(route.data(), route.size()), count);
  }
  return out;
}

}  // namespace spool::standin
