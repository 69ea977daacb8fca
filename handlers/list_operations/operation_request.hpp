// An operation as somebody asks for it on the command line, made into the event that says so. What
// is wrong with it is found here, before anything is published. Pure, any thread; failures are
// `invalid`, in words for people.
#pragma once

#include <string>

#include "engine/app/arguments.hpp"
#include "engine/base/result.hpp"
#include "handlers/list_operations/operation.hpp"

namespace spool::list_operations {

struct OperationRequest {
  base::Uuid id = {};  // the event's, and so the operation's
  Operation operation = {};
  std::string data = {};  // of the event
};

// TYPE, --user, --list, --ref, --name, --description, --public, --language, --movie, --at, --id.
// `fresh`: the id, if none is given. A list that is created without --ref is named by the id.
base::Result<OperationRequest> read_request(const app::Arguments& arguments,
                                            const base::Uuid& fresh);

}  // namespace spool::list_operations
