// For the tests of this folder: the program with a database, a topic and a group of the test's own.
// It needs the broker and the database of ops/stack.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/uuid.hpp"
#include "engine/kafka/cluster.hpp"
#include "tests/cli/command.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::test {

inline std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "%s is not set: eval \"$(ops/stack env)\"\n", name);
    std::abort();
  }
  return value;
}

// A database, a topic and a group of the test's own.
class CliTest : public testing::Test {
 protected:
  explicit CliTest(PgDatabase::Content content = PgDatabase::Content::migrated)
      : database_(content), topic_("test-" + base::to_string(base::random_uuid())) {
    environment_ = {
        {"SPOOL__DATABASE__URL", database_.url()},
        {"SPOOL__KAFKA__BOOTSTRAP_SERVERS", variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS")},
        {"SPOOL__HTTP__ADMIN__LISTEN", "127.0.0.1:0"},
        {"SPOOL__LOG__FORMAT", "json"},
        {"SPOOL__HANDLERS__PROGRESS_EVENTS__TOPIC", topic_},
        {"SPOOL__HANDLERS__PROGRESS_EVENTS__GROUP", topic_}};
  }
  ~CliTest() override {
    auto cluster = kafka::Cluster::open({variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS"), "test", {}});
    if (!cluster) return;
    for (const char* suffix :
         {"", ".dlt", ".retry.30s", ".retry.60s", ".retry.120s", ".retry.240s", ".retry.480s"}) {
      // Most tests have created none.
      static_cast<void>((*cluster)->delete_topic(topic_ + suffix, std::chrono::seconds(10)));
    }
  }

  Ended spool(const std::vector<std::string>& words, const std::string& in = {}) {
    return run_program(words, environment_, in);
  }
  void expect_code(int code, const std::vector<std::string>& words, const std::string& in = {}) {
    const Ended ended = spool(words, in);
    EXPECT_EQ(ended.code, code) << testing::PrintToString(words) << ended.out << ended.err;
  }
  // Wrong use: exit code 2, one line on stderr, nothing on stdout.
  void expect_usage(const std::vector<std::string>& words, const std::string& hint) {
    const Ended ended = spool(words);
    EXPECT_EQ(ended.code, 2) << testing::PrintToString(words);
    EXPECT_THAT(ended.out, testing::IsEmpty());
    EXPECT_THAT(ended.err,
                testing::AllOf(testing::StartsWith("spool: "), testing::HasSubstr(hint)));
    EXPECT_EQ(ended.err.find('\n'), ended.err.size() - 1) << ended.err;
  }
  int port_of(const std::string& line) {
    const std::size_t at = line.find("\"port\":");
    return at == std::string::npos ? 0 : std::atoi(line.c_str() + at + 7);
  }

  PgDatabase database_;
  std::string topic_;
  Environment environment_;
};

}  // namespace spool::test
