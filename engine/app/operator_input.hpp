// What the commands of operators have in common: saying which events are meant, who asks and why.
// Reads the arguments of one command; one thread. Failures are `invalid`, in words for people.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/app/arguments.hpp"
#include "engine/app/command.hpp"
#include "engine/app/event_words.hpp"
#include "engine/base/result.hpp"
#include "engine/postgres/connection.hpp"
#include "engine/store/audit_log.hpp"

namespace spool::app {

// The words of a filter as options, and --filter for several of them.
std::vector<Option> filter_options();
// --reason, --actor and --dry-run.
std::vector<Option> change_options();
// `first`, then `more`.
std::vector<Option> with(std::vector<Option> first, const std::vector<Option>& more);
// Of a change to everything that a filter means: all of the above, --yes and --wait.
std::vector<Option> bulk_options();
extern const Option kYesOption;
extern const Option kWaitOption;

// What the options and the positional of that name say.
base::Result<EventWords> read_words(const Arguments& arguments, const std::string& positional);

// The filter, now that it is known what time it is.
base::Result<store::EventFilter> resolve(postgres::Connection& connection, const EventWords& words);

// --reason is needed; the actor is the system's user, if nobody says otherwise.
base::Result<store::Operator> read_operator(const Arguments& arguments);

// The positional of that name; `what` it is the id of.
base::Result<base::Uuid> read_id(const Arguments& arguments, const std::string& positional,
                                 const std::string& what);

// An option that is a time such as 5m; empty: it is not given.
base::Result<std::optional<std::chrono::milliseconds>> read_time(const Arguments& arguments,
                                                                 const std::string& option);

// --wait, with its default.
base::Result<std::chrono::milliseconds> read_wait(const Arguments& arguments);

}  // namespace spool::app
