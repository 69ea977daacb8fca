// TMDB's authentication for a command line: every call waits for its answer, on the caller's
// thread, no longer than the configuration says. The requests are few, and of a person: they are
// not counted against the deployment's rate. No text has a secret in it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/config/settings.hpp"
#include "handlers/tmdb/call.hpp"
#include "handlers/tmdb/json.hpp"
#include "handlers/tmdb_sessions/session.hpp"

namespace spool::tmdb_sessions {

class LoginService {
 public:
  // Fails with `invalid`: a key or URL of the configuration. Connects to nothing yet.
  static base::Result<std::unique_ptr<LoginService>> make(const config::UpstreamTmdb& settings);
  ~LoginService();
  LoginService(const LoginService&) = delete;
  LoginService& operator=(const LoginService&) = delete;

  // To be approved by the user on approval_url().
  tmdb::CallResult<tmdb::RequestToken> request_token(tmdb::Api api);
  // What TMDB gives for a token that was approved.
  tmdb::CallResult<Session> exchange(tmdb::Api api, const std::string& request_token);
  // Adds what the login does not have yet and TMDB knows: the session of version 3, the account.
  tmdb::CallResult<Session> complete(Session session);
  // Ends all of it at TMDB: of a session that is complete. What is over already is done.
  tmdb::CallResult<tmdb::Done> end(const Session& session);

 private:
  struct Impl;
  explicit LoginService(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

std::string approval_url(tmdb::Api api, const std::string& request_token);

}  // namespace spool::tmdb_sessions
