#include "engine/kafka/assignment.hpp"

namespace spool::kafka {

// librdkafka 2.0 ends the process (an assertion) when an assignment is replaced while partitions of
// the one before are still stopping. Its main thread works first in, first out: the first question
// is answered after it has stopped the partitions, the second after it has noted so.
// Not when an assignment is given up: librdkafka waits for its partitions by itself before it joins
// again, and a question asked in that moment may never be answered.
rd_kafka_resp_err_t place_partitions(rd_kafka_t* client,
                                     const rd_kafka_topic_partition_list_t* list, bool replaces) {
  const rd_kafka_resp_err_t code = rd_kafka_assign(client, list);
  for (int question = 0; replaces && question < 2; ++question) {
    rd_kafka_topic_partition_list_t* answer = nullptr;
    rd_kafka_assignment(client, &answer);
    const PartitionsHandle owned(answer);
  }
  return code;
}

}  // namespace spool::kafka
