// One request to TMDB from its permit to its verdict, and the reading of what came. Private to this
// folder; on the loop's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "engine/http/client.hpp"
#include "handlers/tmdb/call.hpp"
#include "handlers/tmdb/calls.hpp"
#include "handlers/tmdb/json.hpp"

namespace spool::tmdb {

// Where a call stands: one call may be several requests.
struct Course {
  explicit Course(CallContext call) : context(std::move(call)) {}

  CallContext context;
  bool first = true;  // the next request is
  bool sent = false;  // a byte of the call may have left
};

struct Step {
  Ending ending = Ending::failed;
  std::string body;      // of done
  CallFailure failure;   // of unsure and failed
  bool network = false;  // the connection broke, or there was none
};

class Exchange {
 public:
  Exchange(std::shared_ptr<Permits> permits, Observer observer,
           std::chrono::milliseconds request_timeout)
      : permits_(std::move(permits)),
        observer_(std::move(observer)),
        request_timeout_(request_timeout) {}

  // The request, and once more if it is a read that the network has lost. `course` and `request`
  // live until it is over.
  boost::asio::awaitable<Step> ask(Course& course, Operation operation, Api api,
                                   const Calls::Made& request);

  // Ends what is under way; nothing begins any more.
  void close();

  std::unique_ptr<http::Client> v3;
  std::unique_ptr<http::Client> v4;

 private:
  boost::asio::awaitable<Step> send(Course& course, Operation operation, Api api,
                                    http::Request request);

  const std::shared_ptr<Permits> permits_;
  const Observer observer_;
  const std::chrono::milliseconds request_timeout_;
};

// An answer of 2xx that cannot be read: of a change nobody knows what it says.
CallFailure unreadable(Operation operation, const std::string& why);

template <typename T>
CallResult<T> read_answer(Operation operation, const std::string& body,
                          Parsed<T> (*parse)(std::string_view)) {
  Parsed<T> parsed = parse(body);
  if (const auto* rejection = std::get_if<message::Rejection>(&parsed))
    return unreadable(operation, rejection->message());
  return std::get<T>(std::move(parsed));
}

}  // namespace spool::tmdb
