#include "tests/tmdb/standin.hpp"

#include <utility>

#include "tests/tmdb/control.hpp"
#include "tests/tmdb/status_codes.hpp"

namespace spool::standin {
namespace {

constexpr std::string_view kControlPrefix = "/_standin/";

Answer html(int status) {
  return {status,
          "<html><head><title>Please wait</title></head><body>A proxy says hello.</body></html>\n",
          "text/html"};
}

void add_retry_after(Answer& answer, const FaultRule& rule, std::optional<std::int64_t> otherwise) {
  const auto seconds = rule.retry_after_s ? rule.retry_after_s : otherwise;
  if (seconds) answer.headers.emplace_back("Retry-After", std::to_string(*seconds));
}

// Faults that keep the request from the API; false: this one does not.
bool stand_in_the_way(const FaultRule& rule, Delivery& delivery) {
  switch (rule.kind) {
    case FaultKind::status:
      delivery.answer = status_answer(rule.code);
      if (rule.status) delivery.answer.status = *rule.status;
      add_retry_after(delivery.answer, rule, std::nullopt);
      return true;
    case FaultKind::rate_limited:
      delivery.answer = status_answer(25);
      add_retry_after(delivery.answer, rule, std::nullopt);
      return true;
    case FaultKind::html_429:
      delivery.answer = html(429);
      add_retry_after(delivery.answer, rule, 1);
      return true;
    case FaultKind::html_200:
      delivery.answer = html(200);
      return true;
    case FaultKind::refuse:
      delivery.presence = Presence::away;
      if (rule.ms > 0) delivery.away_ms = rule.ms;
      delivery.ending = Ending::reset;
      return true;
    case FaultKind::reset_before:
      delivery.ending = Ending::reset;
      return true;
    default:
      return false;
  }
}

// Faults of the answer to what took place.
void spoil(const FaultRule& rule, Delivery& delivery) {
  switch (rule.kind) {
    case FaultKind::delete_500_11:
      if (delivery.answer.status < 400) delivery.answer = status_answer(11);
      break;
    case FaultKind::drop_answer_after_write:
      delivery.ending = Ending::closed;
      break;
    case FaultKind::reset_after:
      delivery.ending = Ending::reset;
      break;
    case FaultKind::truncated_page:
      if (rule.clean) {
        delivery.answer.body.resize(delivery.answer.body.size() / 2);
      } else {
        delivery.ending = Ending::cut_short;
      }
      break;
    case FaultKind::trickle:
      delivery.trickle_ms = rule.ms;
      delivery.trickle_bytes = rule.bytes;
      break;
    default:
      break;
  }
}

Bend bend_of(const Met& met) {
  Bend bend;
  if (!met.fault) return bend;
  bend.null_ids = met.fault->kind == FaultKind::null_ids;
  if (met.fault->kind == FaultKind::total_pages_over_500) bend.total_pages = met.fault->total_pages;
  return bend;
}

}  // namespace

Ticket Standin::arrive(const Request& request, const Moment& at) {
  Ticket ticket;
  ticket.lifetime = lifetime_;
  ticket.control = request.path.starts_with(kControlPrefix);
  if (ticket.control) return ticket;
  ticket.found = find_route(request.method, request.path);
  const char* name = ticket.found.route == nullptr ? "unknown" : ticket.found.route->name;
  ticket.number = state_.requests.arrived(at.steady_us, name, ticket.found.id);
  ticket.met = state_.faults.meet(name);
  return ticket;
}

Delivery Standin::perform(const Request& request, const Ticket& ticket, const Moment& at) {
  if (ticket.control) {
    Controlled controlled = control(state_, request, at);
    if (controlled.reset) {
      state_ = State(settings_);
      ++lifetime_;
    }
    return std::move(controlled.delivery);
  }
  Delivery delivery = with_faults(request, ticket, at);
  delivery.late_ms = settings_.latency_ms + ticket.met.late_ms;
  const bool answered = delivery.ending == Ending::whole || delivery.ending == Ending::cut_short;
  if (ticket.lifetime == lifetime_) {
    state_.requests.answered(ticket.number, answered ? delivery.answer.status : 0,
                             at.steady_us + delivery.late_ms * 1000);
  }
  return delivery;
}

Delivery Standin::with_faults(const Request& request, const Ticket& ticket, const Moment& at) {
  Delivery delivery;
  const auto& fault = ticket.met.fault;
  if (fault && stand_in_the_way(*fault, delivery)) return delivery;
  delivery.answer = call_api(request, ticket, at);
  if (fault) spoil(*fault, delivery);
  return delivery;
}

Answer Standin::call_api(const Request& request, const Ticket& ticket, const Moment& at) {
  if (ticket.found.route == nullptr) return status_answer(ticket.found.code);
  Call call{request, state_.world, state_.accounts, at, ticket.found.id};
  call.bend = bend_of(ticket.met);
  const int refusal = admit_caller(call, ticket.found.route->access);
  if (refusal != 0) return status_answer(refusal);
  auto body = parse_object(request.body);
  if (!body) return status_answer(47);
  call.body = std::move(*body);
  return ticket.found.route->perform(call);
}

}  // namespace spool::standin
