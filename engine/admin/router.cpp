#include "engine/admin/router.hpp"

#include <utility>

#include "engine/admin/problem.hpp"
#include "engine/base/assert.hpp"

namespace spool::admin {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(separator, at);
    out.emplace_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

bool is_capture(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::map<std::string, std::string>& captures) {
  if (pattern.size() != path.size()) return false;
  captures.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_capture(pattern[i]) && !path[i].empty()) {
      captures[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Request> parse_target(std::string_view method, std::string_view target) {
  if (target.empty() || target.front() != '/') return std::nullopt;
  const std::size_t mark = target.find('?');
  const auto path = percent_decoded(target.substr(0, mark));
  if (!path) return std::nullopt;
  Request request{std::string(method), *path, {}, {}};
  if (mark == std::string_view::npos) return request;
  for (const std::string& pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto key = percent_decoded(std::string_view(pair).substr(0, equals));
    const auto value = equals == std::string::npos
                           ? std::optional<std::string>("")
                           : percent_decoded(std::string_view(pair).substr(equals + 1));
    if (!key || !value) return std::nullopt;
    request.query[*key] = *value;
  }
  return request;
}

void Router::get(std::string_view pattern, Handler handler) {
  SPOOL_ASSERT(pattern.starts_with('/'), "a route starts with /");
  routes_.push_back({split(pattern, '/'), std::move(handler)});
}

Response Router::answer(std::string_view method, std::string_view target) const {
  std::optional<Request> request = parse_target(method, target);
  if (!request) return problem(400, "the request target is not a well-formed path");
  const std::vector<std::string> path = split(request->path, '/');
  for (const Route& route : routes_) {
    if (!matches(route.segments, path, request->captures)) continue;
    if (method == "GET" || method == "HEAD") return route.handler(*request);
    Response refusal = problem(405, "this path can only be read");
    refusal.headers.emplace_back("Allow", "GET, HEAD");
    return refusal;
  }
  return problem(404, "nothing is served at " + request->path);
}

}  // namespace spool::admin
