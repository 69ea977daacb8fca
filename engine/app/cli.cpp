#include "engine/app/cli.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "engine/app/build_info.hpp"
#include "engine/app/exit_code.hpp"
#include "engine/base/text.hpp"

namespace spool::app {
namespace {

constexpr const char* kAbout =
    "Spool applies events from Kafka to PostgreSQL, exactly once in effect.";
constexpr const char* kFooter =
    "Examples:\n"
    "  spool migrate up                     bring the database up to date\n"
    "  spool topics apply                   create and configure the topics\n"
    "  spool run                            run the worker\n"
    "  spool publish progress.v1 -f -       publish an event from stdin\n"
    "  spool COMMAND --help                 a command's options and examples\n"
    "\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 partly done, 4 not found, 5 conflict, 6 a dependency "
    "is\n"
    "unreachable, 7 not allowed, 8 differences found (--exit-code), 130 interrupted.\n"
    "Configuration: --set, then SPOOL__SECTION__KEY in the environment, then --config FILE, then\n"
    "defaults; `spool config example` lists every key.";
constexpr const char* kMoreOptions =
    "\n\nEvery command takes --config, --set, --output, --time-format, --color, --quiet: spool "
    "--help";

std::string long_name(const std::string& names) {
  const std::size_t dashes = names.find("--");
  return names.substr(dashes + 2, names.find(',', dashes) - dashes - 2);
}

// CLI11 lists what was parsed unless it is given a filter. App is const or not.
template <typename App>
std::vector<App*> all_below(App* app) {
  return app->get_subcommands([](const CLI::App*) { return true; });
}

template <typename App>
App* find_below(App* app, const std::string& word) {
  for (App* below : all_below(app)) {
    if (below->get_name() == word) return below;
  }
  return nullptr;
}

std::string first_word(std::string_view path) {
  return std::string(path.substr(0, path.find(' ')));
}

// CLI11's tree with what belongs to each of its leaves.
class Tree {
 public:
  explicit Tree(const std::vector<Command>& commands) : root_(kAbout, "spool") {
    root_.footer(kFooter);
    root_.set_help_flag("-h,--help", "Show this help and end");
    root_.set_version_flag("--version", std::string("spool ") + build_facts().version);
    root_.require_subcommand(1);
    root_.get_formatter()->column_width(34);
    global_options();
    for (const Command& command : commands) add(command);
  }

  CLI::App& root() { return root_; }
  const Command* chosen() const {
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    const auto found = leaves_.find(app);
    return found == leaves_.end() ? nullptr : found->second;
  }
  Arguments arguments() const {
    Arguments arguments;
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    for (const auto& [option, name] : options_) {
      if (option.first == app && option.second->count() > 0)
        arguments.set(name, option.second->as<std::vector<std::string>>());
    }
    return arguments;
  }
  GlobalOptions global() const;

 private:
  void global_options();
  void add(const Command& command);
  CLI::App* place(const std::string& path, const std::string& help);

  CLI::App root_;
  std::map<const CLI::App*, const Command*> leaves_;
  std::vector<std::pair<std::pair<const CLI::App*, const CLI::Option*>, std::string>> options_;
  std::string config_;
  std::vector<std::string> set_;
  std::string format_ = "text";
  std::string color_ = "auto";
  std::string time_format_ = "rfc3339";
  bool quiet_ = false;
};

void Tree::global_options() {
  const std::string group = "Everywhere";
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  root_.add_option("-c,--config", config_, "Configuration file (TOML)")
      ->type_name("FILE")
      ->group(group)
      ->multi_option_policy(last);
  root_.add_option("--set", set_, "A configuration key, such as log.level=debug; repeatable")
      ->type_name("KEY=VALUE")
      ->group(group)
      ->allow_extra_args(false);
  root_.add_option("-o,--output", format_, "Form of the result: text, json, jsonl, none")
      ->type_name("FORM")
      ->group(group)
      ->multi_option_policy(last)
      ->check(CLI::IsMember({"text", "json", "jsonl", "none"}));
  root_.add_option("--time-format", time_format_, "Times in text: rfc3339, local, relative, unix")
      ->type_name("FORM")
      ->group(group)
      ->multi_option_policy(last)
      ->check(CLI::IsMember({"rfc3339", "local", "relative", "unix"}));
  root_.add_option("--color", color_, "Colors in text: auto, always, never")
      ->type_name("WHEN")
      ->group(group)
      ->multi_option_policy(last)
      ->check(CLI::IsMember({"auto", "always", "never"}));
  root_.add_flag("--quiet", quiet_, "Neither results nor notes, only errors and the exit code")
      ->group(group);
}

CLI::App* Tree::place(const std::string& path, const std::string& help) {
  CLI::App* app = &root_;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string word = first_word(rest);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    CLI::App* below = find_below(app, word);
    if (below == nullptr) {
      below = app->add_subcommand(word);
      below->fallthrough();
      below->set_help_flag("-h,--help", "Show this help and end");
    }
    if (app != &root_) app->require_subcommand(1);
    app = below;
  }
  app->description(help);
  return app;
}

void Tree::add(const Command& command) {
  CLI::App* app = place(command.path, command.help);
  app->footer(command.footer + kMoreOptions);
  if (command.run) leaves_[app] = &command;
  for (const Positional& positional : command.positionals) {
    CLI::Option* option = app->add_option(positional.name, positional.help);
    option->required(positional.required);
    option->expected(1, positional.repeatable ? CLI::detail::expected_max_vector_size : 1)
        ->allow_extra_args(positional.repeatable);
    options_.push_back({{app, option}, positional.name});
  }
  for (const Option& one : command.options) {
    CLI::Option* option = one.value.empty() ? app->add_flag(one.names, one.help)
                                            : app->add_option(one.names, one.help);
    if (!one.value.empty()) option->type_name(one.value)->expected(1)->allow_extra_args(false);
    if (one.repeatable) option->take_all();
    if (!one.choices.empty()) option->check(CLI::IsMember(one.choices));
    options_.push_back({{app, option}, long_name(one.names)});
  }
}

template <typename Value>
Value choice(const std::map<std::string, Value>& words, const std::string& word) {
  return words.at(word);  // the parser has checked it
}

GlobalOptions Tree::global() const {
  GlobalOptions global;
  if (root_.count("--config") > 0) global.config_file = config_;
  global.format = choice<OutputFormat>({{"text", OutputFormat::text},
                                        {"json", OutputFormat::json},
                                        {"jsonl", OutputFormat::jsonl},
                                        {"none", OutputFormat::none}},
                                       format_);
  global.time_format = choice<TimeFormat>({{"rfc3339", TimeFormat::rfc3339},
                                           {"local", TimeFormat::local},
                                           {"relative", TimeFormat::relative},
                                           {"unix", TimeFormat::unix_seconds}},
                                          time_format_);
  global.color = choice<Color>(
      {{"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}}, color_);
  global.quiet = quiet_;
  if (quiet_) global.format = OutputFormat::none;
  for (const std::string& pair : set_) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw CLI::ValidationError("--set", "\"" + pair.substr(0, equals) + "\" is not KEY=VALUE");
    global.set.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return global;
}

// "--topc": the nearest of the options here and above, as " Did you mean --topic?".
std::string unknown_option(const CLI::App* app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* at = app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  const std::string meant = word.starts_with("--") ? base::nearest(word, names) : "";
  return "unknown option " + word + (meant.empty() ? "" : ", did you mean " + meant + "?");
}

std::string unknown_command(const CLI::App* app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* below : all_below(app)) names.push_back(below->get_name());
  const std::string meant = base::nearest(word, names);
  return "unknown command \"" + word + "\"" +
         (meant.empty() ? "" : ", did you mean " + meant + "?");
}

const CLI::Option* find_option(const CLI::App* app, const std::string& name) {
  for (const CLI::App* at = app; at != nullptr; at = at->get_parent()) {
    if (const CLI::Option* found = at->get_option_no_throw(name)) return found;
  }
  return nullptr;
}

struct Misspelling {
  const CLI::App* app;  // the command in which it stands
  std::string text;     // empty: no word is unknown
};

// Walks the words as the parser does, up to the first that names nothing.
Misspelling misspelling(const CLI::App* app, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") break;
    if (word.size() > 1 && word[0] == '-') {
      const bool is_long = word[1] == '-';
      const std::size_t equals = is_long ? word.find('=') : std::string::npos;
      const std::string name = is_long ? word.substr(0, equals) : word.substr(0, 2);
      const CLI::Option* option = find_option(app, name);
      if (option == nullptr) return {app, unknown_option(app, name)};
      const bool value_follows = option->get_expected_max() > 0 && equals == std::string::npos &&
                                 (is_long || word.size() == 2);
      if (value_follows) ++i;
    } else if (!all_below(app).empty()) {
      const CLI::App* below = find_below(app, word);
      if (below == nullptr) return {app, unknown_command(app, word)};
      app = below;
    }
  }
  return {app, {}};
}

std::string full_name(const CLI::App* app) {
  return app->get_parent() == nullptr ? app->get_name()
                                      : full_name(app->get_parent()) + " " + app->get_name();
}

int refuse(const CLI::App& root, const std::vector<std::string>& words,
           const CLI::ParseError& error, std::ostream& err) {
  const Misspelling found = misspelling(&root, words);
  const std::string text = found.text.empty() ? std::string(error.what()) : found.text;
  err << "spool: " << text << " (see `" << full_name(found.app) << " --help`)\n";
  return kUsage;
}

}  // namespace

ParsedLine parse_command_line(const std::vector<Command>& commands,
                              const std::vector<std::string>& words, std::ostream& out,
                              std::ostream& err) {
  Tree tree(commands);
  ParsedLine line;
  if (words.empty()) {
    err << tree.root().help();
    line.code = kUsage;
    return line;
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    tree.root().parse(reversed);
    line.global = tree.global();
  } catch (const CLI::Success& asked) {  // help or version
    tree.root().exit(asked, out, err);
    return line;
  } catch (const CLI::ParseError& error) {
    line.code = refuse(tree.root(), words, error, err);
    return line;
  }
  line.command = tree.chosen();
  line.arguments = tree.arguments();
  return line;
}

}  // namespace spool::app
