// The probes' paths: /livez, /readyz, /readyz/{check}, /metrics, /version. What they answer comes
// from the functions given, which any thread may call and which never wait for Kafka or PostgreSQL.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/admin/router.hpp"

namespace spool::admin {

struct ProbeAnswer {
  bool ok = false;
  std::string text;
};

struct AdminSources {
  std::function<ProbeAnswer(bool verbose)> live;
  std::function<ProbeAnswer(bool verbose)> ready;
  std::function<std::optional<ProbeAnswer>(const std::string& check)>
      ready_check;                       // empty: no such
  std::function<std::string()> metrics;  // Prometheus text format 0.0.4
  std::function<std::string()> version;  // a JSON object
};

Router admin_routes(AdminSources sources);

}  // namespace spool::admin
