// Who may call: the application's keys, users with their sessions and access tokens, and request
// tokens on their way to become one of these. Owned by the Standin; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace spool::standin {

struct AccountSettings {
  std::string api_key = "standin-api-key";        // ?api_key=
  std::string read_token = "standin-read-token";  // the application's bearer
  // Every key that is not empty is good, and the credential `user-<n>` belongs to user n.
  bool open = false;
};

enum class Flow : std::uint8_t { v3, v4 };

// What became of a request token that somebody wants to exchange.
struct Claim {
  enum class Kind : std::uint8_t { granted, invalid, not_approved };
  Kind kind = Kind::invalid;
  std::int64_t user = 0;
};

class Accounts {
 public:
  explicit Accounts(AccountSettings settings) : settings_(std::move(settings)) {}

  bool is_key(std::string_view api_key) const;
  bool is_read_token(std::string_view bearer) const;
  std::optional<std::int64_t> user_of_session(std::string_view session) const;
  std::optional<std::int64_t> user_of_token(std::string_view token) const;
  // The id of the account in v4.
  static std::string object_id(std::int64_t user);

  // `wanted` empty: session-7, then session-7-2, ... (token-7, token-7-2, ...).
  std::string make_session(std::int64_t user, const std::string& wanted = {});
  std::string make_token(std::int64_t user, const std::string& wanted = {});
  // False if there was no such session or access token.
  bool end_session(const std::string& session);
  bool end_token(const std::string& token);

  std::string make_request_token(Flow flow, std::int64_t now_s);
  std::int64_t request_token_end(std::string_view token) const;
  bool approve(const std::string& token, std::int64_t user);
  // A granted token is used up.
  Claim claim(Flow flow, const std::string& token, std::int64_t now_s);

 private:
  struct RequestToken {
    Flow flow;
    std::int64_t ends_s;
    std::optional<std::int64_t> approved_by;
  };
  using Owners = std::unordered_map<std::string, std::int64_t>;

  std::optional<std::int64_t> owner(const Owners& owners, std::string_view credential) const;
  bool end(Owners& owners, const std::string& credential);

  AccountSettings settings_;
  Owners sessions_;
  Owners tokens_;
  std::unordered_set<std::string> ended_;  // of those that --open takes unseen
  std::map<std::int64_t, int> sessions_made_;
  std::map<std::int64_t, int> tokens_made_;
  std::map<std::string, RequestToken, std::less<>> request_tokens_;
  int request_tokens_made_ = 0;
};

}  // namespace spool::standin
