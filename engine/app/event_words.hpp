// The words by which operators say which events they mean, in Oban's manner: handler:x
// error:upstream.* age:>1h key:"a b", and ids. Pure, any thread. Errors are `invalid` failures for
// people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/store/event_filter.hpp"

namespace spool::app {

struct EventWords {
  store::EventFilter filter;  // without what depends on the time
  // How long ago, at least, the event must have died or begun to wait; microseconds.
  std::optional<base::EpochMicros> age = {};
  bool empty = true;  // nothing was said: every event is meant
};

class EventWordReader {
 public:
  // One word: an id, or name:value, which is all behind the colon.
  base::Status add(std::string_view word);
  // Several with spaces between them; a value with spaces stands between double quotes, where \"
  // and \\ stand for " and \.
  base::Status add_all(std::string_view text);
  // name and value on their own.
  base::Status add(std::string_view name, std::string_view value);

  const EventWords& words() const { return words_; }

 private:
  EventWords words_;
};

}  // namespace spool::app
