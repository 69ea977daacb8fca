#include "engine/admin/admin_routes.hpp"

#include <utility>

#include "engine/admin/problem.hpp"

namespace spool::admin {
namespace {

Response probe_response(ProbeAnswer answer) {
  Response response;
  response.status = answer.ok ? 200 : 503;
  response.body = std::move(answer.text);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// "?verbose", "?verbose=1"; "?verbose=0" is not.
bool is_verbose(const Request& request) {
  const auto it = request.query.find("verbose");
  return it != request.query.end() && it->second != "0" && it->second != "false";
}

}  // namespace

Router admin_routes(AdminSources sources) {
  Router router;
  router.get("/livez", [live = std::move(sources.live)](const Request& request) {
    return probe_response(live(is_verbose(request)));
  });
  router.get("/readyz", [ready = std::move(sources.ready)](const Request& request) {
    return probe_response(ready(is_verbose(request)));
  });
  router.get("/readyz/{check}", [check = std::move(sources.ready_check)](const Request& request) {
    const std::string& name = request.captures.at("check");
    std::optional<ProbeAnswer> answer = check(name);
    if (!answer) return problem(404, "no check is called " + name);
    return probe_response(std::move(*answer));
  });
  router.get("/metrics", [metrics = std::move(sources.metrics)](const Request&) {
    return Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics()};
  });
  router.get("/version", [version = std::move(sources.version)](const Request&) {
    return Response{200, "application/json", version()};
  });
  return router;
}

}  // namespace spool::admin
