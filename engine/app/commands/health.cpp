// Asks a running worker for its probes over HTTP, as a container's health check does.
#include <chrono>

#include "engine/admin/http_get.hpp"
#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"

namespace spool::app {
namespace {

constexpr std::chrono::seconds kTimeout{3};
constexpr int kHttpOk = 200;

// Where the worker of this configuration answers, seen from the same machine.
base::Result<std::string> url_of(CommandContext& context) {
  if (auto url = context.arguments().get("url")) {
    while (url->ends_with('/')) url->pop_back();
    return *url;
  }
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  config::Endpoint endpoint = loaded->settings.http_admin.listen;
  if (endpoint.port == 0) {
    return base::Failure(base::FailureKind::invalid,
                         "http.admin.listen names port 0, any free one: say which with --url");
  }
  if (endpoint.host == "0.0.0.0") endpoint.host = "127.0.0.1";
  if (endpoint.host == "::") endpoint.host = "::1";
  return "http://" + config::to_string(endpoint);
}

int health(CommandContext& context) {
  const bool live = context.arguments().has("live");
  if (live && context.arguments().has("ready"))
    return context.fail_usage("--live or --ready, not both");
  const auto url = url_of(context);
  if (!url) return context.fail(url.failure());
  const auto answer = admin::http_get(*url + (live ? "/livez" : "/readyz") + "?verbose", kTimeout);
  if (!answer) return context.fail(answer.failure());
  std::string text = answer->body;
  while (text.ends_with('\n')) text.pop_back();
  const bool ok = answer->status == kHttpOk;
  context.output().say(text, {{"probe", std::string(live ? "live" : "ready")},
                              {"ok", ok},
                              {"status", std::int64_t{answer->status}},
                              {"text", text}});
  return ok ? kOk : kFailed;
}

}  // namespace

std::vector<Command> health_commands() {
  return {{.path = "health",
           .help = "Ask a running worker whether it is live or ready",
           .options = {{"--live", "", "Whether the process is worth keeping"},
                       {"--ready", "", "Whether it can do its work now (default)"},
                       {"--url", "URL", "The worker's admin address (default: http.admin.listen)"}},
           .footer = "Exit codes: 0 yes, 1 no, 6 no worker answers.\n"
                     "Examples:\n"
                     "  spool health\n"
                     "  spool health --live --quiet\n"
                     "  spool health --url http://10.0.0.7:9464",
           .run = health}};
}

}  // namespace spool::app
