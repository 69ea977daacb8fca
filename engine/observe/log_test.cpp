#include "engine/observe/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace spool::observe {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::StartsWith;

class Pipe {
 public:
  explicit Pipe(int flags = 0) { EXPECT_EQ(::pipe2(ends_.data(), flags), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  int writer() const { return ends_[1]; }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::vector<std::string> lines() {
    close_writer();
    std::stringstream all;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      all.write(buffer.data(), n);
    }
    std::vector<std::string> out;
    for (std::string line; std::getline(all, line);) out.push_back(line);
    return out;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

LogSettings settings(int fd, LogFormat format, Level level = Level::info) {
  return {format, level, fd, [] { return base::EpochMicros{0}; }};
}

TEST(Logger, WritesTextLinesFromItsLevelOn) {
  Pipe pipe;
  {
    Logger log(settings(pipe.writer(), LogFormat::text));
    log.debug("not.seen");
    log.info("lane.taken", {{"lane", "progress_events/3"}, {"epoch", 3}});
    log.set_level(Level::debug);
    log.debug("seen.now");
    EXPECT_EQ(log.counts().get(Level::debug), 1U);
    EXPECT_EQ(log.counts().get(Level::info), 1U);
    EXPECT_EQ(log.counts().get(Level::warn), 0U);
  }
  EXPECT_THAT(pipe.lines(),
              ElementsAre("1970-01-01T00:00:00.000000Z INFO  lane.taken lane=progress_events/3 "
                          "epoch=3",
                          "1970-01-01T00:00:00.000000Z DEBUG seen.now"));
}

TEST(Logger, APipeGetsJsonAndATerminalText) {
  Pipe pipe;
  Logger(settings(pipe.writer(), LogFormat::automatic)).warn("x");
  EXPECT_THAT(pipe.lines(), ElementsAre(StartsWith("{\"ts\":")));

  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal) | ::unlockpt(terminal), 0);
  const int side = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(side, 0);
  Logger(settings(side, LogFormat::automatic)).warn("x");
  std::array<char, 256> buffer{};
  const ssize_t n = ::read(terminal, buffer.data(), buffer.size());
  EXPECT_THAT(std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))),
              EndsWith("Z WARN  x\r\n"));
  ::close(side);
  ::close(terminal);
}

TEST(Logger, LinesOfManyThreadsDoNotMix) {
  Pipe pipe;
  {
    Logger log(settings(pipe.writer(), LogFormat::json));
    std::vector<std::jthread> writers;
    for (int t = 0; t < 4; ++t) {
      writers.emplace_back([&log, t] {
        for (int i = 0; i < 100; ++i) log.info("tick", {{"thread", t}, {"text", "a\nb"}});
      });
    }
    writers.clear();
    EXPECT_EQ(log.counts().get(Level::info), 400U);
  }
  const std::vector<std::string> lines = pipe.lines();
  EXPECT_EQ(lines.size(), 400U);
  simdjson::dom::parser parser;
  for (const std::string& line : lines) {
    EXPECT_EQ(parser.parse(line).error(), simdjson::SUCCESS) << line;
  }
}

TEST(Logger, AFullPipeCostsLinesNotTheWorker) {
  Pipe pipe(O_NONBLOCK);
  Logger log(settings(pipe.writer(), LogFormat::json));
  const std::string text(1000, 'x');
  std::uint64_t written = 0;
  while (log.dropped() == 0 && written < 1000) {
    log.info("fill", {{"text", text}});
    ++written;
  }
  EXPECT_EQ(log.dropped(), 1U);
}

TEST(LogWords, AreAClosedList) {
  EXPECT_EQ(parse_log_format("auto").value(), LogFormat::automatic);
  EXPECT_EQ(parse_log_format("json").value(), LogFormat::json);
  EXPECT_EQ(parse_log_format("xml").failure().kind, base::FailureKind::invalid);
  EXPECT_EQ(parse_log_level("warn").value(), Level::warn);
  EXPECT_EQ(parse_log_level("loud").failure().kind, base::FailureKind::invalid);
}

}  // namespace
}  // namespace spool::observe
