// What the commands about operations and lists have in common: how they say whose and which. Reads
// the arguments of one command; one thread. Failures are `invalid`, in words for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/app/arguments.hpp"
#include "engine/app/command.hpp"
#include "engine/app/output.hpp"
#include "engine/base/result.hpp"
#include "handlers/list_operations/operation_query.hpp"

namespace spool::list_operations {

// --user, --list and --type.
std::vector<app::Option> selection_options();

// A user's id at TMDB, of the option or positional of that name.
base::Result<std::optional<std::int32_t>> read_user(const app::Arguments& arguments,
                                                    const std::string& name);

// What selection_options() and --status say.
base::Result<OperationFilter> read_filter(const app::Arguments& arguments);

// Null if it is 0.
app::Cell time_cell(base::EpochMicros time);
// Null if it is empty.
app::Cell text_cell(const std::string& text);
app::Cell id_cell(const std::optional<base::Uuid>& id);
app::Cell number_cell(const std::optional<std::int32_t>& number);

}  // namespace spool::list_operations
