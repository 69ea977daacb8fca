#include "handlers/tmdb_sessions/login_service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <utility>

#include "engine/http/client.hpp"
#include "handlers/tmdb/client.hpp"
#include "handlers/tmdb_sessions/account.hpp"
#include "handlers/tmdb_sessions/client_settings.hpp"

namespace spool::tmdb_sessions {
namespace {

namespace asio = boost::asio;
using tmdb::Api;
using tmdb::CallFailure;
using tmdb::CallResult;
using tmdb::Credentials;

class AlwaysPermitted : public tmdb::Permits {
 public:
  asio::awaitable<std::optional<tmdb::Instant>> acquire(tmdb::Instant deadline) override {
    std::optional<tmdb::Instant> until = deadline;
    co_return until;
  }
};

// The part of the client that tmdb::Client has not: who the account is.
http::ClientSettings account_settings(const tmdb::ClientSettings& from) {
  http::ClientSettings settings;
  settings.base_url = from.base_url_v3;
  settings.ca_file = from.ca_file;
  settings.connect_timeout = from.connect_timeout;
  return settings;
}

}  // namespace

struct LoginService::Impl {
  explicit Impl(const tmdb::ClientSettings& settings)
      : application(settings.application),
        patience(settings.connect_timeout + settings.request_timeout) {}

  // Runs the loop until this one call has ended; connections that are kept do not count.
  template <typename T>
  T wait(asio::awaitable<T> call) {
    std::optional<T> result;
    asio::co_spawn(loop, store(std::move(call), result), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    loop.restart();
    while (!result) loop.run_one();
    return std::move(*result);
  }

  template <typename T>
  static asio::awaitable<void> store(asio::awaitable<T> call, std::optional<T>& into) {
    T result = co_await std::move(call);
    into.emplace(std::move(result));
  }

  tmdb::Instant deadline() const { return std::chrono::steady_clock::now() + patience; }
  tmdb::CallContext context() const { return tmdb::CallContext(deadline()); }

  asio::io_context loop;
  tmdb::Application application;
  std::chrono::milliseconds patience;
  std::unique_ptr<tmdb::Client> client;
  std::unique_ptr<http::Client> account_client;
};

LoginService::LoginService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoginService::~LoginService() = default;

base::Result<std::unique_ptr<LoginService>> LoginService::make(
    const config::UpstreamTmdb& settings) {
  const tmdb::ClientSettings wanted = client_settings(settings);
  auto impl = std::make_unique<Impl>(wanted);
  auto client = tmdb::Client::make(impl->loop, wanted, std::make_shared<AlwaysPermitted>(), {});
  if (!client) return client.failure();
  impl->client = std::move(*client);
  auto account_client = http::Client::make(impl->loop, account_settings(wanted));
  if (!account_client) return account_client.failure();
  impl->account_client = std::move(*account_client);
  return std::unique_ptr<LoginService>(new LoginService(std::move(impl)));
}

CallResult<tmdb::RequestToken> LoginService::request_token(Api api) {
  auto context = impl_->context();
  if (api == Api::v4)
    return impl_->wait(impl_->client->request_token_v4(std::move(context), std::string()));
  return impl_->wait(impl_->client->request_token(std::move(context)));
}

CallResult<Session> LoginService::exchange(Api api, const std::string& request_token) {
  Session session;
  session.api = api;
  if (api == Api::v4) {
    auto made = impl_->wait(impl_->client->access_token(impl_->context(), request_token));
    if (auto* failure = std::get_if<CallFailure>(&made)) return std::move(*failure);
    auto& token = std::get<tmdb::AccessToken>(made);
    session.v4_access_token = crypto::Secret(std::move(token.token));
    session.v4_account_id = std::move(token.account_id);
    return session;
  }
  auto made = impl_->wait(impl_->client->create_session(impl_->context(), request_token));
  if (auto* failure = std::get_if<CallFailure>(&made)) return std::move(*failure);
  session.v3_session_id = crypto::Secret(std::move(std::get<tmdb::Session>(made).id));
  return session;
}

CallResult<Session> LoginService::complete(Session session) {
  if (session.v3_session_id.empty()) {
    auto made = impl_->wait(
        impl_->client->convert_session(impl_->context(), session.v4_access_token.reveal()));
    if (auto* failure = std::get_if<CallFailure>(&made)) return std::move(*failure);
    session.v3_session_id = crypto::Secret(std::move(std::get<tmdb::Session>(made).id));
  }
  const auto account = read_account(impl_->wait(impl_->account_client->send(
      account_request(impl_->application, session.v3_session_id), impl_->deadline(), {})));
  if (const auto* failure = std::get_if<CallFailure>(&account)) return *failure;
  const std::int64_t id = std::get<Account>(account).id;
  if (id > std::numeric_limits<std::int32_t>::max()) {
    CallFailure strange;
    strange.type = message::ErrorType::upstream_server_error;
    strange.text = "account: " + std::to_string(id) + " is no TMDB user id";
    return strange;
  }
  session.v3_account_id = static_cast<std::int32_t>(id);
  return session;
}

CallResult<tmdb::Done> LoginService::end(const Session& session) {
  const auto old = Credentials::of_session(session.v3_session_id.reveal(), {});
  auto ended = impl_->wait(impl_->client->delete_session(old, impl_->context()));
  if (session.v4_access_token.empty() || std::holds_alternative<CallFailure>(ended)) return ended;
  const auto token = Credentials::of_token(session.v4_access_token.reveal(), session.v4_account_id);
  ended = impl_->wait(impl_->client->delete_session(token, impl_->context()));
  const auto* failure = std::get_if<CallFailure>(&ended);
  // The application's key was good a moment ago: what TMDB does not know is the token.
  if (failure && failure->type == message::ErrorType::upstream_auth) return tmdb::Done{};
  return ended;
}

std::string approval_url(Api api, const std::string& request_token) {
  const std::string site = "https://www.themoviedb.org/";
  return api == Api::v4 ? site + "auth/access?request_token=" + tmdb::encode(request_token)
                        : site + "authenticate/" + tmdb::encode(request_token);
}

}  // namespace spool::tmdb_sessions
