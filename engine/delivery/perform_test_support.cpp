#include "engine/delivery/perform_test_support.hpp"

namespace spool::delivery::test {

using base::Failure;
using base::FailureKind;
using base::Result;

namespace {

bool says(const std::string& data, const std::string& word) {
  return ("+" + data + "+").find("+" + word + "+") != std::string::npos;
}

std::string text_behind(const std::string& data, const std::string& word) {
  const std::size_t at = ("+" + data).find("+" + word + ":");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + word.size() + 1;
  return data.substr(begin, data.find('+', begin) - begin);
}

Failure no_database() {
  return {FailureKind::schema, "a test of the core has no PostgreSQL"};
}

}  // namespace

std::optional<message::Rejection> ScriptAdmissions::stage(const message::Event& event,
                                                          const handler::Attempt& attempt) {
  const std::string data(event.data);
  if (says(data, "invalid"))
    return message::Rejection{message::ErrorType::schema_violation, "data", "invalid"};
  events_.push_back({std::string(event.source), std::string(event.id), data, attempt});
  return std::nullopt;
}

Result<handler::Admitted> ScriptAdmissions::admit(postgres::Transaction&, std::size_t,
                                                  std::size_t) {
  return no_database();
}

Result<handler::Admitted> ScriptAdmissions::admit_in(PerformingRows& rows, std::size_t first,
                                                     std::size_t last) {
  handler::Admitted admitted;
  for (std::size_t i = first; i < last; ++i) {
    const StagedEvent& event = events_[i];
    handler::Admission verdict;
    verdict.order_key = text_behind(event.data, "list");
    verdict.priority =
        static_cast<std::int16_t>(said(event.data, "first").value_or(verdict.priority));
    if (says(event.data, "refuse")) return Failure(FailureKind::bad_data, "refused", "22003");
    if (says(event.data, "fails")) {
      handler::EventFailure failure;
      failure.event = i;
      failure.type = message::ErrorType::policy_excluded;
      failure.text = "as it says";
      admitted.failed.push_back(std::move(failure));
      admitted.events.push_back(std::move(verdict));
      continue;
    }
    PerformingRow& row = rows[{event.source, event.id}];
    const bool again = event.attempt.life > row.life || event.attempt.called;
    if (!row.data.empty() && !again) {
      verdict.kind = handler::Admission::Kind::duplicate;
    } else {
      row = {"waits", event.data, event.attempt.life, 0};
      if (says(event.data, "over")) {
        verdict.kind = handler::Admission::Kind::ended;
        row.state = "done";
      }
      const auto due = said(event.data, "due");
      if (due && !event.attempt.called) verdict.due = kMorning + *due * kSecond;
      const std::string eaten = text_behind(event.data, "eats");
      const auto prey = rows.find({event.source, eaten});
      if (prey != rows.end() && prey->second.state == "waits") {
        prey->second.state = "swallowed";
        admitted.swallowed.push_back(prey->first);
      }
    }
    ++admitted.rows;
    admitted.events.push_back(std::move(verdict));
  }
  return admitted;
}

std::unique_ptr<handler::Admissions> ScriptPerform::make_admissions() const {
  return std::make_unique<ScriptAdmissions>();
}

Result<handler::Opened> ScriptPerform::open(postgres::Transaction&,
                                            std::span<const handler::Turn>) const {
  return no_database();
}

Result<handler::SettledRows> ScriptPerform::settle(postgres::Transaction&,
                                                   std::span<const handler::Settling>) const {
  return no_database();
}

Result<std::unique_ptr<handler::Caller>> ScriptPerform::make_caller(handler::CallerTools) const {
  return Failure(FailureKind::invalid, "nobody is called");
}

Result<handler::Opened> ScriptPerform::open_in(PerformingRows& rows,
                                               std::span<const handler::Turn> turns) const {
  handler::Opened opened;
  for (const handler::Turn& turn : turns) {
    const auto known = rows.find(turn.event);
    if (known == rows.end() || known->second.life != turn.life) {
      opened.events.emplace_back(handler::AdmitFirst{});
      continue;
    }
    PerformingRow& row = known->second;
    if (says(row.data, "nothing")) {
      opened.events.emplace_back(handler::NothingToDo{});
    } else if (const auto until = said(row.data, "closed"); until && turn.number == 1) {
      handler::EventFailure failure;
      failure.type = message::ErrorType::upstream_auth;
      failure.text = "the session is over";
      failure.not_before = kMorning + *until * kSecond;
      opened.events.emplace_back(std::move(failure));
    } else {
      auto call = std::make_shared<ScriptCall>();
      call->event = turn.event;
      row.state = "begun";
      opened.events.emplace_back(handler::CallPtr(std::move(call)));
    }
  }
  return opened;
}

Result<handler::SettledRows> ScriptPerform::settle_in(
    PerformingRows& rows, std::span<const handler::Settling> settlings) const {
  handler::SettledRows settled;
  for (std::size_t i = 0; i < settlings.size(); ++i) {
    const handler::Settling& settling = settlings[i];
    PerformingRow& row = rows.at(settling.event);
    constexpr const char* kStates[] = {"done",      "retried",  "waits",      "died",
                                       "cancelled", "hastened", "prioritized"};
    row.state = kStates[static_cast<std::size_t>(settling.fate)];
    row.attempts = settling.attempts;
    ++settled.rows;
    if (settling.fate == handler::Settled::done)
      settled.told.push_back({i, "number.performed.v1", settling.event.id, "{}"});
  }
  return settled;
}

handler::Handler performing_handler() {
  handler::HandlerSpec spec;
  spec.name = kLane.handler;
  spec.topic = kTopic;
  spec.types = {kType};
  spec.idempotence = handler::Idempotence::ledger;
  spec.order = handler::Order::finer_key;
  spec.dependencies = {"tmdb"};
  return {std::move(spec), std::make_unique<ScriptPerform>()};
}

}  // namespace spool::delivery::test
