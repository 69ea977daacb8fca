// One HTTP request to a port of the loopback, and exactly what became of the connection: what a
// test wants to see and a real client hides. Blocks its thread, a minute at most.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace spool::test {

struct Exchange {
  enum class End : std::uint8_t {
    answered,
    refused,    // nobody listens
    closed,     // without a byte
    reset,      // at whatever point
    cut_short,  // fewer bytes than Content-Length says
    late,       // a minute was not enough
  };
  End end = End::closed;
  int status = 0;
  std::string body = {};
  std::map<std::string, std::string> headers = {};  // names as they were sent
};

using Headers = std::map<std::string, std::string>;

Exchange exchange(std::uint16_t port, const std::string& method, const std::string& target,
                  const std::string& body = {}, const Headers& headers = {});

}  // namespace spool::test
