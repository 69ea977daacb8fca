#include "engine/delivery/core_test_support.hpp"

#include <array>
#include <stdexcept>

namespace spool::delivery::test {

using base::Failure;
using base::FailureKind;
using base::Result;
using handler::ApplyCounts;
using handler::EventFailure;
using message::ErrorType;

void append(message::RecordBatch& batch, std::int64_t offset, const Sent& sent) {
  std::vector<message::Header> headers{
      {"ce_specversion", "1.0"},
      {"ce_type", sent.type},
      {"ce_source", sent.source},
      {"ce_id", sent.id},
      {"ce_time", "2026-01-02T03:04:05Z"},
      {"ce_subject", sent.subject},
      {"content-type", "application/json"},
  };
  headers.insert(headers.end(), sent.more.begin(), sent.more.end());
  message::Record record;
  record.offset = offset;
  record.timestamp_ms = 1'000 + offset;
  if (sent.key) record.key = *sent.key;
  record.value = sent.data;
  record.headers = headers;
  batch.append(record);
}

message::RecordBatch log_of(std::int64_t first, const std::vector<Sent>& events) {
  message::RecordBatch batch;
  for (const Sent& sent : events) append(batch, first++, sent);
  return batch;
}

std::optional<std::int64_t> said(const std::string& data, const std::string& word) {
  const std::size_t at = ("+" + data).find("+" + word);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t end = at + word.size();
  if (end < data.size() && data[end] == ':') return std::stoll(data.substr(end + 1));
  const bool whole = end == data.size() || data[end] == '+';
  return whole ? std::optional<std::int64_t>(1) : std::nullopt;
}

handler::Staging ScriptBatch::stage(const message::Event& event, const handler::Attempt& attempt) {
  const std::string data(event.data);
  seen_.asked.emplace_back(event.id);
  if (said(data, "invalid"))
    return message::Rejection{ErrorType::schema_violation, "data", "is invalid"};
  if (said(data, "bug")) throw std::runtime_error("the handler has a bug");
  const auto due = said(data, "due");
  if (due && !attempt.called && kMorning + *due * kSecond > attempt.now)
    return handler::NotDue{kMorning + *due * kSecond};
  seen_.staged.emplace_back(event.id);
  events_.push_back({std::string(event.source), std::string(event.id), data, attempt});
  return {};
}

Result<ApplyCounts> ScriptBatch::apply(postgres::Transaction&, std::size_t, std::size_t) {
  return Failure(FailureKind::schema, "no PostgreSQL here");
}

namespace {

class ScriptApply final : public handler::ApplyAtOnce {
 public:
  explicit ScriptApply(Seen& seen) : seen_(seen) {}
  std::unique_ptr<handler::Batch> make_batch() const override {
    return std::make_unique<ScriptBatch>(seen_);
  }
  std::string order_key(const message::Event& event) const override {
    return std::string(event.subject);
  }

 private:
  Seen& seen_;
};

std::optional<EventFailure> failure_of(const StagedEvent& event, std::size_t number) {
  EventFailure failure;
  failure.event = number;
  failure.text = "as it was told";
  const bool first_life = event.attempt.life == 0;
  const auto fails = said(event.data, "fail");
  const auto away = said(event.data, "away");
  const auto login = said(event.data, "login");
  const auto reject = said(event.data, "reject");
  if (fails && first_life && event.attempt.number <= *fails) {
    failure.type = ErrorType::upstream_server_error;
  } else if (away && first_life && event.attempt.number <= *away) {
    failure.type = ErrorType::upstream_unavailable;
    failure.dependency = "tmdb";
  } else if (login && event.attempt.now < kMorning + *login * kSecond) {
    failure.type = ErrorType::upstream_auth;
  } else if (reject && event.attempt.life < *reject) {
    failure.type = ErrorType::upstream_rejected;
  } else {
    return std::nullopt;
  }
  return failure;
}

void count(ApplyCounts& counts, const StagedEvent& event) {
  if (said(event.data, "stale")) {
    ++counts.stale;
  } else if (said(event.data, "coalesced")) {
    ++counts.coalesced;
  } else if (said(event.data, "twice")) {
    ++counts.duplicate;
  } else {
    ++counts.written;
  }
}

}  // namespace

Result<ApplyCounts> play(const std::vector<StagedEvent>& events, std::size_t first,
                         std::size_t last, std::vector<StagedEvent>& applied) {
  ApplyCounts counts;
  for (std::size_t i = first; i < last; ++i) {
    const StagedEvent& event = events[i];
    if (said(event.data, "slow")) return Failure(FailureKind::slow, "statement timeout", "57014");
    if (said(event.data, "refuse")) return Failure(FailureKind::bad_data, "refused", "22003");
    if (said(event.data, "throw")) return Failure(FailureKind::bad_data, "threw", kHandlerThrew);
    if (auto failure = failure_of(event, i)) {
      counts.failed.push_back(std::move(*failure));
      continue;
    }
    applied.push_back(event);
    count(counts, event);
    for (std::int64_t nr = said(event.data, "tell").value_or(0); nr > 0; --nr)
      counts.told.push_back({.cause = i, .type = "told.v1", .data = "{}"});
    if (said(event.data, "rumour"))
      counts.told.push_back({.cause = events.size(), .type = "told.v1", .data = "{}"});
    if (said(event.data, "lose")) --counts.written;
    if (said(event.data, "invent")) ++counts.written;
    if (said(event.data, "stray")) counts.failed.push_back({.event = events.size()});
  }
  return counts;
}

handler::Handler script_handler(Seen& seen, handler::Idempotence idempotence,
                                handler::Order order) {
  handler::HandlerSpec spec{kLane.handler, kTopic, {kType}, idempotence, order, {"tmdb"}};
  return {std::move(spec), std::make_unique<ScriptApply>(seen)};
}

KeptRecord::KeptRecord(const message::Record& record)
    : offset(record.offset), timestamp_ms(record.timestamp_ms) {
  if (record.key) key = std::string(*record.key);
  if (record.value) value = std::string(*record.value);
  for (const message::Header& header : record.headers) {
    headers.emplace_back(std::string(header.name),
                         header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
}

void KeptRecord::append_to(message::RecordBatch& batch) const {
  std::vector<message::Header> views;
  for (const auto& [name, content] : headers) views.push_back({name, content});
  message::Record record;
  record.offset = offset;
  record.timestamp_ms = timestamp_ms;
  record.key = key;
  record.value = value;
  record.headers = views;
  batch.append(record);
}

}  // namespace spool::delivery::test
