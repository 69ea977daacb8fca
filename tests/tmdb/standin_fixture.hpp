// A Standin without a network for unit tests, with a clock that the test moves, user 7 and user 8,
// and short words for asking.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "engine/admin/router.hpp"
#include "tests/tmdb/standin.hpp"

namespace spool::standin {

class StandinTest : public ::testing::Test {
 protected:
  StandinTest() {
    control("POST", "/_standin/users", R"({"user_id":7})");
    control("POST", "/_standin/users", R"({"user_id":8})");
  }

  // Both steps of a request.
  Delivery deliver(std::string_view method, const std::string& target, const std::string& body = {},
                   const std::string& bearer = {}) {
    const auto parsed = admin::parse_target(method, target);
    EXPECT_TRUE(parsed) << target;
    const Request request{parsed->method, parsed->path, parsed->query, bearer, body};
    at_.steady_us += 1000;
    const Ticket ticket = standin_.arrive(request, at_);
    return standin_.perform(request, ticket, at_);
  }

  json::object told(std::string_view method, const std::string& target,
                    const std::string& body = {}, const std::string& bearer = {}) {
    last_ = deliver(method, target, body, bearer);
    return parse_object(last_.answer.body).value_or(json::object());
  }

  // "201/12": HTTP status and TMDB's code.
  std::string code(std::string_view method, const std::string& target, const std::string& body = {},
                   const std::string& bearer = {}) {
    const json::object answer = told(method, target, body, bearer);
    const auto number = whole_number(answer, "status_code");
    return std::to_string(last_.answer.status) + (number ? "/" + std::to_string(*number) : "");
  }

  // As user 7 in version 3: `path` is below /3.
  std::string v3(std::string_view method, const std::string& path, const std::string& body = {}) {
    return code(method, "/3" + path + mark(path) + kKey + "&session_id=session-7", body);
  }
  json::object v3_told(std::string_view method, const std::string& path,
                       const std::string& body = {}) {
    return told(method, "/3" + path + mark(path) + kKey + "&session_id=session-7", body);
  }
  // As user 7 in version 4.
  std::string v4(std::string_view method, const std::string& path, const std::string& body = {}) {
    return code(method, "/4" + path, body, "token-7");
  }
  json::object v4_told(std::string_view method, const std::string& path,
                       const std::string& body = {}) {
    return told(method, "/4" + path, body, "token-7");
  }

  json::object control(std::string_view method, const std::string& target,
                       const std::string& body = {}) {
    return told(method, target, body);
  }
  void faults(const std::string& rules) {
    control("POST", "/_standin/faults", rules);
    ASSERT_EQ(last_.answer.status, 200) << last_.answer.body;
  }

  // "create add! add(outside)": kinds in order; ! marks what changed nothing.
  std::string ledger() {
    const std::string lines = deliver("GET", "/_standin/ledger").answer.body;
    std::string kinds;
    for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
      const auto row = parse_object(lines.substr(at, lines.find('\n', at) - at));
      kinds += (kinds.empty() ? "" : " ") + text(*row, "kind").value();
      if (!row->at("changed").as_bool()) kinds += "!";
      if (text(*row, "origin") == "outside") kinds += "(outside)";
    }
    return kinds;
  }

  // A list of user 7's.
  std::string make_list(const std::string& name = "mine") {
    const json::object made = v3_told("POST", "/list", "{\"name\":\"" + name + "\"}");
    return std::to_string(whole_number(made, "list_id").value_or(0));
  }
  static std::string movie(std::int64_t id) { return "{\"media_id\":" + std::to_string(id) + "}"; }
  static std::string mark(const std::string& path) {
    return path.find('?') == std::string::npos ? "?" : "&";
  }

  static constexpr const char* kKey = "api_key=standin-api-key";
  Settings settings_ = {};
  Standin standin_{settings_};
  Moment at_{1'000'000, 1'800'000'000};
  Delivery last_ = {};
};

}  // namespace spool::standin
