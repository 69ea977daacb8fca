#include "handlers/tmdb/client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "handlers/tmdb/exchange.hpp"

namespace spool::tmdb {
namespace {

namespace asio = boost::asio;
using enum message::ErrorType;

Parsed<Done> parse_nothing(std::string_view) {
  return Done{};
}

}  // namespace

struct Client::Impl {
  Impl(Application application, std::shared_ptr<Permits> source, Observer told,
       std::chrono::milliseconds timeout)
      : calls(std::move(application)), exchange(std::move(source), std::move(told), timeout) {}

  using Self = std::shared_ptr<Impl>;

  template <typename T>
  static Call<T> answer(Self self, CallContext context, Operation operation, Api api,
                        Calls::Made request, Parsed<T> (*parse)(std::string_view));
  static Call<Done> delete_list(Self self, CallContext context, Credentials user,
                                std::int64_t list);
  static Call<Done> change_movie(Self self, CallContext context, Credentials user,
                                 std::int64_t list, std::int64_t movie, bool add);
  static Call<ItemStatus> item_status(Self self, CallContext context, Credentials user,
                                      std::int64_t list, std::int64_t movie);
  static Call<WholeList> whole_list(Self self, CallContext context, Credentials user,
                                    std::int64_t list);
  static Call<AllLists> all_account_lists(Self self, CallContext context, Credentials user);
  asio::awaitable<CallResult<ItemStatus>> ask_item(Course& course, Credentials user,
                                                   std::int64_t list, std::int64_t movie);

  Calls calls;
  Exchange exchange;
};

template <typename T>
Client::Call<T> Client::Impl::answer(Self self, CallContext context, Operation operation, Api api,
                                     Calls::Made request, Parsed<T> (*parse)(std::string_view)) {
  Course course(std::move(context));
  Step step = co_await self->exchange.ask(course, operation, api, request);
  if (step.ending != Ending::done) co_return std::move(step.failure);
  co_return read_answer<T>(operation, step.body, parse);
}

Client::Call<Done> Client::Impl::delete_list(Self self, CallContext context, Credentials user,
                                             std::int64_t list) {
  Course course(std::move(context));
  const auto deletion = self->calls.delete_list(user, list);
  Step step = co_await self->exchange.ask(course, Operation::delete_list, user.api, deletion);
  if (step.ending == Ending::done) co_return Done{};
  if (step.ending == Ending::failed) co_return std::move(step.failure);
  const auto read_back = self->calls.list_details(user, list, 1);
  const Step seen =
      co_await self->exchange.ask(course, Operation::list_details, user.api, read_back);
  if (seen.failure.type == upstream_not_found && seen.ending == Ending::failed) co_return Done{};
  // It is still there: the failure was one.
  step.failure.in_doubt = seen.ending != Ending::done;
  co_return std::move(step.failure);
}

Client::Call<Done> Client::Impl::change_movie(Self self, CallContext context, Credentials user,
                                              std::int64_t list, std::int64_t movie, bool add) {
  Course course(std::move(context));
  const Operation operation = add ? Operation::add_movie : Operation::remove_movie;
  const auto request =
      add ? self->calls.add_movie(user, list, movie) : self->calls.remove_movie(user, list, movie);
  Step step = co_await self->exchange.ask(course, operation, user.api, request);
  if (step.ending != Ending::done) co_return std::move(step.failure);
  // A duplicate or a missing list is done, and says so as a whole. Otherwise version 4 says
  // "success" even where it did nothing: what counts is the movie's own result.
  const auto status = parse_status(step.body);
  if (user.api == Api::v3 || (status && status->success == false)) co_return Done{};
  const auto results =
      read_answer<std::vector<ItemResult>>(operation, step.body, &parse_item_results);
  if (const auto* read = std::get_if<std::vector<ItemResult>>(&results)) {
    for (const ItemResult& result : *read)
      if (result.media_type == MediaType::movie && result.id == movie && result.success)
        co_return Done{};
  }
  // Refused, for whatever reason, or not to be read: the list itself says what it has now.
  const auto seen = co_await self->ask_item(course, user, list, movie);
  if (const auto* failure = std::get_if<CallFailure>(&seen)) {
    CallFailure unknown = *failure;
    unknown.in_doubt = true;
    co_return unknown;
  }
  if (std::get<ItemStatus>(seen).present == add) co_return Done{};
  CallFailure refused;
  refused.type = upstream_rejected;
  refused.text = std::string(to_string(operation)) + ": TMDB refuses the movie";
  co_return refused;
}

asio::awaitable<CallResult<ItemStatus>> Client::Impl::ask_item(Course& course, Credentials user,
                                                               std::int64_t list,
                                                               std::int64_t movie) {
  const auto request = calls.item_status(user, list, movie);
  const Step step = co_await exchange.ask(course, Operation::item_status, user.api, request);
  if (step.ending == Ending::done)
    co_return read_answer<ItemStatus>(Operation::item_status, step.body, &parse_item_status);
  if (user.api == Api::v4 && step.failure.type == upstream_not_found) co_return ItemStatus{};
  co_return step.failure;
}

Client::Call<ItemStatus> Client::Impl::item_status(Self self, CallContext context, Credentials user,
                                                   std::int64_t list, std::int64_t movie) {
  Course course(std::move(context));
  CallResult<ItemStatus> result = co_await self->ask_item(course, std::move(user), list, movie);
  co_return result;
}

Client::Call<WholeList> Client::Impl::whole_list(Self self, CallContext context, Credentials user,
                                                 std::int64_t list) {
  constexpr Operation kOperation = Operation::list_details;
  Course course(std::move(context));
  WholeList whole;
  whole.complete = true;
  std::int64_t last = 1;
  for (std::int64_t number = 1; number <= last; ++number) {
    const auto request = self->calls.list_details(user, list, number);
    Step step = co_await self->exchange.ask(course, kOperation, user.api, request);
    if (step.ending != Ending::done) co_return std::move(step.failure);
    auto read = read_answer<ListDetails>(kOperation, step.body, &parse_list_details);
    if (auto* failure = std::get_if<CallFailure>(&read)) co_return std::move(*failure);
    auto& page = std::get<ListDetails>(read);
    if (page.page != number) co_return unreadable(kOperation, "it is another page");
    last = std::min(page.total_pages, kPagesMax);
    if (page.total_pages > kPagesMax) whole.complete = false;
    if (number == 1) {
      whole.list = std::move(page);
      continue;
    }
    if (page.total_results != whole.list.total_results) whole.complete = false;
    std::ranges::move(page.items, std::back_inserter(whole.list.items));
  }
  co_return whole;
}

Client::Call<AllLists> Client::Impl::all_account_lists(Self self, CallContext context,
                                                       Credentials user) {
  constexpr Operation kOperation = Operation::account_lists;
  Course course(std::move(context));
  AllLists all;
  all.complete = true;
  std::int64_t last = 1;
  std::int64_t total = 0;
  for (std::int64_t number = 1; number <= last; ++number) {
    const auto request = self->calls.account_lists(user, number);
    Step step = co_await self->exchange.ask(course, kOperation, user.api, request);
    if (step.ending != Ending::done) co_return std::move(step.failure);
    auto read = read_answer<AccountLists>(kOperation, step.body, &parse_account_lists);
    if (auto* failure = std::get_if<CallFailure>(&read)) co_return std::move(*failure);
    auto& page = std::get<AccountLists>(read);
    if (page.page != number) co_return unreadable(kOperation, "it is another page");
    last = std::min(page.total_pages, kPagesMax);
    if (page.total_pages > kPagesMax) all.complete = false;
    if (number > 1 && page.total_results != total) all.complete = false;
    total = page.total_results;
    std::ranges::move(page.lists, std::back_inserter(all.lists));
  }
  co_return all;
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() {
  impl_->exchange.close();
}

base::Result<std::unique_ptr<Client>> Client::make(asio::io_context& loop,
                                                   const ClientSettings& settings,
                                                   std::shared_ptr<Permits> permits,
                                                   Observer observer) {
  const auto printable = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  const std::string& key = settings.application.key;
  if (key.empty() || !std::ranges::all_of(key, printable))
    return base::Failure(base::FailureKind::invalid,
                         "TMDB's application key is empty, or has blanks or line breaks");
  auto impl = std::make_shared<Impl>(settings.application, std::move(permits), std::move(observer),
                                     settings.request_timeout);
  http::ClientSettings common;
  common.ca_file = settings.ca_file;
  common.verify = settings.verify;
  common.connect_timeout = settings.connect_timeout;
  common.connections_max = settings.connections_max;
  common.user_agent = settings.user_agent;
  for (auto [url, client] : {std::pair(&settings.base_url_v3, &impl->exchange.v3),
                             std::pair(&settings.base_url_v4, &impl->exchange.v4)}) {
    common.base_url = *url;
    auto made = http::Client::make(loop, common);
    if (!made.ok()) return made.failure();
    *client = std::move(*made);
  }
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::Call<CreatedList> Client::create_list(const Credentials& user, CallContext context,
                                              const NewList& list) {
  return Impl::answer<CreatedList>(impl_, std::move(context), Operation::create_list, user.api,
                                   impl_->calls.create_list(user, list), &parse_created_list);
}

Client::Call<Done> Client::update_list(const Credentials& user, CallContext context,
                                       std::int64_t list, const ListChange& change) {
  return Impl::answer<Done>(impl_, std::move(context), Operation::update_list, user.api,
                            impl_->calls.update_list(user, list, change), &parse_nothing);
}

Client::Call<Done> Client::delete_list(const Credentials& user, CallContext context,
                                       std::int64_t list) {
  return Impl::delete_list(impl_, std::move(context), user, list);
}

Client::Call<Cleared> Client::clear_list(const Credentials& user, CallContext context,
                                         std::int64_t list) {
  return Impl::answer<Cleared>(impl_, std::move(context), Operation::clear_list, user.api,
                               impl_->calls.clear_list(user, list), &parse_cleared);
}

Client::Call<Done> Client::add_movie(const Credentials& user, CallContext context,
                                     std::int64_t list, std::int64_t movie) {
  return Impl::change_movie(impl_, std::move(context), user, list, movie, true);
}

Client::Call<Done> Client::remove_movie(const Credentials& user, CallContext context,
                                        std::int64_t list, std::int64_t movie) {
  return Impl::change_movie(impl_, std::move(context), user, list, movie, false);
}

Client::Call<ListDetails> Client::list_details(const Credentials& user, CallContext context,
                                               std::int64_t list, std::int64_t page) {
  return Impl::answer<ListDetails>(impl_, std::move(context), Operation::list_details, user.api,
                                   impl_->calls.list_details(user, list, page),
                                   &parse_list_details);
}

Client::Call<WholeList> Client::whole_list(const Credentials& user, CallContext context,
                                           std::int64_t list) {
  return Impl::whole_list(impl_, std::move(context), user, list);
}

Client::Call<ItemStatus> Client::item_status(const Credentials& user, CallContext context,
                                             std::int64_t list, std::int64_t movie) {
  return Impl::item_status(impl_, std::move(context), user, list, movie);
}

Client::Call<AccountLists> Client::account_lists(const Credentials& user, CallContext context,
                                                 std::int64_t page) {
  return Impl::answer<AccountLists>(impl_, std::move(context), Operation::account_lists, user.api,
                                    impl_->calls.account_lists(user, page), &parse_account_lists);
}

Client::Call<AllLists> Client::all_account_lists(const Credentials& user, CallContext context) {
  return Impl::all_account_lists(impl_, std::move(context), user);
}

Client::Call<RequestToken> Client::request_token(CallContext context) {
  return Impl::answer<RequestToken>(impl_, std::move(context), Operation::request_token, Api::v3,
                                    impl_->calls.request_token(), &parse_request_token);
}

Client::Call<Session> Client::create_session(CallContext context,
                                             const std::string& request_token) {
  return Impl::answer<Session>(impl_, std::move(context), Operation::create_session, Api::v3,
                               impl_->calls.create_session(request_token), &parse_session);
}

Client::Call<Session> Client::convert_session(CallContext context,
                                              const std::string& access_token) {
  return Impl::answer<Session>(impl_, std::move(context), Operation::convert_session, Api::v3,
                               impl_->calls.convert_session(access_token), &parse_session);
}

Client::Call<RequestToken> Client::request_token_v4(CallContext context,
                                                    const std::string& redirect_to) {
  return Impl::answer<RequestToken>(impl_, std::move(context), Operation::request_token, Api::v4,
                                    impl_->calls.request_token_v4(redirect_to),
                                    &parse_request_token);
}

Client::Call<AccessToken> Client::access_token(CallContext context,
                                               const std::string& request_token) {
  return Impl::answer<AccessToken>(impl_, std::move(context), Operation::access_token, Api::v4,
                                   impl_->calls.access_token(request_token), &parse_access_token);
}

Client::Call<Done> Client::delete_session(const Credentials& user, CallContext context) {
  return Impl::answer<Done>(impl_, std::move(context), Operation::delete_session, user.api,
                            impl_->calls.delete_session(user), &parse_nothing);
}

}  // namespace spool::tmdb
