// Which function answers which path: exact segments and {captures}, for reading (GET, and HEAD by
// leaving the body to the server). Filled before it is used, then read only: any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/http_types.hpp"

namespace spool::admin {

// Path and query of a request target ("/readyz?verbose"), percent-decoded. Empty if it is not an
// absolute path, or is wrongly encoded.
std::optional<Request> parse_target(std::string_view method, std::string_view target);

class Router {
 public:
  using Handler = std::function<Response(const Request&)>;

  // "/readyz/{check}": a capture is one segment and never empty.
  void get(std::string_view pattern, Handler handler);

  // 400, 404 and 405 are problems; everything else is what the handler says.
  Response answer(std::string_view method, std::string_view target) const;

 private:
  struct Route {
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace spool::admin
