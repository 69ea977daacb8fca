#include "engine/delivery/domain_event.hpp"

#include <utility>

#include "engine/base/json_object.hpp"
#include "engine/base/text.hpp"
#include "engine/delivery/ports.hpp"
#include "engine/delivery/route.hpp"

namespace spool::delivery {
namespace {

constexpr std::size_t kTextBytesMax = 1'000;

void say(base::JsonObject& data, const char* name, std::string_view value) {
  data.text(name, base::printable(value, kTextBytesMax));
}

}  // namespace

base::Uuid telling_id(const Telling& telling, std::string_view handler) {
  const message::Identity& cause = telling.cause.identity;
  std::string which = std::to_string(telling.cause.life);
  which.append(".").append(std::to_string(telling.nr)).append(".").append(handler);
  return base::name_uuid(cause.source, cause.id, telling.type, which);
}

message::OwnedHeaders telling_headers(const Telling& telling, std::string_view handler,
                                      base::EpochMicros now) {
  message::OwnedHeaders headers{{"ce_id", base::to_string(telling_id(telling, handler))},
                                {"ce_source", "spool"},
                                {"ce_type", telling.type},
                                {"ce_specversion", "1.0"},
                                {"ce_time", base::format_rfc3339(now)},
                                {"ce_causationid", telling.cause.identity.id}};
  const auto add = [&headers](const char* name, const std::string& value) {
    if (!value.empty()) headers.emplace_back(name, value);
  };
  add("ce_subject", telling.subject);
  add("ce_correlationid", telling.cause.correlation_id);
  add("ce_traceparent", telling.cause.traceparent);
  headers.emplace_back("spool-handler", std::string(handler));
  headers.emplace_back("content-type", "application/json");
  return headers;
}

Telling death_told(const DeadLetter& letter, Cause cause, const LaneId& lane, const Route& route) {
  base::JsonObject data;
  say(data, "handler", lane.handler);
  say(data, "source", letter.source);
  say(data, "event_id", letter.id);
  say(data, "event_type", letter.type);
  say(data, "topic", route.topic);
  data.number("partition", lane.partition);
  data.number("offset", letter.record.offset);
  say(data, "error_type", message::to_string(letter.why.type));
  say(data, "error_message", letter.why.message());
  data.number("attempts", letter.attempts);
  data.number("life", letter.life);
  Telling telling;
  telling.cause = std::move(cause);
  telling.type = "dead_letter.created.v1";
  telling.subject = lane.handler;
  telling.data = data.str();
  return telling;
}

}  // namespace spool::delivery
