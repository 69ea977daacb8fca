#include "handlers/tmdb/exchange.hpp"

#include <algorithm>

namespace spool::tmdb {
namespace {

namespace asio = boost::asio;
using enum message::ErrorType;
using message::ErrorType;
using std::chrono::steady_clock;

ErrorType type_of(http::Fault fault) {
  switch (fault) {
    case http::Fault::connect_timeout:
      return upstream_connect_timeout;
    case http::Fault::network:
    case http::Fault::tls:
      return upstream_network;
    case http::Fault::timeout:
      return upstream_timeout;
    case http::Fault::stalled:
      return upstream_stalled;
    case http::Fault::too_large:
    case http::Fault::bad_answer:
      return upstream_server_error;
    case http::Fault::not_begun:
      return upstream_unavailable;
    case http::Fault::bad_request:
      return upstream_rejected;
  }
  return other;
}

Step failed_step(CallFailure failure) {
  Step step;
  step.failure = std::move(failure);
  return step;
}

std::string describe(Operation operation, int http_status, const std::optional<Status>& status) {
  std::string text = std::string(to_string(operation)) + ": HTTP " + std::to_string(http_status);
  if (!status) return text + ", not JSON";
  if (status->code) text += ", TMDB " + std::to_string(*status->code);
  if (!status->message.empty()) text += ": " + status->message;
  return text;
}

Step step_of(Operation operation, http::Response response) {
  const std::optional<Status> status = parse_status(response.body);
  Reply reply;
  reply.http_status = response.status;
  reply.json = status.has_value();
  if (status) reply.code = status->code;
  if (const auto wait = response.header("Retry-After"))
    reply.retry_after = parse_retry_after(*wait, response.header("Date").value_or(""));
  const Verdict verdict = judge(operation, reply);
  Step step;
  step.ending = verdict.ending;
  step.body = std::move(response.body);
  step.failure.type = verdict.type;
  step.failure.text = describe(operation, reply.http_status, status);
  step.failure.retry_after = verdict.retry_after;
  step.failure.in_doubt = verdict.in_doubt;
  return step;
}

Step step_of(Operation operation, const http::Failed& failed, const Course& course) {
  Step step;
  step.network = failed.fault == http::Fault::network;
  step.failure.type = type_of(failed.fault);
  step.failure.text = std::string(to_string(operation)) + ": " + failed.text;
  step.failure.in_doubt = failed.sent && changes(operation);
  step.failure.not_begun = failed.fault == http::Fault::not_begun && !course.sent;
  return step;
}

std::string_view outcome_word(const Step& step) {
  if (step.ending == Ending::done) return "done";
  if (step.ending == Ending::unsure) return "unsure";
  return step.failure.not_begun ? "not_begun" : message::to_string(step.failure.type);
}

}  // namespace

CallFailure unreadable(Operation operation, const std::string& why) {
  CallFailure failure;
  failure.type = upstream_server_error;
  failure.text = std::string(to_string(operation)) + ": the answer cannot be used: " + why;
  failure.in_doubt = changes(operation);
  return failure;
}

asio::awaitable<Step> Exchange::send(Course& course, Operation operation, Api api,
                                     http::Request request) {
  const bool first = std::exchange(course.first, false);
  std::optional<Instant> permit;
  if (first) permit = course.context.first_permit;
  if (!permit) {
    permit = co_await permits_->acquire(course.context.deadline);
  }
  http::Client* client = api == Api::v3 ? v3.get() : v4.get();
  const http::Failed none(http::Fault::not_begun,
                          client ? "no permit in time" : "the client is being closed", false);
  if (!permit || !client) co_return step_of(operation, none, course);

  std::function<bool()> ask_caller;
  if (first) ask_caller = course.context.may_begin;
  std::function<bool()> may_begin = [by = *permit, ask_caller = std::move(ask_caller)] {
    return steady_clock::now() < by && (!ask_caller || ask_caller());
  };
  const Instant begun = steady_clock::now();
  const Instant deadline = std::min(course.context.deadline, begun + request_timeout_);
  http::Outcome outcome = co_await client->send(std::move(request), deadline, std::move(may_begin));
  const auto* failed = std::get_if<http::Failed>(&outcome);
  course.sent = course.sent || failed == nullptr || failed->sent;
  Step step = failed ? step_of(operation, *failed, course)
                     : step_of(operation, std::get<http::Response>(std::move(outcome)));
  if (observer_)
    observer_({operation, outcome_word(step), steady_clock::now() - begun,
               course.context.correlation_id});
  co_return step;
}

asio::awaitable<Step> Exchange::ask(Course& course, Operation operation, Api api,
                                    const Calls::Made& request) {
  if (!request.ok()) {
    CallFailure failure;
    failure.type = upstream_rejected;
    failure.text = std::string(to_string(operation)) + ": " + request.failure().text;
    co_return failed_step(std::move(failure));
  }
  const http::Request& wanted = *request;
  http::Request once = wanted;
  Step step = co_await send(course, operation, api, std::move(once));
  const bool again = step.network && wanted.method == "GET" && !changes(operation) &&
                     steady_clock::now() < course.context.deadline;
  if (again) {
    http::Request twice = wanted;
    step = co_await send(course, operation, api, std::move(twice));
  }
  co_return step;
}

void Exchange::close() {
  v3.reset();
  v4.reset();
}

}  // namespace spool::tmdb
