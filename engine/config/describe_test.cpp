#include "engine/config/describe.hpp"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// A value of every kind of shape that is not the default; no secrets.
Sources unusual() {
  return {.file = {},
          .environment = {},
          .flags = {{"kafka.client_id", "quote\" back\\slash"},
                    {"kafka.tls.verify", "false"},
                    {"kafka.properties.fetch.wait.max.ms", "77"},
                    {"consumer.session_timeout", "6500ms"},
                    {"consumer.prefetch_bytes", "16000001"},
                    {"database.pool_max", "7"},
                    {"http.admin.listen", "[::1]:0"},
                    {"handlers.progress_events.enabled", "false"},
                    {"handlers.progress_events.retry.delays", "100ms,1m,60s"},
                    {"handlers.progress_events.retry.jitter", "0.125"},
                    {"handlers.progress_events.retry.permanent", ""},
                    {"handlers.progress_events.retry.classes.upstream.rate_limited.delays", "7s"},
                    {"handlers.progress_events.retry.classes._OTHER.ttl", "90s"},
                    {"handlers.progress_events.completed_percent", "75"}}};
}

TEST(Show, LoadsAgainToTheSame) {
  const Folder folder;
  const Loaded first = loaded_from(unusual());
  const std::string text = show(first, false);
  Sources again;
  again.file = folder.write("shown.toml", text);
  const Loaded second = loaded_from(again);
  EXPECT_EQ(show(second, false), text);
  EXPECT_EQ(second.settings.kafka.client_id, "quote\" back\\slash");
  EXPECT_EQ(second.settings.consumer.prefetch_bytes, 16'000'001);
  EXPECT_EQ(second.settings.kafka.properties.at("fetch.wait.max.ms"), "77");
  EXPECT_EQ(second.settings.http_admin.listen, (Endpoint{"::1", 0}));
  const Retry& retry = second.settings.handlers.at("progress_events").retry;
  EXPECT_EQ(retry.delays, (std::vector<std::chrono::milliseconds>{100ms, 1min, 1min}));
  EXPECT_EQ(retry.jitter, 0.125);
  EXPECT_TRUE(retry.permanent.empty());
  EXPECT_EQ(retry.classes.at("upstream.rate_limited").delays,
            (std::vector<std::chrono::milliseconds>{7s}));
  EXPECT_EQ(retry.classes.at("_OTHER").ttl, 90s);
  again.file = folder.write("shown.toml", show(first, true));
  EXPECT_EQ(show(loaded_from(again), false), text) << "origins are comments";
}

TEST(Show, SaysWhereAValueComesFrom) {
  Sources sources;
  sources.environment = {{"SPOOL__LOG__LEVEL", "debug"}};
  sources.flags = {{"log.format", "json"}};
  const std::string text = show(loaded_from(sources), true);
  EXPECT_THAT(text, HasSubstr("level = \"debug\"  # environment variable SPOOL__LOG__LEVEL\n"));
  EXPECT_THAT(text, HasSubstr("format = \"json\"  # flag log.format\n"));
  EXPECT_THAT(text, HasSubstr("pool_max = 2  # default\n"));
}

TEST(Show, MasksSecretsAndTheMaskDoesNotLoad) {
  const Folder folder;
  Sources sources;
  sources.flags = {{"kafka.security_protocol", "sasl_ssl"},
                   {"kafka.sasl.mechanism", "PLAIN"},
                   {"kafka.sasl.username", "me"},
                   {"kafka.sasl.password", "hunter2"},
                   {"kafka.tls.key_password", "hunter2"},
                   {"kafka.properties.ssl.keystore.password", "hunter2"},
                   {"database.url", "postgresql://me:hunter2@h:1/db"}};
  const Loaded loaded = loaded_from(sources);
  EXPECT_EQ(loaded.settings.kafka.sasl.password, "hunter2");
  const std::string text = show(loaded, true);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("\npassword = \"********\""));
  EXPECT_THAT(text, HasSubstr("\nkey_password = \"********\""));
  EXPECT_THAT(text, HasSubstr("\n\"ssl.keystore.password\" = \"********\""));
  EXPECT_THAT(text, HasSubstr("url = \"postgresql://me:********@h:1/db\""));
  Sources shown;
  shown.file = folder.write("shown.toml", text);
  EXPECT_THAT(failure_of(shown), HasSubstr("kafka.sasl.password: this is the mask"));
}

TEST(Example, IsTheDefaultsWhenItsKeysAreTakenIn) {
  const Folder folder;
  std::istringstream lines(example(known_handlers()));
  std::string all;
  int keys = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 110U) << line;
    const bool is_key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    keys += is_key ? 1 : 0;
    all += (is_key ? line.substr(1) : line) + "\n";
  }
  Sources sources;
  sources.file = folder.write("example.toml", all);
  EXPECT_EQ(show(loaded_from(sources), false), show(loaded_from({}), false));
  const KeyTable table(known_handlers());
  EXPECT_EQ(keys, std::ranges::count_if(table.all(),
                                        [](const Key& key) { return !key.members && !key.given; }))
      << "all but the open section and those without a value";
  sources.file = folder.write("example.toml", example(known_handlers()));
  EXPECT_TRUE(loaded_from(sources).origins.empty());
}

TEST(Show, SaysNothingOfAKeyThatHasNoValue) {
  EXPECT_THAT(show(loaded_from({}), false), Not(HasSubstr("retry.classes")));
  Sources sources;
  sources.flags = {{"handlers.progress_events.retry.classes.handler.bug.delays", ""}};
  EXPECT_THAT(show(loaded_from(sources), false),
              HasSubstr("\nretry.classes.handler.bug.delays = []\n"));
}

TEST(Example, ExplainsTheKeysOfErrorTypesOnce) {
  const std::string text = example(known_handlers());
  const std::string explained = "# retry.classes.<error type>.ttl";
  const std::size_t first = text.find(explained);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(explained, first + 1), std::string::npos);
}

TEST(Schema, IsJsonAndKnowsEveryKey) {
  const simdjson::padded_string text(schema(known_handlers()));
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(text).get(root), simdjson::SUCCESS);
  EXPECT_EQ(std::string_view(root["$schema"]), "http://json-schema.org/draft-07/schema#");
  const KeyTable table(known_handlers());
  for (const Key& key : table.all()) {
    std::string pointer;
    std::istringstream path(key.members ? key.section : key.path());
    for (std::string part; std::getline(path, part, '.');) pointer += "/properties/" + part;
    std::string_view doc;
    ASSERT_EQ(root.at_pointer(pointer + "/description").get(doc), simdjson::SUCCESS) << pointer;
    EXPECT_EQ(doc, key.doc);
  }
  std::string_view type;
  const std::string retry =
      "/properties/handlers/properties/progress_events/properties/retry/properties/";
  EXPECT_EQ(root.at_pointer(retry + "delays/items/type").get(type), simdjson::SUCCESS);
  EXPECT_EQ(type, "string");
  EXPECT_EQ(root.at_pointer(retry + "jitter/type").get(type), simdjson::SUCCESS);
  EXPECT_EQ(type, "number");
  EXPECT_NE(
      root.at_pointer(retry + "classes/properties/db/properties/conflict/properties/ttl/default")
          .get(type),
      simdjson::SUCCESS);
  bool open = true;
  EXPECT_EQ(root.at_pointer("/properties/consumer/additionalProperties").get(open),
            simdjson::SUCCESS);
  EXPECT_FALSE(open);
  EXPECT_EQ(
      root.at_pointer("/properties/kafka/properties/sasl/properties/password/writeOnly").get(open),
      simdjson::SUCCESS);
  EXPECT_TRUE(open);
}

}  // namespace
}  // namespace spool::config
