// TMDB's list calls as awaitables. Made, used and destroyed on the thread that runs the io_context,
// which outlives it; destroying it ends what is under way (CallFailure). A change is sent once,
// whatever comes of it; a read is repeated once when the network failed. Every request, reads
// included, is asked for at the permits first and told to the observer afterwards. No text has a
// secret in it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "handlers/tmdb/call.hpp"
#include "handlers/tmdb/calls.hpp"
#include "handlers/tmdb/client_settings.hpp"
#include "handlers/tmdb/json.hpp"

namespace boost::asio {
class io_context;
}

namespace spool::tmdb {

struct WholeList {
  ListDetails list;       // with the items of all pages
  bool complete = false;  // every page was read, and nobody changed the list meanwhile
};

struct AllLists {
  std::vector<ListSummary> lists;
  bool complete = false;
};

class Client {
 public:
  template <typename T>
  using Call = boost::asio::awaitable<CallResult<T>>;

  // TMDB answers no further page.
  static constexpr std::int64_t kPagesMax = 500;

  // Fails with `invalid`: a URL, a CA file, no key. Connects to nothing yet.
  static base::Result<std::unique_ptr<Client>> make(boost::asio::io_context& loop,
                                                    const ClientSettings& settings,
                                                    std::shared_ptr<Permits> permits,
                                                    Observer observer);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // None of these is a coroutine itself: what they are given by reference is copied before they
  // return.
  Call<CreatedList> create_list(const Credentials& user, CallContext context, const NewList& list);
  Call<Done> update_list(const Credentials& user, CallContext context, std::int64_t list,
                         const ListChange& change);
  // After an answer that leaves it open the list is read back.
  Call<Done> delete_list(const Credentials& user, CallContext context, std::int64_t list);
  Call<Cleared> clear_list(const Credentials& user, CallContext context, std::int64_t list);
  // In version 4 an item that was refused is read back: "already there" and "not there" are done.
  Call<Done> add_movie(const Credentials& user, CallContext context, std::int64_t list,
                       std::int64_t movie);
  Call<Done> remove_movie(const Credentials& user, CallContext context, std::int64_t list,
                          std::int64_t movie);

  Call<ListDetails> list_details(const Credentials& user, CallContext context, std::int64_t list,
                                 std::int64_t page);
  Call<WholeList> whole_list(const Credentials& user, CallContext context, std::int64_t list);
  // Version 4 does not tell an absent item from an absent list: neither has it.
  Call<ItemStatus> item_status(const Credentials& user, CallContext context, std::int64_t list,
                               std::int64_t movie);
  Call<AccountLists> account_lists(const Credentials& user, CallContext context, std::int64_t page);
  Call<AllLists> all_account_lists(const Credentials& user, CallContext context);

  Call<RequestToken> request_token(CallContext context);
  Call<Session> create_session(CallContext context, const std::string& request_token);
  Call<Session> convert_session(CallContext context, const std::string& access_token);
  Call<RequestToken> request_token_v4(CallContext context, const std::string& redirect_to);
  Call<AccessToken> access_token(CallContext context, const std::string& request_token);
  // Of version 4: the access token.
  Call<Done> delete_session(const Credentials& user, CallContext context);

 private:
  struct Impl;
  explicit Client(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;  // shared with the calls under way
};

}  // namespace spool::tmdb
