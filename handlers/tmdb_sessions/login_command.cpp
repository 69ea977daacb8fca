#include "handlers/tmdb_sessions/login_command.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "engine/app/interrupt.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/app/read_file.hpp"
#include "handlers/tmdb_sessions/login_service.hpp"
#include "handlers/tmdb_sessions/session_change.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::tmdb_sessions {
namespace {

using app::CommandContext;
using base::Failure;
using base::FailureKind;
using base::Result;
using message::ErrorType;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tmdb::Api;
using tmdb::CallFailure;

constexpr milliseconds kPoll{1'000};

// What the command line asks for.
struct Wanted {
  std::int32_t user = 0;
  Api api = Api::v4;
  std::optional<std::string> file;  // with the credential; none: the user approves
  std::string account_object_id;
  std::optional<milliseconds> wait;  // none: for Enter
};

// The session, or the code that is the answer already.
struct Obtained {
  std::optional<Session> session;
  int code = app::kOk;
};
Obtained failed(int code) {
  return {std::nullopt, code};
}

Failure invalid(std::string text) {
  return {FailureKind::invalid, std::move(text)};
}

Result<Wanted> read_wanted(const app::Arguments& arguments) {
  Wanted wanted;
  const auto user = read_user(arguments);
  if (!user) return user.failure();
  wanted.user = *user;
  const auto session_file = arguments.get("session-id-file");
  const auto token_file = arguments.get("access-token-file");
  if (session_file && token_file)
    return invalid("--session-id-file is of version 3, --access-token-file of version 4: not both");
  const std::string version = arguments.get_or("api-version", session_file ? "3" : "4");
  wanted.api = version == "3" ? Api::v3 : Api::v4;
  if ((session_file && wanted.api != Api::v3) || (token_file && wanted.api != Api::v4))
    return invalid("--api-version " + version + " takes " +
                   (session_file ? "--access-token-file" : "--session-id-file"));
  wanted.file = session_file ? session_file : token_file;
  wanted.account_object_id = arguments.get_or("account-object-id", "");
  if (token_file.has_value() != !wanted.account_object_id.empty())
    return invalid(
        "--access-token-file and --account-object-id go together: TMDB gave the token and the "
        "account_id in one answer");
  if (!arguments.has("wait")) return wanted;
  if (wanted.file) return invalid("--wait is for the user's approval, a file needs none");
  const auto wait = app::read_wait(arguments);
  if (!wait) return wait.failure();
  wanted.wait = *wait;
  return wanted;
}

// "-": stdin.
Result<crypto::Secret> read_credential(CommandContext& context, const std::string& name) {
  std::string text;
  if (name == "-") {
    text.assign(std::istreambuf_iterator<char>(context.in()), std::istreambuf_iterator<char>());
  } else {
    auto read = app::read_file(name);
    if (!read) return read.failure();
    text = std::move(*read);
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  const bool good = is_credential(text);
  crypto::Secret secret(std::move(text));
  if (good) return secret;
  return invalid(name + ": a session id or an access token is one word");
}

Obtained from_file(CommandContext& context, const Wanted& wanted) {
  auto secret = read_credential(context, *wanted.file);
  if (!secret) return failed(context.fail(secret.failure()));
  Session session;
  session.api = wanted.api;
  session.v4_account_id = wanted.account_object_id;
  (wanted.api == Api::v4 ? session.v4_access_token : session.v3_session_id) = std::move(*secret);
  return {std::move(session), app::kOk};
}

bool is_passing(ErrorType type) {
  switch (type) {
    case ErrorType::upstream_connect_timeout:
    case ErrorType::upstream_network:
    case ErrorType::upstream_server_error:
    case ErrorType::upstream_rate_limited:
    case ErrorType::upstream_unavailable:
    case ErrorType::upstream_timeout:
    case ErrorType::upstream_stalled:
      return true;
    default:
      return false;
  }
}

// Version 3 says the same of a token that is not approved, denied or too old.
bool is_unapproved(Api api, ErrorType type) {
  return type == (api == Api::v4 ? ErrorType::upstream_rejected : ErrorType::upstream_auth);
}

int fail_approval(CommandContext& context, Api api, const CallFailure& failure) {
  if (!is_unapproved(api, failure.type)) return fail_call(context, failure);
  return context.fail(app::kNotAllowed,
                      "the login was not approved, or was denied: TMDB says " + failure.text);
}

Obtained poll(CommandContext& context, LoginService& service, app::Interrupt& interrupt,
              const Wanted& wanted, const std::string& token) {
  const auto until = steady_clock::now() + *wanted.wait;
  milliseconds pause = std::min(kPoll, *wanted.wait);
  for (;;) {
    if (interrupt.wait(pause)) return failed(context.fail(app::kInterrupted, "interrupted"));
    auto made = service.exchange(wanted.api, token);
    if (auto* session = std::get_if<Session>(&made)) return {std::move(*session), app::kOk};
    const auto& failure = std::get<CallFailure>(made);
    const bool goes_on = is_unapproved(wanted.api, failure.type) || is_passing(failure.type);
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    if (!goes_on || left <= milliseconds(0))
      return failed(fail_approval(context, wanted.api, failure));
    const milliseconds asked = failure.retry_after.value_or(std::chrono::seconds(0));
    pause = std::min(std::max(kPoll, asked), left);
  }
}

// The user approves a request token on TMDB's site; then it is worth a session.
Obtained from_user(CommandContext& context, LoginService& service, const Wanted& wanted) {
  if (context.quiet())
    return failed(context.fail_usage("--quiet: the address to open could not be shown"));
  std::optional<app::Interrupt> interrupt;
  if (wanted.wait) interrupt.emplace();
  auto asked = service.request_token(wanted.api);
  if (const auto* failure = std::get_if<CallFailure>(&asked))
    return failed(fail_call(context, *failure));
  const std::string token = std::get<tmdb::RequestToken>(asked).token;
  context.note("Log in to TMDB as user " + std::to_string(wanted.user) + ", open\n  " +
               approval_url(wanted.api, token) + "\nand approve.");
  if (interrupt) return poll(context, service, *interrupt, wanted, token);
  context.note("Then press Enter.");
  std::string line;
  if (!std::getline(context.in(), line))
    return failed(context.fail_usage("nobody can press Enter: say --wait TIME"));
  auto made = service.exchange(wanted.api, token);
  if (auto* session = std::get_if<Session>(&made)) return {std::move(*session), app::kOk};
  return failed(fail_approval(context, wanted.api, std::get<CallFailure>(made)));
}

// The whole session, if it is the session of whom it should be.
Obtained checked(CommandContext& context, LoginService& service, const Wanted& wanted,
                 Session session) {
  auto made = service.complete(std::move(session));
  if (const auto* failure = std::get_if<CallFailure>(&made))
    return failed(fail_call(context, *failure));
  auto& whole = std::get<Session>(made);
  if (whole.v3_account_id == wanted.user) return {std::move(whole), app::kOk};
  // Nobody else has it: it would stay open for ever.
  const bool ended = !wanted.file && std::holds_alternative<tmdb::Done>(service.end(whole));
  return failed(context.fail(app::kConflict, "this login is of TMDB user " +
                                                 std::to_string(whole.v3_account_id) + ", not of " +
                                                 std::to_string(wanted.user) +
                                                 (ended ? ": it was ended again" : "")));
}

// Before anybody approves anything in vain.
base::Status look_at_table(CommandContext& context) {
  auto connection = context.connect();
  if (!connection) return connection.failure();
  auto transaction = (*connection)->begin();
  if (!transaction) return transaction.failure();
  const auto counted = count_sessions(**transaction, "");
  return counted ? base::Status() : base::Status(counted.failure());
}

// How many operations go on.
Result<std::int64_t> keep(CommandContext& context, const crypto::SealedBox& box, std::int32_t user,
                          const Session& session, const store::Operator& who) {
  auto connection = context.connect();
  if (!connection) return connection.failure();
  auto transaction = store::begin_durable(**connection);
  if (!transaction) return transaction.failure();
  const auto commands = log_in(**transaction, box, user, session, who);
  if (!commands) return commands.failure();
  if (auto done = (*transaction)->commit(); !done) return done.failure();
  std::int64_t released = 0;
  for (const store::GivenCommand& one : *commands) released += one.matched;
  return released;
}

void show(CommandContext& context, const Session& session, std::int64_t released) {
  const auto version = static_cast<std::int64_t>(session.api);
  std::string text = "TMDB user " + std::to_string(session.v3_account_id) +
                     " is logged in (version " + std::to_string(version) + ")";
  if (released > 0)
    text += "; " + std::to_string(released) +
            (released == 1 ? " operation that waited goes on" : " operations that waited go on");
  context.output().say(text, {{"service", std::string("tmdb")},
                              {"user_id", std::int64_t{session.v3_account_id}},
                              {"api_version", version},
                              {"released", released}});
}

}  // namespace

Result<std::int32_t> read_user(const app::Arguments& arguments) {
  const auto user = arguments.number("user", 1, std::numeric_limits<std::int32_t>::max());
  if (!user) return user.failure();
  if (!*user) return invalid("--user N is needed: the TMDB user id");
  return static_cast<std::int32_t>(**user);
}

Result<store::Operator> read_person(const app::Arguments& arguments, const char* reason) {
  app::Arguments words = arguments;
  if (!words.has("reason")) words.set("reason", {reason});
  return app::read_operator(words);
}

int fail_call(CommandContext& context, const CallFailure& failure) {
  const std::string text = "TMDB: " + failure.text;
  if (is_passing(failure.type)) return context.fail(app::kUnreachable, text);
  if (failure.type == ErrorType::upstream_auth || failure.type == ErrorType::upstream_forbidden)
    return context.fail(app::kNotAllowed, text);
  if (failure.type == ErrorType::upstream_not_found) return context.fail(app::kNotFound, text);
  return context.fail(app::kFailed, text);
}

int login(CommandContext& context) {
  const auto wanted = read_wanted(context.arguments());
  if (!wanted) return context.fail(wanted.failure());
  const auto who = read_person(context.arguments(), "login at TMDB");
  if (!who) return context.fail(who.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const config::UpstreamTmdb& settings = loaded->settings.upstream.tmdb;
  if (wanted->api == Api::v4 && settings.api_key_as != "bearer")
    return context.fail_usage(
        "version 4 takes no API key: configure TMDB's read access token, with "
        "upstream.tmdb.api_key_as = bearer, or say --api-version 3");
  const auto box = session_box(settings.session_key, settings.session_key_before);
  if (!box) return context.fail(box.failure());
  const auto service = LoginService::make(settings);
  if (!service) return context.fail(service.failure());
  if (auto ready = look_at_table(context); !ready) return context.fail(ready.failure());

  Obtained obtained =
      wanted->file ? from_file(context, *wanted) : from_user(context, **service, *wanted);
  if (!obtained.session) return obtained.code;
  obtained = checked(context, **service, *wanted, std::move(*obtained.session));
  if (!obtained.session) return obtained.code;
  const auto released = keep(context, *box, wanted->user, *obtained.session, *who);
  if (!released) return context.fail(released.failure());
  show(context, *obtained.session, *released);
  return app::kOk;
}

}  // namespace spool::tmdb_sessions
