#include <gmock/gmock.h>

#include "engine/config/test_support.hpp"

namespace spool::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const HandlerSettings& progress(const Loaded& loaded) {
  return loaded.settings.handlers.at("progress_events");
}

TEST(HandlerKeys, TheDefaultsAreThese) {
  const Loaded loaded = loaded_from({});
  const HandlerSettings& handler = progress(loaded);
  EXPECT_EQ(handler.timeout, 30s);
  EXPECT_THAT(handler.retry.delays, ElementsAre(30s, 60s, 120s, 240s, 480s));
  EXPECT_EQ(handler.retry.max_delay, 1h);
  EXPECT_EQ(handler.retry.jitter, 0);
  EXPECT_THAT(handler.retry.permanent, ElementsAre("schema.*"));
  EXPECT_EQ(handler.after_death, "release");
  EXPECT_EQ(handler.open_events_max, 100'000);
  EXPECT_EQ(handler.open_bytes_max, 256LL << 20);
  EXPECT_EQ(handler.key_events_max, 20'000);
  EXPECT_EQ(handler.drain_batch, 1'000);
  EXPECT_EQ(handler.drain_bytes_max, 4LL << 20);
  EXPECT_EQ(handler.retry.classes.size(), error_types().size());
  for (const auto& [type, own] : handler.retry.classes)
    EXPECT_TRUE(!own.delays && !own.ttl) << type;
  EXPECT_EQ(loaded.settings.retention.dead_letters, 24h * 90);
  EXPECT_EQ(loaded.settings.retention.inbox, 24h * 7);
  EXPECT_EQ(loaded.settings.retention.audit, 24h * 365);
  EXPECT_EQ(loaded.settings.retention.tombstones, 24h * 400);
}

TEST(HandlerKeys, AFileGivesListsAndRatios) {
  const Folder folder;
  Sources sources;
  sources.file = folder.write("spool.toml",
                              "[handlers.progress_events]\n"
                              "retry.delays = [\"1s\", \"2m\"]\n"
                              "retry.permanent = [\"db.*\", \"handler.bug\"]\n"
                              "retry.jitter = 0.25\n"
                              "valve.ratio = 1\n"
                              "after_death = \"hold\"\n");
  const Loaded loaded = loaded_from(sources);
  EXPECT_THAT(progress(loaded).retry.delays, ElementsAre(1s, 2min));
  EXPECT_THAT(progress(loaded).retry.permanent, ElementsAre("db.*", "handler.bug"));
  EXPECT_EQ(progress(loaded).retry.jitter, 0.25);
  EXPECT_EQ(progress(loaded).valve.ratio, 1);
  EXPECT_EQ(progress(loaded).after_death, "hold");
}

TEST(HandlerKeys, TheEnvironmentAndFlagsGiveListsWithCommas) {
  Sources sources;
  sources.environment = {{"SPOOL__HANDLERS__PROGRESS_EVENTS__RETRY__DELAYS", "30s, 60s"}};
  EXPECT_THAT(progress(loaded_from(sources)).retry.delays, ElementsAre(30s, 60s));
  sources.flags = {{"handlers.progress_events.retry.delays", "1s,2s,1500ms"}};
  EXPECT_THAT(progress(loaded_from(sources)).retry.delays, ElementsAre(1s, 2s, 1500ms));
}

TEST(HandlerKeys, AnErrorTypeIsWrittenBareOrQuoted) {
  const Folder folder;
  Sources sources;
  const std::string table = "handlers.progress_events.retry.classes";
  for (const std::string& toml :
       {"[" + table + ".\"upstream.rate_limited\"]\ndelays = [\"7s\"]\nttl = \"1h\"\n",
        "[" + table + ".upstream.rate_limited]\ndelays = [\"7s\"]\nttl = \"1h\"\n",
        "[" + table + "]\n\"upstream.rate_limited\" = {delays = [\"7s\"], ttl = \"1h\"}\n"}) {
    sources.file = folder.write("spool.toml", toml);
    const Loaded loaded = loaded_from(sources);
    const RetryClass& own = progress(loaded).retry.classes.at("upstream.rate_limited");
    EXPECT_EQ(own.delays, std::vector<milliseconds>{7s}) << toml;
    EXPECT_EQ(own.ttl, 1h) << toml;
  }
}

TEST(HandlerKeys, TheEnvironmentNamesErrorTypesInAnyCase) {
  const std::string prefix = "SPOOL__HANDLERS__PROGRESS_EVENTS__RETRY__CLASSES__";
  Sources sources;
  sources.environment = {{prefix + "UPSTREAM__RATE_LIMITED__DELAYS", "7s"},
                         {prefix + "HANDLER__BUG__DELAYS", ""},
                         {prefix + "_OTHER__TTL", "2h"}};
  const Loaded loaded = loaded_from(sources);
  const auto& classes = progress(loaded).retry.classes;
  EXPECT_EQ(classes.at("upstream.rate_limited").delays, std::vector<milliseconds>{7s});
  EXPECT_EQ(classes.at("handler.bug").delays, std::vector<milliseconds>{});
  EXPECT_EQ(classes.at("_OTHER").ttl, 2h);
  EXPECT_EQ(loaded.origins.count("handlers.progress_events.retry.classes._OTHER.ttl"), 1U);
}

TEST(HandlerKeys, AnUnknownErrorTypeIsAnErrorWithWhatWasMeant) {
  const Folder folder;
  const std::string classes = "handlers.progress_events.retry.classes.";
  Sources sources;
  sources.file =
      folder.write("spool.toml", "[" + classes + "\"upstream.rate_limted\"]\nttl = \"1h\"\n");
  EXPECT_THAT(failure_of(sources),
              HasSubstr("unknown section " + classes + "upstream.rate_limted; did you mean " +
                        classes + "upstream.rate_limited?"));
  sources = {};
  sources.flags = {{classes + "handler.bgu.ttl", "1h"}};
  EXPECT_THAT(failure_of(sources), HasSubstr("did you mean " + classes + "handler.bug.ttl?"));
  sources.flags = {{"handlers.progress_events.retry.permanent", "handler.bgu"}};
  EXPECT_THAT(failure_of(sources), HasSubstr("did you mean handler.bug?"));
}

TEST(HandlerKeys, WrongValuesAreErrors) {
  const std::string handler = "handlers.progress_events.";
  const Pairs table = {{"timeout", "0ms"},         {"retry.delays", ""},
                       {"retry.delays", "30"},     {"retry.delays", "0ms"},
                       {"retry.max_delay", "8d"},  {"retry.jitter", "1.5"},
                       {"retry.permanent", "x.*"}, {"retry.classes.handler.bug.delays", "1s,"},
                       {"after_death", "wait"},    {"valve.ratio", "-1"},
                       {"valve.shut_for", "11m"},  {"drain_batch", "0"},
                       {"open_events_max", "0"},   {"drain_bytes_max", "1"}};
  for (const auto& [key, value] : table) {
    EXPECT_THAT(failure_of({.file = {}, .environment = {}, .flags = {{handler + key, value}}}),
                HasSubstr(handler + key + ": expected"))
        << key << " = " << value;
  }
}

TEST(HandlerKeys, AListOfOtherThingsIsAnError) {
  const Folder folder;
  Sources sources;
  const std::pair<const char*, const char*> table[] = {{"[1]", "got a list of other things"},
                                                       {"[[\"1s\"]]", "got a list of other things"},
                                                       {"\"1s,2s\"", "got a text"},
                                                       {"1", "got a number"},
                                                       {"true", "got true or false"}};
  for (const auto& [value, why] : table) {
    sources.file = folder.write(
        "spool.toml", "[handlers.progress_events]\nretry.delays = " + std::string(value) + "\n");
    EXPECT_THAT(failure_of(sources), HasSubstr(why)) << value;
  }
}

}  // namespace
}  // namespace spool::config
