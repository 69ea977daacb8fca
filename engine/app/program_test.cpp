#include "engine/app/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "engine/app/command_context.hpp"
#include "engine/app/exit_code.hpp"

namespace spool::app {
namespace {

using testing::HasSubstr;

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    program_.handlers = [](const config::Settings&) {
      return base::Result<handler::HandlerRegistry>(handler::HandlerRegistry());
    };
    program_.known = {{"one", "one-topic", {}}};
  }

  void command(std::function<int(CommandContext&)> run) {
    program_.commands = {{.path = "own",
                          .help = "A handler's command",
                          .options = {{"--yes", "", "Do not ask"}},
                          .run = std::move(run)}};
  }
  int run(const std::vector<std::string>& words, bool terminal = false) {
    out_.str("");
    err_.str("");
    return run_command_line(program_, words, environment_, {in_, out_, err_, terminal, false});
  }

  Program program_;
  config::Pairs environment_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ProgramTest, RunsTheCommandsOfHandlers) {
  command([](CommandContext& context) {
    context.output().record({{"a", true}});
    context.note("a note");
    return int{kPartlyDone};
  });
  EXPECT_EQ(run({"own", "-o", "jsonl"}), kPartlyDone);
  EXPECT_EQ(out_.str(), "{\"a\": true}\n");
  EXPECT_EQ(err_.str(), "a note\n");
  EXPECT_EQ(run({"own", "--quiet"}), kPartlyDone);
  EXPECT_EQ(out_.str() + err_.str(), "");
}

TEST_F(ProgramTest, TellsFailuresByExitCode) {
  using base::FailureKind;
  const std::vector<std::pair<FailureKind, int>> expected = {
      {FailureKind::unavailable, 6}, {FailureKind::slow, 6},     {FailureKind::in_doubt, 6},
      {FailureKind::conflict, 5},    {FailureKind::fenced, 5},   {FailureKind::schema, 5},
      {FailureKind::position, 5},    {FailureKind::invalid, 2},  {FailureKind::not_found, 4},
      {FailureKind::stopped, 130},   {FailureKind::bad_data, 1}, {FailureKind::refused, 1}};
  for (const auto& [kind, code] : expected) {
    command([k = kind](CommandContext& context) {
      return context.fail(base::Failure(k, "went\x1b wrong"));
    });
    EXPECT_EQ(run({"own", "--quiet"}), code);
    EXPECT_EQ(err_.str(), "spool: went\\x1b wrong\n");
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(ProgramTest, SaysHowToMendAMissingTable) {
  command([](CommandContext& context) {
    return context.fail({base::FailureKind::schema, "no table", "42P01"});
  });
  EXPECT_EQ(run({"own"}), kConflict);
  EXPECT_THAT(err_.str(), HasSubstr("spool migrate up"));
}

TEST_F(ProgramTest, AsksBeforeWhatCannotBeUndone) {
  command([](CommandContext& context) {
    const auto yes = context.confirmed("Really?");
    if (!yes) return context.fail(yes.failure());
    return *yes ? int{kOk} : int{kFailed};
  });
  EXPECT_EQ(run({"own"}), kUsage) << "nobody to ask";
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_EQ(run({"own", "--yes"}), kOk);
  in_.str("y\n");
  EXPECT_EQ(run({"own"}, true), kOk);
  EXPECT_THAT(err_.str(), HasSubstr("Really? [y/N]"));
  in_.str("\n");
  EXPECT_EQ(run({"own"}, true), kFailed);
}

TEST_F(ProgramTest, ShowsTheConfigurationOfAllSources) {
  environment_ = {{"SPOOL__LOG__LEVEL", "debug"},
                  {"SPOOL__KAFKA__SASL__PASSWORD", "hunter2"},
                  {"SPOOL__KAFKA__SASL__USERNAME", "me"},
                  {"SPOOL__KAFKA__SASL__MECHANISM", "PLAIN"},
                  {"SPOOL__KAFKA__SECURITY_PROTOCOL", "sasl_ssl"}};
  for (const char* form : {"text", "json", "jsonl"}) {
    ASSERT_EQ(
        run({"config", "show", "--origin", "--set", "consumer.check_interval=7s", "-o", form}), kOk)
        << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("SPOOL__LOG__LEVEL"));
    EXPECT_THAT(out_.str(), HasSubstr("7s"));
    EXPECT_THAT(out_.str(), HasSubstr("********"));
    EXPECT_THAT(out_.str() + err_.str(), testing::Not(HasSubstr("hunter2")));
  }
}

TEST_F(ProgramTest, RefusesAWrongConfigurationWithEveryError) {
  const std::vector<std::string> words = {
      "config", "check", "--set", "log.levl=debug", "--set", "consumer.session_timeout=soon"};
  EXPECT_EQ(run(words), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("log.level"));
  EXPECT_THAT(err_.str(), HasSubstr("consumer.session_timeout"));
  EXPECT_EQ(run({"config", "check"}), kOk);
  EXPECT_EQ(run({"run", "--set", "log.levl=debug"}), kUsage);
}

TEST_F(ProgramTest, NoticesThatItsResultGoesNowhere) {
  command([](CommandContext& context) {
    context.out().setstate(std::ios::badbit);
    return int{kOk};
  });
  EXPECT_EQ(run({"own"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("stdout"));
}

}  // namespace
}  // namespace spool::app
