#include "engine/admin/admin_routes.hpp"

#include <gtest/gtest.h>

namespace spool::admin {
namespace {

Router make_routes(bool live, bool ready) {
  AdminSources sources;
  sources.live = [live](bool verbose) { return ProbeAnswer{live, verbose ? "[+] loop" : "ok"}; };
  sources.ready = [ready](bool verbose) { return ProbeAnswer{ready, verbose ? "[-] db" : "no"}; };
  sources.ready_check = [](const std::string& check) -> std::optional<ProbeAnswer> {
    if (check != "kafka") return std::nullopt;
    return ProbeAnswer{true, "connected"};
  };
  sources.metrics = [] { return "spool_build_info 1\n"; };
  sources.version = [] { return "{}"; };
  return admin_routes(std::move(sources));
}

TEST(AdminRoutes, ProbesAre200Or503) {
  EXPECT_EQ(make_routes(true, false).answer("GET", "/livez").status, 200);
  EXPECT_EQ(make_routes(false, false).answer("GET", "/livez").status, 503);
  EXPECT_EQ(make_routes(true, false).answer("GET", "/readyz").status, 503);
  EXPECT_EQ(make_routes(true, true).answer("HEAD", "/readyz").status, 200);
}

TEST(AdminRoutes, VerboseIsAskedFor) {
  const Router routes = make_routes(true, false);
  EXPECT_EQ(routes.answer("GET", "/livez").body, "ok");
  EXPECT_EQ(routes.answer("GET", "/livez?verbose").body, "[+] loop");
  EXPECT_EQ(routes.answer("GET", "/readyz?verbose=1").body, "[-] db");
  EXPECT_EQ(routes.answer("GET", "/readyz?verbose=0").body, "no");
}

TEST(AdminRoutes, OneCheck) {
  const Router routes = make_routes(true, true);
  EXPECT_EQ(routes.answer("GET", "/readyz/kafka").body, "connected");
  EXPECT_EQ(routes.answer("GET", "/readyz/redis").status, 404);
}

TEST(AdminRoutes, MetricsAndVersionSayWhatTheyAre) {
  const Router routes = make_routes(true, true);
  EXPECT_EQ(routes.answer("GET", "/metrics").content_type,
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(routes.answer("GET", "/metrics").body, "spool_build_info 1\n");
  EXPECT_EQ(routes.answer("GET", "/version").content_type, "application/json");
}

}  // namespace
}  // namespace spool::admin
