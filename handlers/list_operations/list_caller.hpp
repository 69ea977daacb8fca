// Who makes the calls to TMDB's lists: perform() and reconcile() of ListCalls, which bring back
// ListAnswers. Made, used and destroyed on the call loop's thread; fails with `invalid` for its
// settings.
#pragma once

#include <memory>

#include "engine/base/result.hpp"
#include "engine/handler/perform.hpp"
#include "handlers/list_operations/list_operations.hpp"

namespace spool::list_operations {

base::Result<std::unique_ptr<handler::Caller>> make_list_caller(handler::CallerTools tools,
                                                                const Settings& settings);

}  // namespace spool::list_operations
