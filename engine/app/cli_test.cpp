#include "engine/app/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/app/commands/commands.hpp"
#include "engine/app/exit_code.hpp"

namespace spool::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class CliTest : public testing::Test {
 protected:
  ParsedLine parse(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    return parse_command_line(commands_, words, out_, err_);
  }
  std::string path_of(const std::vector<std::string>& words) {
    const ParsedLine line = parse(words);
    return line.command == nullptr ? "(none) " + err_.str() : line.command->path;
  }
  // What is said of words that are refused.
  std::string refusal(const std::vector<std::string>& words) {
    const ParsedLine line = parse(words);
    EXPECT_EQ(line.command, nullptr);
    EXPECT_EQ(line.code, kUsage);
    EXPECT_EQ(out_.str(), "");
    return err_.str();
  }

  std::vector<Command> commands_ = engine_commands();
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CliTest, FindsEveryCommand) {
  for (const Command& command : engine_commands()) {
    if (!command.run) continue;
    std::vector<std::string> words;
    std::istringstream path(command.path);
    for (std::string word; path >> word;) words.push_back(word);
    for (const Positional& positional : command.positionals) words.push_back(positional.name);
    EXPECT_EQ(path_of(words), command.path);
  }
}

TEST_F(CliTest, ExplainsEveryCommand) {
  for (const Command& command : engine_commands()) {
    EXPECT_FALSE(command.help.empty()) << command.path;
    EXPECT_TRUE(!command.run || command.footer.find("Example") != std::string::npos)
        << command.path;
    std::vector<std::string> words;
    std::istringstream path(command.path);
    for (std::string word; path >> word;) words.push_back(word);
    words.emplace_back("--help");
    const ParsedLine line = parse(words);
    EXPECT_EQ(line.code, kOk);
    EXPECT_EQ(line.command, nullptr);
    EXPECT_THAT(out_.str(), HasSubstr(command.help));
    for (const Option& option : command.options) EXPECT_THAT(out_.str(), HasSubstr(option.help));
    for (const Positional& one : command.positionals) EXPECT_THAT(out_.str(), HasSubstr(one.name));
  }
}

TEST_F(CliTest, TakesGlobalOptionsAnywhere) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"-c", "f.toml", "-o", "json", "--set", "a.b=c=d", "config",
                                 "show"},
        std::vector<std::string>{"config", "show", "-c", "f.toml", "-o", "json", "--set",
                                 "a.b=c=d"}}) {
    const ParsedLine line = parse(words);
    ASSERT_NE(line.command, nullptr) << err_.str();
    EXPECT_EQ(line.global.config_file, "f.toml");
    EXPECT_EQ(line.global.format, OutputFormat::json);
    EXPECT_THAT(line.global.set, ElementsAre(Pair("a.b", "c=d")));
  }
  const ParsedLine plain = parse({"version"});
  EXPECT_EQ(plain.global.config_file, std::nullopt);
  EXPECT_EQ(plain.global.format, OutputFormat::text);
  EXPECT_EQ(parse({"version", "--quiet", "-o", "json"}).global.format, OutputFormat::none);
  EXPECT_EQ(parse({"version", "--time-format", "unix"}).global.time_format,
            TimeFormat::unix_seconds);
  EXPECT_EQ(parse({"version", "--color", "always"}).global.color, Color::always);
}

TEST_F(CliTest, HandsOverArguments) {
  const ParsedLine line = parse({"publish", "-k", "7:603", "progress.v1", "-H", "a=b", "-H", "c=d",
                                 "--jsonl", "-f", "-", "--rate", "5"});
  ASSERT_NE(line.command, nullptr) << err_.str();
  EXPECT_EQ(line.arguments.get("TYPE"), "progress.v1");
  EXPECT_EQ(line.arguments.get("key"), "7:603");
  EXPECT_THAT(line.arguments.all("header"), ElementsAre("a=b", "c=d"));
  EXPECT_TRUE(line.arguments.has("jsonl"));
  EXPECT_EQ(line.arguments.get("file"), "-");
  EXPECT_EQ(line.arguments.get("rate"), "5");
  EXPECT_FALSE(line.arguments.has("topic"));
  EXPECT_EQ(parse({"publish", "x", "-H", "a=b", "--key=-5"}).arguments.get("key"), "-5");
  const ParsedLine words = parse({"dlt", "list", "a", "--limit", "7", "b"});
  ASSERT_NE(words.command, nullptr) << err_.str();
  EXPECT_THAT(words.arguments.all("ID|FILTER"), ElementsAre("a", "b"));
}

TEST_F(CliTest, SuggestsWhatMayHaveBeenMeant) {
  EXPECT_THAT(refusal({"migrat", "up"}),
              HasSubstr("unknown command \"migrat\", did you mean migrate?"));
  EXPECT_THAT(refusal({"migrate", "upp"}),
              HasSubstr("did you mean up? (see `spool migrate --help`)"));
  EXPECT_THAT(refusal({"publish", "x", "--topc", "t"}),
              HasSubstr("unknown option --topc, did you mean --topic?"));
  EXPECT_THAT(refusal({"-o", "json", "config", "shw"}), HasSubstr("did you mean show?"));
  EXPECT_THAT(refusal({"run", "--ouput", "json"}), HasSubstr("did you mean --output?"));
  EXPECT_THAT(refusal({"run", "-z"}), HasSubstr("unknown option -z"));
  EXPECT_THAT(refusal({"qqqqqqqqqqqq"}), testing::Not(HasSubstr("did you mean")));
}

TEST_F(CliTest, RefusesWrongUsageInOneLine) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"publish"},
                                                {"migrate"},
                                                {"dlt", "show"},
                                                {"dlt", "list", "--limit"},
                                                {"version", "extra"},
                                                {"version", "-o", "xml"},
                                                {"version", "--set", "novalue"},
                                                {"publish", "a", "b"},
                                                {"run", "--only"}}) {
    const std::string text = refusal(words);
    EXPECT_THAT(text, testing::StartsWith("spool: "));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_THAT(text, HasSubstr("--help`"));
  }
}

TEST_F(CliTest, ShowsHelpWithoutAnyWord) {
  EXPECT_EQ(parse({}).code, kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("Usage: spool"));
  EXPECT_EQ(parse({"--help"}).code, kOk);
  EXPECT_THAT(out_.str(), HasSubstr("publish"));
  EXPECT_EQ(parse({"--version"}).code, kOk);
  EXPECT_THAT(out_.str(), testing::StartsWith("spool "));
}

}  // namespace
}  // namespace spool::app
