#include "engine/kafka/group_offsets.hpp"

#include <memory>

#include "engine/kafka/client.hpp"
#include "engine/kafka/error_map.hpp"
#include "engine/kafka/handles.hpp"
#include "engine/kafka/wake_fd.hpp"

namespace spool::kafka {
namespace {

using base::Failure;

constexpr std::chrono::milliseconds kDestroyLimit{3000};

}  // namespace

base::Result<std::map<std::int32_t, std::int64_t>> group_offsets(const ClusterSettings& settings,
                                                                 const std::string& group,
                                                                 const std::string& topic,
                                                                 std::int32_t partitions,
                                                                 std::chrono::milliseconds limit) {
  Properties tunables = common_tunables();
  if (!settings.client_id.empty()) tunables.emplace("client.id", settings.client_id);
  auto conf = make_conf(tunables, settings.properties,
                        {{"bootstrap.servers", settings.bootstrap_servers},
                         {"group.id", group},
                         {"enable.auto.commit", "false"}});
  if (!conf) return conf.failure();
  rd_kafka_conf_set_log_cb(conf->get(), nullptr);  // the call tells its own failure
  auto client = make_client(RD_KAFKA_CONSUMER, std::move(conf).value());
  if (!client) return client.failure();
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(partitions));
  for (std::int32_t partition = 0; partition < partitions; ++partition)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const rd_kafka_resp_err_t code =
      rd_kafka_committed(client->get(), list.get(), static_cast<int>(limit.count()));
  std::map<std::int32_t, std::int64_t> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    if (one.offset >= 0) offsets[one.partition] = one.offset;
  }
  destroy_within(std::move(client).value(), std::make_shared<WakeFd>(), kDestroyLimit);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return offsets;
  return Failure(admin_failure(code), "offsets of group " + group + ": " + error_text(code));
}

}  // namespace spool::kafka
