#include "tests/tmdb/accounts.hpp"

#include <algorithm>
#include <charconv>

namespace spool::standin {
namespace {

constexpr std::int64_t kV3TokenSeconds = 60 * 60;
constexpr std::int64_t kV4TokenSeconds = 15 * 60;

// "user-17" -> 17.
std::optional<std::int64_t> named_user(std::string_view credential) {
  constexpr std::string_view kPrefix = "user-";
  if (!credential.starts_with(kPrefix)) return std::nullopt;
  credential.remove_prefix(kPrefix.size());
  std::int64_t user = 0;
  const char* end = credential.data() + credential.size();
  const auto read = std::from_chars(credential.data(), end, user);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return user;
}

std::string numbered(const char* what, std::int64_t user, int number) {
  std::string name = what + std::to_string(user);
  return number == 1 ? name : name + "-" + std::to_string(number);
}

}  // namespace

bool Accounts::is_key(std::string_view api_key) const {
  return !api_key.empty() && (settings_.open || api_key == settings_.api_key);
}

bool Accounts::is_read_token(std::string_view bearer) const {
  if (bearer.empty()) return false;
  return bearer == settings_.read_token || (settings_.open && !user_of_token(bearer));
}

std::optional<std::int64_t> Accounts::owner(const Owners& owners,
                                            std::string_view credential) const {
  const std::string name(credential);
  const auto found = owners.find(name);
  if (found != owners.end()) return found->second;
  return settings_.open && !ended_.contains(name) ? named_user(credential) : std::nullopt;
}

std::optional<std::int64_t> Accounts::user_of_session(std::string_view session) const {
  return owner(sessions_, session);
}

std::optional<std::int64_t> Accounts::user_of_token(std::string_view token) const {
  return owner(tokens_, token);
}

std::string Accounts::object_id(std::int64_t user) {
  std::string digits = std::to_string(user);
  constexpr std::size_t kLength = 24;
  return "5f" + std::string(kLength - 2 - std::min(digits.size(), kLength - 2), '0') + digits;
}

std::string Accounts::make_session(std::int64_t user, const std::string& wanted) {
  const std::string session =
      wanted.empty() ? numbered("session-", user, ++sessions_made_[user]) : wanted;
  sessions_[session] = user;
  return session;
}

std::string Accounts::make_token(std::int64_t user, const std::string& wanted) {
  const std::string token =
      wanted.empty() ? numbered("token-", user, ++tokens_made_[user]) : wanted;
  tokens_[token] = user;
  return token;
}

bool Accounts::end(Owners& owners, const std::string& credential) {
  const bool was_good = owner(owners, credential).has_value();
  owners.erase(credential);
  if (settings_.open) ended_.insert(credential);
  return was_good;
}

bool Accounts::end_session(const std::string& session) {
  return end(sessions_, session);
}

bool Accounts::end_token(const std::string& token) {
  return end(tokens_, token);
}

std::string Accounts::make_request_token(Flow flow, std::int64_t now_s) {
  const std::string token = "request-token-" + std::to_string(++request_tokens_made_);
  const std::int64_t lasts = flow == Flow::v3 ? kV3TokenSeconds : kV4TokenSeconds;
  request_tokens_[token] = {flow, now_s + lasts, std::nullopt};
  return token;
}

std::int64_t Accounts::request_token_end(std::string_view token) const {
  const auto found = request_tokens_.find(token);
  return found == request_tokens_.end() ? 0 : found->second.ends_s;
}

bool Accounts::approve(const std::string& token, std::int64_t user) {
  const auto found = request_tokens_.find(token);
  if (found == request_tokens_.end()) return false;
  found->second.approved_by = user;
  return true;
}

Claim Accounts::claim(Flow flow, const std::string& token, std::int64_t now_s) {
  const auto found = request_tokens_.find(token);
  if (found == request_tokens_.end() || found->second.flow != flow ||
      found->second.ends_s <= now_s) {
    return {Claim::Kind::invalid};
  }
  if (!found->second.approved_by) return {Claim::Kind::not_approved};
  const std::int64_t user = *found->second.approved_by;
  request_tokens_.erase(found);
  return {Claim::Kind::granted, user};
}

}  // namespace spool::standin
