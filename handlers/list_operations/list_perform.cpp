// Calls TMDB: one coroutine an operation. A coroutine keeps what it needs alive; when the caller is
// gone, its client ends what is under way.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/assert.hpp"
#include "handlers/list_operations/call_outcome.hpp"
#include "handlers/list_operations/list_caller.hpp"
#include "handlers/tmdb/client.hpp"

namespace spool::list_operations {
namespace {

namespace asio = boost::asio;
using handler::CallOutcome;
using Outcome = asio::awaitable<CallOutcome>;

// The engine's permits, as the client asks for them.
class EnginePermits final : public tmdb::Permits {
 public:
  explicit EnginePermits(handler::CallerTools tools) : tools_(std::move(tools)) {}

  asio::awaitable<std::optional<tmdb::Instant>> acquire(tmdb::Instant deadline) override {
    auto asked = std::make_shared<Asked>(tools_.loop);
    asked->bell.expires_at(tmdb::Instant::max());
    tools_.permit(deadline, [asked, &loop = tools_.loop](std::optional<tmdb::Instant> begin_by) {
      asio::post(loop, [asked, begin_by] {
        asked->begin_by = begin_by;
        asked->bell.cancel();
        asked->answered = true;
      });
    });
    while (!asked->answered) {
      boost::system::error_code rung;
      co_await asked->bell.async_wait(asio::redirect_error(asio::use_awaitable, rung));
    }
    co_return asked->begin_by;
  }

 private:
  struct Asked {
    explicit Asked(asio::io_context& loop) : bell(loop) {}
    asio::steady_timer bell;
    std::optional<tmdb::Instant> begin_by;
    bool answered = false;
  };
  handler::CallerTools tools_;
};

template <typename T>
const tmdb::CallFailure* failure_of(const tmdb::CallResult<T>& result) {
  return std::get_if<tmdb::CallFailure>(&result);
}

template <typename T>
CallOutcome plainly(const tmdb::CallResult<T>& result) {
  const tmdb::CallFailure* failure = failure_of(result);
  return failure == nullptr ? performed() : failed(*failure);
}

tmdb::CallContext context_of(const ListCall& call, const handler::Ticket& ticket) {
  tmdb::CallContext context(ticket.end_by);
  context.may_begin = [begin_by = ticket.begin_by] {
    return std::chrono::steady_clock::now() < begin_by;
  };
  context.correlation_id = call.correlation_id;
  context.first_permit = ticket.begin_by;
  return context;
}

tmdb::NewList new_list(const ListFields& fields) {
  tmdb::NewList list(fields.name.value_or(""));
  list.description = fields.description.value_or("");
  list.language = fields.language.value_or("en");
  list.is_public = fields.is_public;
  return list;
}

tmdb::ListChange list_change(const ListFields& fields) {
  tmdb::ListChange change;
  change.name = fields.name;
  change.description = fields.description;
  change.language = fields.language;
  change.is_public = fields.is_public;
  return change;
}

using ClientPtr = std::shared_ptr<tmdb::Client>;
using ListCallPtr = std::shared_ptr<const ListCall>;

ListState state_of(const tmdb::WholeList& whole) {
  ListState state;
  state.existence = Existence::exists;
  state.fields.name = whole.list.name;
  state.fields.description = whole.list.description;
  state.fields.is_public = whole.list.is_public;
  if (!whole.list.language.empty()) state.fields.language = whole.list.language;
  for (const tmdb::Item& item : whole.list.items) {
    if (item.media_type == tmdb::MediaType::movie)
      state.movies.push_back(static_cast<std::int32_t>(item.id));
  }
  state.complete = whole.complete;
  return state;
}

// The list as it stands, or a failure to ask.
using Fetched = std::variant<ListState, tmdb::CallFailure>;

asio::awaitable<Fetched> fetch(ClientPtr client, ListCallPtr call, tmdb::CallContext context) {
  const std::int64_t list = call->tmdb_list_id.value_or(0);
  const auto result = co_await client->whole_list(call->credentials, std::move(context), list);
  if (const tmdb::CallFailure* failure = failure_of(result)) {
    if (failure->type != message::ErrorType::upstream_not_found) co_return Fetched(*failure);
    ListState gone;
    gone.existence = Existence::gone;
    co_return Fetched(std::move(gone));
  }
  co_return Fetched(state_of(std::get<tmdb::WholeList>(result)));
}

Outcome refresh(ClientPtr client, ListCallPtr call, tmdb::CallContext context) {
  Fetched fetched = co_await fetch(client, call, std::move(context));
  if (auto* failure = std::get_if<tmdb::CallFailure>(&fetched)) {
    failure->in_doubt = false;  // reading leaves no trace
    co_return failed(*failure);
  }
  co_return refreshed(std::get<ListState>(std::move(fetched)));
}

Outcome create(ClientPtr client, ListCallPtr call, tmdb::CallContext context) {
  const tmdb::NewList list = new_list(call->change.fields);
  const auto result = co_await client->create_list(call->credentials, std::move(context), list);
  if (const tmdb::CallFailure* failure = failure_of(result)) co_return failed(*failure);
  co_return created(std::get<tmdb::CreatedList>(result).id);
}

Outcome carry_out(ClientPtr client, ListCallPtr call, handler::Ticket ticket) {
  tmdb::CallContext context = context_of(*call, ticket);
  const Change& change = call->change;
  const std::int64_t list = call->tmdb_list_id.value_or(0);
  switch (change.type) {
    case OperationType::create_list:
      break;
    case OperationType::refresh_list: {
      CallOutcome outcome = co_await refresh(client, call, std::move(context));
      co_return outcome;
    }
    case OperationType::update_list: {
      const tmdb::ListChange fields = list_change(change.fields);
      const auto result =
          co_await client->update_list(call->credentials, std::move(context), list, fields);
      co_return plainly(result);
    }
    case OperationType::delete_list: {
      const auto result = co_await client->delete_list(call->credentials, std::move(context), list);
      co_return plainly(result);
    }
    case OperationType::clear_list: {
      const auto result = co_await client->clear_list(call->credentials, std::move(context), list);
      co_return plainly(result);
    }
    case OperationType::add_movie: {
      const auto result =
          co_await client->add_movie(call->credentials, std::move(context), list, change.movie_id);
      co_return plainly(result);
    }
    case OperationType::remove_movie: {
      const auto result = co_await client->remove_movie(call->credentials, std::move(context), list,
                                                        change.movie_id);
      co_return plainly(result);
    }
  }
  CallOutcome outcome = co_await create(client, call, std::move(context));
  co_return outcome;
}

Outcome ask_for_new(ClientPtr client, ListCallPtr call, tmdb::CallContext context) {
  const auto result = co_await client->all_account_lists(call->credentials, std::move(context));
  if (const tmdb::CallFailure* failure = failure_of(result)) co_return failed(*failure);
  const auto& all = std::get<tmdb::AllLists>(result);
  std::vector<FoundList> lists;
  for (const tmdb::ListSummary& list : all.lists) {
    FoundList one;
    one.id = static_cast<std::int32_t>(list.id);
    one.name = list.name;
    one.created_at = list.created_at;
    lists.push_back(std::move(one));
  }
  SPOOL_ASSERT(call->doubt.has_value(), "who asks has a doubt");
  const CallDoubt& doubt = *call->doubt;
  CreateDoubt create;
  create.name = call->change.fields.name.value_or("");
  create.begun_at = doubt.begun_at;
  create.ended_at = doubt.ended_at;
  create.now = doubt.now;
  create.rivals = doubt.rivals;
  co_return found(*call, reconcile_create(create, lists, all.complete, doubt.known_lists));
}

Outcome ask(ClientPtr client, ListCallPtr call, handler::Ticket ticket) {
  if (call->change.type == OperationType::refresh_list) co_return handler::HadNoEffect{};
  tmdb::CallContext context = context_of(*call, ticket);
  if (call->change.type == OperationType::create_list) {
    CallOutcome outcome = co_await ask_for_new(client, call, std::move(context));
    co_return outcome;
  }
  const Fetched fetched = co_await fetch(client, call, std::move(context));
  if (const auto* failure = std::get_if<tmdb::CallFailure>(&fetched)) co_return failed(*failure);
  SPOOL_ASSERT(call->doubt.has_value(), "who asks has a doubt");
  co_return found(*call,
                  reconcile(call->change, std::get<ListState>(fetched), call->doubt->later_adds));
}

class ListCaller final : public handler::Caller {
 public:
  ListCaller(asio::io_context& loop, ClientPtr client) : loop_(loop), client_(std::move(client)) {}

  void perform(handler::CallPtr call, const handler::Ticket& ticket, Done done) override {
    spawn(carry_out(client_, std::static_pointer_cast<const ListCall>(std::move(call)), ticket),
          std::move(done));
  }
  void reconcile(handler::CallPtr call, const handler::Ticket& ticket, Done done) override {
    spawn(ask(client_, std::static_pointer_cast<const ListCall>(std::move(call)), ticket),
          std::move(done));
  }

 private:
  // Whatever is thrown leaves the call in doubt.
  void spawn(Outcome outcome, Done done) {
    asio::co_spawn(loop_, std::move(outcome),
                   [done = std::move(done)](const std::exception_ptr& thrown, CallOutcome ended) {
                     if (!thrown) return done(std::move(ended));
                     handler::CallFailed failed;
                     failed.why.type = message::ErrorType::handler_bug;
                     failed.why.text = "the call threw";
                     failed.in_doubt = true;
                     done(std::move(failed));
                   });
  }

  asio::io_context& loop_;
  ClientPtr client_;
};

}  // namespace

base::Result<std::unique_ptr<handler::Caller>> make_list_caller(handler::CallerTools tools,
                                                                const Settings& settings) {
  const auto seen = [tell = tools.seen](const tmdb::Observation& request) {
    handler::RequestSeen told;
    told.upstream = kTmdb;
    told.operation = std::string(tmdb::to_string(request.operation));
    told.outcome = std::string(request.outcome);
    told.seconds = request.seconds.count();
    told.correlation_id = std::string(request.correlation_id);
    tell(told);
  };
  asio::io_context& loop = tools.loop;
  auto permits = std::make_shared<EnginePermits>(std::move(tools));
  auto client = tmdb::Client::make(loop, settings.client, std::move(permits), seen);
  if (!client) return client.failure();
  return std::unique_ptr<handler::Caller>(
      std::make_unique<ListCaller>(loop, ClientPtr(std::move(*client))));
}

}  // namespace spool::list_operations
