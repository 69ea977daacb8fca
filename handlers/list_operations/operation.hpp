// An operation on a list at TMDB, as somebody asked for it (list_operation.v1). Decoding is where
// every rule about its fields stands; what passes can be stored as it is. A list is named by its id
// at TMDB or, before it has one, by a uuid that the client chose. Pure, one Decoder per thread;
// times in microseconds since the epoch, UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/time.hpp"
#include "engine/base/uuid.hpp"
#include "engine/message/json_reader.hpp"
#include "engine/message/rejection.hpp"

namespace spool::list_operations {

inline constexpr std::string_view kEventType = "list_operation.v1";

inline constexpr std::size_t kNameMax = 255;  // UTF-8 code points, as the next
inline constexpr std::size_t kDescriptionMax = 1'000;
inline constexpr std::int32_t kPriorityMax = 9;  // goes first
inline constexpr std::int32_t kPriorityDefault = 5;

enum class OperationType : std::uint8_t {
  create_list,
  update_list,
  delete_list,
  clear_list,
  add_movie,
  remove_movie,
  refresh_list,  // changes nothing there: the mirror is made what stands there
};

std::string_view to_string(OperationType type);
std::optional<OperationType> parse_operation_type(std::string_view word);

// What a list says of itself. An absent field is one that an update leaves as it is, or that is not
// known.
struct ListFields {
  std::optional<std::string> name = {};         // 1..kNameMax
  std::optional<std::string> description = {};  // 0..kDescriptionMax
  std::optional<bool> is_public = {};
  std::optional<std::string> language = {};  // ISO 639-1, lower case

  bool empty() const { return !name && !description && !is_public && !language; }
  // What `later` names replaces what is here.
  void overlay(const ListFields& later);
  friend bool operator==(const ListFields&, const ListFields&) = default;
};

// What an operation does to its list, whichever list that is.
struct Change {
  OperationType type = OperationType::add_movie;
  ListFields fields = {};     // create_list: all four; update_list: at least one; else none
  std::int32_t movie_id = 0;  // > 0 for add_movie and remove_movie, else 0
  bool compare_only = false;  // of refresh_list: only says in what the mirror is wrong
  friend bool operator==(const Change&, const Change&) = default;
};

struct Operation {
  Change change = {};
  std::int32_t tmdb_user_id = 0;  // > 0
  // Exactly one of both; create_list has the ref.
  std::optional<std::int32_t> tmdb_list_id = {};
  std::optional<base::Uuid> list_ref = {};
  std::optional<base::EpochMicros> scheduled_for = {};
  std::int32_t priority = kPriorityDefault;  // 0..kPriorityMax: which list goes first
  friend bool operator==(const Operation&, const Operation&) = default;
};

class Decoder {
 public:
  // kReadAheadBytes must be readable behind `data`. `event`: the event's own uuid, which names the
  // list of a create_list without list_ref.
  std::variant<Operation, message::Rejection> decode(std::string_view data,
                                                     const base::Uuid& event);

  // `operation_data` alone, as data_json() has written it; kReadAheadBytes behind it as well.
  // Empty: none was given.
  std::variant<Change, message::Rejection> decode_data(OperationType type, std::string_view json);

 private:
  message::JsonReader json_;
  message::JsonReader nested_;  // while json_'s texts are in use
};

// The change as `operation_data`: a JSON object.
std::string data_json(const Change& change);

// The events of one user come in one lane only under the user's own key.
std::optional<message::Rejection> check_key(const Operation& operation, std::string_view kafka_key);

}  // namespace spool::list_operations
