#include "handlers/list_operations/call_outcome.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace spool::list_operations {

using handler::CallFailed;
using handler::CallOutcome;
using message::ErrorType;

namespace {

bool away(ErrorType type) {
  switch (type) {
    case ErrorType::upstream_connect_timeout:
    case ErrorType::upstream_network:
    case ErrorType::upstream_server_error:
    case ErrorType::upstream_unavailable:
    case ErrorType::upstream_timeout:
    case ErrorType::upstream_stalled:
      return true;
    default:
      return false;
  }
}

CallFailed refused(ErrorType type, std::string text) {
  CallFailed outcome;
  outcome.why.type = type;
  outcome.why.text = std::move(text);
  return outcome;
}

}  // namespace

CallOutcome failed(const tmdb::CallFailure& failure) {
  if (failure.not_begun) return handler::NotBegun{failure.text, {}};
  CallFailed outcome = refused(failure.type, failure.text);
  if (away(failure.type)) outcome.why.dependency = kTmdb;
  outcome.in_doubt = failure.in_doubt;
  outcome.retry_after = failure.retry_after;
  if (failure.type == ErrorType::upstream_auth) {
    auto answer = std::make_shared<ListAnswer>();
    answer->session_over = true;
    outcome.answer = std::move(answer);
  }
  return outcome;
}

CallOutcome performed(std::string note) {
  auto answer = std::make_shared<ListAnswer>();
  answer->note = std::move(note);
  return handler::Performed{std::move(answer)};
}

CallOutcome created(std::int64_t tmdb_list_id) {
  auto answer = std::make_shared<ListAnswer>();
  answer->tmdb_list_id = static_cast<std::int32_t>(tmdb_list_id);
  return handler::Performed{std::move(answer)};
}

CallOutcome refreshed(ListState fetched) {
  auto answer = std::make_shared<ListAnswer>();
  answer->fetched = std::move(fetched);
  return handler::Performed{std::move(answer)};
}

CallOutcome found(const ListCall& call, const Verdict& verdict) {
  switch (verdict.finding) {
    case Finding::had_effect:
      return verdict.list_id ? created(*verdict.list_id)
                             : performed("asked afterwards: it had its effect");
    case Finding::had_no_effect:
      // It was created and deleted again before anybody could remember either.
      if (call.doubt && call.doubt->deleted_behind)
        return performed("asked afterwards: the list is not there, as a later operation wants it");
      return handler::HadNoEffect{};
    case Finding::ask_again: {
      CallFailed later = refused(ErrorType::upstream_unavailable, verdict.why);
      later.in_doubt = true;
      if (verdict.ask_at && call.doubt) {
        const std::chrono::microseconds wait(*verdict.ask_at - call.doubt->now);
        later.retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
      }
      return later;
    }
    case Finding::ambiguous:
      break;
  }
  return refused(ErrorType::policy_manual, verdict.why);
}

}  // namespace spool::list_operations
