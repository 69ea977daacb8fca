#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/config/describe.hpp"

namespace spool::app {
namespace {

int check(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  // Handlers judge their own settings when they are made.
  if (const auto registry = context.program().handlers(loaded->settings); !registry)
    return context.fail(registry.failure());
  const auto given = static_cast<std::int64_t>(loaded->origins.size());
  context.output().say("the configuration is good: " + std::to_string(given) +
                           " keys given, the others at their defaults",
                       {{"ok", true}, {"keys_given", given}});
  return kOk;
}

// One row a key: programs read it, people read TOML.
int show_rows(CommandContext& context, const config::Loaded& loaded, bool with_origin) {
  const config::KeyTable table(loaded.handlers);
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const std::string& path, const config::Shape& shape,
                       const config::Value& value) {
    const auto found = loaded.origins.find(path);
    const std::string origin =
        found == loaded.origins.end() ? config::Origin{}.where : found->second.where;
    auto& row = rows.emplace_back();
    row.emplace_back(path);
    row.emplace_back(config::to_text(shape, config::masked(shape, value)));
    if (with_origin) row.emplace_back(origin);
  };
  for (const config::Key& key : table.all()) {
    if (key.given && !key.given(loaded.settings)) continue;
    if (!key.members) {
      add(key.path(), key.shape, key.read(loaded.settings));
      continue;
    }
    for (const auto& [name, value] : loaded.settings.kafka.properties)
      add(key.section + "." + name, config::property_shape(name), value);
  }
  std::vector<std::string> keys = {"key", "value"};
  if (with_origin) keys.emplace_back("origin");
  context.output().list(keys, rows, "");
  return kOk;
}

int show(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const bool with_origin = context.arguments().has("origin");
  if (context.output().settings().format != OutputFormat::text)
    return show_rows(context, *loaded, with_origin);
  context.output().document(config::show(*loaded, with_origin));
  return kOk;
}

int schema(CommandContext& context) {
  context.output().document(config::schema(context.program().known));
  return kOk;
}

int example(CommandContext& context) {
  context.output().document(config::example(context.program().known));
  return kOk;
}

}  // namespace

std::vector<Command> config_commands() {
  return {
      {.path = "config",
       .help = "Check, show and explain the configuration",
       .footer =
           "Precedence: --set, then the environment (SPOOL__SECTION__KEY, or with _FILE at the\n"
           "end the name of a file), then --config FILE, then credentials of systemd, then\n"
           "defaults."},
      {.path = "config check",
       .help = "Read the configuration from all sources and say what is wrong",
       .footer = "Examples:\n  spool -c spool.toml config check\n"
                 "  spool config check --set consumer.session_timeout=45s",
       .run = check},
      {.path = "config show",
       .help = "The configuration in effect; secrets are masked",
       .options = {{"--origin", "", "Say where each value comes from"}},
       .footer = "Examples:\n  spool config show --origin\n  spool config show -o json",
       .run = show},
      {.path = "config schema",
       .help = "JSON Schema of the configuration file, for editors",
       .footer = "Example:\n  spool config schema > spool.schema.json",
       .run = schema},
      {.path = "config example",
       .help = "A commented configuration file with every key",
       .footer = "Example:\n  spool config example > spool.toml",
       .run = example},
  };
}

}  // namespace spool::app
