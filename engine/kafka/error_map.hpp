// What an error code of Kafka or librdkafka means to the engine. Codes are rd_kafka_resp_err_t as
// int: the type itself stays in this folder's .cpp files. Pure, any thread.
#pragma once

#include "engine/base/result.hpp"

namespace spool::kafka {

// Of consuming a partition: `position`, `not_found`, else `unavailable`.
base::FailureKind consume_failure(int code);

// Of publishing one record: `refused` when the same record will never be accepted, else
// `unavailable`.
base::FailureKind publish_failure(int code);

// Of an administrative request: `not_found`, `invalid` (the request itself is wrong), `refused`
// (not authorised), else `unavailable`.
base::FailureKind admin_failure(int code);

}  // namespace spool::kafka
