// What goes to a service over HTTP/1.1 and what comes back, as plain values. The texts of failures
// name hosts and reasons, never targets or headers: those hold secrets. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spool::http {

struct Header {
  std::string name;
  std::string value;
};

// The constructors are not for convenience only: g++ 12 miscompiles aggregates that are made within
// a co_await expression.
struct Request {
  Request(std::string method_word, std::string target_text, std::string body_text = {})
      : method(std::move(method_word)),
        target(std::move(target_text)),
        body(std::move(body_text)) {}

  void add(std::string name, std::string value) {
    headers.push_back({std::move(name), std::move(value)});
  }

  std::string method;
  std::string target;  // behind the prefix of the base URL; begins with '/', percent-encoded
  std::vector<Header> headers;  // Host, User-Agent and Content-Length are the client's
  std::string body;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  // The first of that name, in whatever case.
  std::optional<std::string_view> header(std::string_view name) const;
};

enum class Fault : std::uint8_t {
  connect_timeout,  // no connection in time, the name's look-up and TLS included
  network,          // no route, no name, a connection that broke
  timeout,          // nothing was answered by the deadline
  stalled,          // an answer that had begun, and was not whole by the deadline
  tls,              // the other side is not who it should be, or speaks another TLS
  too_large,        // the answer has more bytes than it may have
  not_begun,        // the caller forbade it, or no connection became free
  bad_answer,       // what came is not HTTP
  bad_request,      // the request cannot be written down: a line break in a header
};

std::string_view to_string(Fault fault);

struct Failed {
  Fault fault;
  std::string text;
  // At least one byte of the request may have left. Only if it is false, the request certainly had
  // no effect.
  bool sent = false;

  Failed(Fault f, std::string t, bool s) : fault(f), text(std::move(t)), sent(s) {}
};

using Outcome = std::variant<Response, Failed>;

// The request as it goes over the wire; empty if a part of it would break out of its line.
std::optional<std::string> wire_text(const Request& request, std::string_view host_header,
                                     std::string_view target_prefix, std::string_view user_agent);

}  // namespace spool::http
