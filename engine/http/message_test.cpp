#include "engine/http/message.hpp"

#include <gtest/gtest.h>

namespace spool::http {
namespace {

std::optional<std::string> wire(const Request& request) {
  return wire_text(request, "host:1", "/3", "spool");
}

TEST(Message, AHeaderIsFoundWhateverItsCase) {
  Response response;
  response.headers = {{"Retry-After", "7"}, {"retry-after", "8"}};
  EXPECT_EQ(response.header("RETRY-AFTER"), "7");
  EXPECT_FALSE(response.header("Retry"));
}

TEST(Message, ARequestIsWrittenWithTheClientsOwnHeaders) {
  Request request("POST", "/list?a=1", "{}");
  request.add("Accept", "application/json");
  EXPECT_EQ(wire(request),
            "POST /3/list?a=1 HTTP/1.1\r\nHost: host:1\r\nUser-Agent: spool\r\n"
            "Accept: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(Message, ABodyThatIsNotThereHasALengthOnlyWhereOneIsExpected) {
  EXPECT_EQ(wire(Request("GET", "/a")),
            "GET /3/a HTTP/1.1\r\nHost: host:1\r\nUser-Agent: spool\r\n\r\n");
  EXPECT_NE(wire(Request("POST", "/a"))->find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(Message, NothingBreaksOutOfItsLine) {
  EXPECT_FALSE(wire(Request("GET", "/a b")));
  EXPECT_FALSE(wire(Request("GET", "/a\r\nX: 1")));
  EXPECT_FALSE(wire(Request("GET", "")));
  EXPECT_FALSE(wire(Request("GET", "a")));
  EXPECT_FALSE(wire(Request("G ET", "/")));
  for (const auto& [name, value] :
       {std::pair{"A", "b\r\nC: d"}, std::pair{"A", "b\n"}, std::pair{"A:", "b"},
        std::pair{"", "b"}, std::pair{"A b", "c"}}) {
    Request request("GET", "/");
    request.add(name, value);
    EXPECT_FALSE(wire(request)) << name << value;
  }
}

TEST(Message, EachFaultHasAWordOfItsOwn) {
  std::vector<std::string_view> words;
  for (int fault = 0; fault <= static_cast<int>(Fault::bad_request); ++fault)
    words.push_back(to_string(static_cast<Fault>(fault)));
  std::sort(words.begin(), words.end());
  EXPECT_EQ(std::adjacent_find(words.begin(), words.end()), words.end());
  EXPECT_FALSE(words.front().empty());
}

}  // namespace
}  // namespace spool::http
