// Telling a consumer client which partitions to read. Private to this folder; the thread that owns
// the client.
#pragma once

#include "engine/kafka/handles.hpp"

namespace spool::kafka {

// `replaces`: the client reads partitions already. May wait a moment for them to stop.
rd_kafka_resp_err_t place_partitions(rd_kafka_t* client,
                                     const rd_kafka_topic_partition_list_t* list, bool replaces);

}  // namespace spool::kafka
