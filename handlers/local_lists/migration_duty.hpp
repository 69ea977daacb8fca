// The job that moves local lists to TMDB (media.list_migrations): a bounded step of each migration
// a run. It asks for list operations as anybody does and looks at how they end, so that whoever
// runs it next, and wherever the one before stopped, goes on from the tables. Belongs to the
// handler of list operations.
#pragma once

#include <memory>

#include "engine/handler/duty.hpp"

namespace spool::local_lists {

std::unique_ptr<handler::Duty> migration_duty();

}  // namespace spool::local_lists
