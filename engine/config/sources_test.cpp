#include "engine/config/sources.hpp"

#include <gmock/gmock.h>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Gathered from_toml(std::string_view text) {
  Gathered out;
  read_toml_text(text, "spool.toml", KeyTable(known_handlers()), out);
  return out;
}

Gathered from_environment(const Pairs& environment) {
  Gathered out;
  read_environment(environment, KeyTable(known_handlers()), out);
  return out;
}

TEST(TomlSource, TakesNestedDottedAndInlineTablesAlike) {
  for (const char* text : {"[kafka.sasl]\nusername = 'u'\n", "[kafka]\nsasl.username = 'u'\n",
                           "kafka = { sasl = { username = 'u' } }\n"}) {
    const Gathered gathered = from_toml(text);
    EXPECT_THAT(gathered.errors, IsEmpty()) << text;
    ASSERT_EQ(gathered.given.size(), 1U) << text;
    EXPECT_EQ(gathered.given[0].path, "kafka.sasl.username");
  }
}

TEST(TomlSource, NamesThePlaceOfASyntaxError) {
  EXPECT_THAT(from_toml("[log]\nlevel = \n").errors, ElementsAre(HasSubstr("spool.toml:2:")));
  EXPECT_THAT(from_toml("[log\n").errors,
              ElementsAre(AllOf(HasSubstr("spool.toml:1:"), HasSubstr("not TOML"))));
}

TEST(TomlSource, SaysWhatItFoundInsteadOfAValue) {
  EXPECT_THAT(from_toml("[log]\nlevel = ['info']\n").errors,
              ElementsAre(AllOf(HasSubstr("spool.toml:2:9: log.level: expected one of"),
                                HasSubstr("got a list"))));
  EXPECT_THAT(from_toml("[database]\npool_max = 1.5\n").errors,
              ElementsAre(HasSubstr("got a number with a fraction")));
  EXPECT_THAT(from_toml("[log.level]\nx = 1\n").errors, ElementsAre(HasSubstr("got a section")));
  EXPECT_THAT(from_toml("log = 1\n").errors,
              ElementsAre(HasSubstr("log is a section, [log], not a key")));
}

TEST(TomlSource, ReportsAnUnknownSectionOnce) {
  EXPECT_THAT(from_toml("[kafak]\na = 1\nb = 2\n").errors,
              ElementsAre("spool.toml:1:2: unknown section kafak; did you mean kafka?"));
  EXPECT_THAT(from_toml("[handlers.progres_events]\nenabled = true\n").errors,
              ElementsAre(HasSubstr("did you mean handlers.progress_events?")));
}

TEST(TomlSource, AFileThatCannotBeReadIsAnError) {
  const Folder folder;
  const KeyTable table(known_handlers());
  Gathered out;
  read_toml(folder.path() + "/none.toml", table, out);
  read_toml(folder.path(), table, out);
  read_toml(folder.write("large.toml", std::string((1U << 20) + 1, '#')), table, out);
  EXPECT_THAT(out.errors, ElementsAre(HasSubstr("none.toml: cannot be read: No such file"),
                                      HasSubstr("is a directory"), HasSubstr("larger than 1 MiB")));
}

TEST(EnvironmentSource, LeavesOtherPeoplesVariablesAlone) {
  const Gathered gathered = from_environment(
      {{"PATH", "/bin"}, {"SPOOL_TEST_X", "1"}, {"SPOOL_STACK_DIR", "x"}, {"SPOOL", "1"}});
  EXPECT_THAT(gathered.errors, IsEmpty());
  EXPECT_THAT(gathered.given, IsEmpty());
}

TEST(EnvironmentSource, TakesAnyCaseAndHandlersKeys) {
  const Gathered gathered =
      from_environment({{"Spool__Log__level", "info"},
                        {"SPOOL__HANDLERS__PROGRESS_EVENTS__TOPIC", "t"},
                        {"SPOOL__HANDLERS__PROGRESS_EVENTS__DLT__TOPIC", "d"},
                        {"SPOOL__HANDLERS__PROGRESS_EVENTS__COMPLETED_PERCENT", "80"}});
  EXPECT_THAT(gathered.errors, IsEmpty());
  ASSERT_EQ(gathered.given.size(), 4U);
  EXPECT_EQ(gathered.given[2].path, "handlers.progress_events.dlt.topic");
}

TEST(EnvironmentSource, AFileGivesTheValueWithoutItsLastNewline) {
  const Folder folder;
  const std::pair<const char*, const char*> table[] = {
      {"s\n", "s"}, {"s", "s"}, {"s\r\n", "s"}, {"s\n\n", "s\n"}, {" s ", " s "}, {"", ""}};
  for (const auto& [text, value] : table) {
    const Gathered gathered =
        from_environment({{"SPOOL__KAFKA__SASL__PASSWORD_FILE", folder.write("secret", text)}});
    ASSERT_EQ(gathered.given.size(), 1U);
    EXPECT_EQ(gathered.given[0].path, "kafka.sasl.password");
    EXPECT_EQ(std::get<std::string>(gathered.given[0].value), value);
  }
  EXPECT_THAT(
      from_environment({{"SPOOL__LOG__LEVEL_FILE", folder.path() + "/none"}}).errors,
      ElementsAre(AllOf(HasSubstr("SPOOL__LOG__LEVEL_FILE"), HasSubstr("/none cannot be read"))));
}

TEST(EnvironmentSource, TwoVariablesForOneKeyAreAnError) {
  EXPECT_THAT(
      from_environment({{"SPOOL__LOG__LEVEL", "info"}, {"SPOOL__LOG__LEVEL_FILE", "x"}}).errors,
      ElementsAre(
          "environment variable SPOOL__LOG__LEVEL_FILE: log.level is given by SPOOL__LOG__LEVEL as "
          "well"));
}

TEST(EnvironmentSource, UnknownNamesAreErrors) {
  EXPECT_THAT(
      from_environment({{"SPOOL__", ""}, {"SPOOL__KAFKA", "x"}, {"SPOOL__KAFKA__PROPERTIES", "x"}})
          .errors,
      ::testing::SizeIs(3));
}

}  // namespace
}  // namespace spool::config
