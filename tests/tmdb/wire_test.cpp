#include "tests/tmdb/wire.hpp"

#include <gmock/gmock.h>

namespace spool::standin {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Wire, ACutAnswerPromisesTheWhole) {
  const Answer answer{200, "12345678", "text/plain", {{"Retry-After", "3"}}};
  const std::string whole = to_bytes(answer, Ending::whole, true);
  EXPECT_THAT(whole, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(whole, HasSubstr("\r\nRetry-After: 3\r\n"));
  EXPECT_THAT(whole, Not(HasSubstr("Connection")));
  EXPECT_THAT(whole, EndsWith("\r\n\r\n12345678"));
  const std::string cut = to_bytes(answer, Ending::cut_short, false);
  EXPECT_THAT(cut, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(cut, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(cut, EndsWith("\r\n\r\n1234"));
}

}  // namespace
}  // namespace spool::standin
