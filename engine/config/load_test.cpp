#include "engine/config/load.hpp"

#include <gmock/gmock.h>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Load, WithoutAnySourceIsTheDefaults) {
  const Loaded loaded = loaded_from({});
  EXPECT_EQ(loaded.settings.consumer.session_timeout, 30s);
  EXPECT_EQ(loaded.settings.consumer.prefetch_bytes, 20LL << 20);
  EXPECT_EQ(loaded.settings.http_admin.listen, (Endpoint{"127.0.0.1", 9464}));
  EXPECT_EQ(loaded.settings.handlers.at("progress_events").topic, "spool.progress-events");
  EXPECT_EQ(std::get<std::int64_t>(
                loaded.settings.handlers.at("progress_events").options.at("completed_percent")),
            90);
  EXPECT_TRUE(loaded.origins.empty());
}

TEST(Load, AFlagGoesBeforeTheEnvironmentBeforeTheFileBeforeTheDefault) {
  const Folder folder;
  Sources sources;
  EXPECT_EQ(loaded_from(sources).settings.consumer.batch_events_max, 10'000);
  sources.file =
      folder.write("spool.toml", "[consumer]\nbatch_events_max = 2\ndrain_timeout = \"2s\"\n");
  EXPECT_EQ(loaded_from(sources).settings.consumer.batch_events_max, 2);
  sources.environment = {{"SPOOL__CONSUMER__BATCH_EVENTS_MAX", "3"}};
  EXPECT_EQ(loaded_from(sources).settings.consumer.batch_events_max, 3);
  sources.flags = {{"consumer.batch_events_max", "4"}};
  const Loaded loaded = loaded_from(sources);
  EXPECT_EQ(loaded.settings.consumer.batch_events_max, 4);
  EXPECT_EQ(loaded.settings.consumer.drain_timeout, 2s);
  EXPECT_EQ(loaded.origins.at("consumer.batch_events_max").kind, Origin::Kind::flag);
  EXPECT_EQ(loaded.origins.at("consumer.drain_timeout").where, *sources.file + ":3:17");
}

TEST(Load, ACredentialServesWhenNothingElseDoes) {
  const Folder folder;
  folder.write("database.url", "postgresql://u:fromcredential@h/db\n");
  folder.write("log.level", "debug");
  Sources sources;
  sources.environment = {{"CREDENTIALS_DIRECTORY", folder.path()}};
  const Loaded alone = loaded_from(sources);
  EXPECT_EQ(alone.settings.database.url, "postgresql://u:fromcredential@h/db");
  EXPECT_EQ(alone.origins.at("database.url").kind, Origin::Kind::credential);
  EXPECT_EQ(alone.settings.log.level, "info") << "only secrets are credentials";
  sources.file = folder.write("spool.toml", "[database]\nurl = \"postgresql://file/db\"\n");
  EXPECT_EQ(loaded_from(sources).settings.database.url, "postgresql://file/db");
}

TEST(Load, DefaultsThatFollowFromAnotherKeyFollowIt) {
  const Settings settings = loaded_from({.file = {},
                                         .environment = {},
                                         .flags = {{"consumer.session_timeout", "6s"},
                                                   {"consumer.prefetch_bytes", "2MiB"},
                                                   {"handlers.progress_events.topic", "t"}}})
                                .settings;
  EXPECT_EQ(settings.consumer.heartbeat_interval, 600ms);
  EXPECT_EQ(settings.database.idle_in_transaction_timeout, 2s);
  EXPECT_EQ(settings.database.tcp_user_timeout, 2s);
  EXPECT_EQ(settings.consumer.lane_buffer_bytes, 2LL << 20);
  EXPECT_EQ(settings.handlers.at("progress_events").dlt_topic, "t.dlt");
  EXPECT_EQ(loaded_from({.file = {},
                         .environment = {},
                         .flags = {{"handlers.progress_events.topic", "t"},
                                   {"handlers.progress_events.dlt.topic", "d"}}})
                .settings.handlers.at("progress_events")
                .dlt_topic,
            "d");
}

TEST(Load, AllErrorsAreReportedAtOnceEachWithItsPlace) {
  const Folder folder;
  Sources sources;
  sources.file =
      folder.write("spool.toml",
                   "[kafka]\nbootstrap_server = \"h:1\"\n[consumer]\nsession_timeout = 30\n[log]\n"
                   "level = \"loud\"\n");
  sources.environment = {{"SPOOL__DATABASE__POOLMAX", "2"}, {"SPOOL__DATABASE__POOL_MAX", "many"}};
  sources.flags = {{"producer.lingr", "1ms"}, {"producer.compression", "rar"}};
  const std::string text = failure_of(sources);
  const std::string file = *sources.file;
  EXPECT_THAT(
      text,
      HasSubstr(file +
                ":2:1: unknown key kafka.bootstrap_server; did you mean kafka.bootstrap_servers?"));
  EXPECT_THAT(
      text,
      HasSubstr(file + ":4:19: consumer.session_timeout: expected a duration between 1s and 30m"));
  EXPECT_THAT(text, HasSubstr(file + ":6:9: log.level: expected one of \"trace\""));
  EXPECT_THAT(text,
              HasSubstr("environment variable SPOOL__DATABASE__POOLMAX: unknown key; did you mean "
                        "SPOOL__DATABASE__POOL_MAX?"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "SPOOL__DATABASE__POOL_MAX: database.pool_max: expected a whole number between 1 and "
          "256, got \"many\""));
  EXPECT_THAT(text, HasSubstr("flag producer.lingr: unknown key; did you mean producer.linger?"));
  EXPECT_THAT(text, HasSubstr("flag producer.compression: producer.compression: expected one of"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
}

TEST(Load, AWrongValueIsAnErrorAlsoWhereAnotherSourceGoesBeforeIt) {
  EXPECT_THAT(failure_of({.file = {},
                          .environment = {{"SPOOL__LOG__LEVEL", "loud"}},
                          .flags = {{"log.level", "info"}}}),
              HasSubstr("SPOOL__LOG__LEVEL"));
}

TEST(Load, NoTextOfAFailureHoldsASecret) {
  const Folder folder;
  Sources sources;
  for (const char* toml :
       {"[kafka.sasl]\npassword = hunter2\n", "[kafka.sasl]\npassword = 'hunter2\n",
        "[kafka.sasl]\npassword = \"hunter2\\q\"\n", "[kafka.sasl]\npassword = ['hunter2']\n",
        "[kafka.sasl]\npassword = \"x\"\npassword = \"hunter2\"\n",
        "[database]\nurl = \"mysql://u:hunter2@h\"\n",
        "[kafka.properties]\n\"sasl.password\" = \"hunter2\"\n", "[kafka]\nsasl = \"hunter2\"\n"}) {
    sources.file = folder.write("spool.toml", toml);
    EXPECT_THAT(failure_of(sources), Not(HasSubstr("hunter2"))) << toml;
  }
  sources = {};
  sources.environment = {{"SPOOL__KAFKA__SASL__PASSWORD_FILE", "hunter2"}};
  EXPECT_THAT(failure_of(sources), Not(HasSubstr("hunter2")));
  sources.environment = {{"SPOOL__KAFKA__SASL__PASWORD", "hunter2"}};
  EXPECT_THAT(failure_of(sources), Not(HasSubstr("hunter2")));
  sources.environment = {{"SPOOL__DATABASE__URL", "u:hunter2@h"}};
  EXPECT_THAT(failure_of(sources), Not(HasSubstr("hunter2")));
  sources.environment = {{"SPOOL__KAFKA__SASL__PASSWORD", "hunter2"},
                         {"SPOOL__KAFKA__SASL__MECHANISM", "PLAIN"}};
  EXPECT_THAT(failure_of(sources), Not(HasSubstr("hunter2")));
}

TEST(Load, PropertiesOfLibrdkafkaPassThroughUnlessReserved) {
  const Folder folder;
  Sources sources;
  sources.file = folder.write(
      "spool.toml",
      "[kafka.properties]\n\"fetch.wait.max.ms\" = 100\nsocket.keepalive.enable = true\n");
  sources.environment = {{"SPOOL__KAFKA__PROPERTIES__FETCH_MIN_BYTES", "1"}};
  EXPECT_EQ(loaded_from(sources).settings.kafka.properties,
            (std::map<std::string, std::string>{{"fetch.min.bytes", "1"},
                                                {"fetch.wait.max.ms", "100"},
                                                {"socket.keepalive.enable", "true"}}));
  sources.flags = {{"kafka.properties.group.id", "g"},
                   {"kafka.properties.enable.auto.commit", "true"}};
  EXPECT_THAT(failure_of(sources),
              ::testing::AllOf(HasSubstr("group.id: is set by handlers.<name>.group"),
                               HasSubstr("enable.auto.commit: is set by the program")));
}

}  // namespace
}  // namespace spool::config
