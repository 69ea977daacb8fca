// Making and unmaking of librdkafka clients, for the classes of this folder only.
#pragma once

#include <chrono>
#include <memory>

#include "engine/base/result.hpp"
#include "engine/kafka/connection.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/wake_fd.hpp"

namespace spool::kafka {

// `tunables`, then `properties` over them, then `fixed`. Fails with `invalid` and librdkafka's own
// text; never shows the value of a property that may be a secret.
base::Result<ConfHandle> make_conf(const Properties& tunables, const Properties& properties,
                                   const Properties& fixed);

// What consumer, producer and cluster have in common; the tunables of make_conf.
Properties common_tunables();

base::Result<ClientHandle> make_client(rd_kafka_type_t type, ConfHandle conf);

// Writes 8 bytes to the descriptor whenever the queue was empty and something arrives.
void wake_on_arrival(rd_kafka_queue_t* queue, const WakeFd& wake);
void wake_no_more(rd_kafka_queue_t* queue);

// rd_kafka_destroy() can wait for ever (a deleted topic, a lost broker). It runs on a thread of its
// own; after `limit` the caller goes on and that thread is left behind, `wake` with it, so that its
// descriptor number stays taken.
void destroy_within(ClientHandle client, std::shared_ptr<WakeFd> wake,
                    std::chrono::milliseconds limit);

}  // namespace spool::kafka
