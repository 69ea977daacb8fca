#include "engine/kafka/cluster.hpp"

#include <array>
#include <functional>

#include "engine/kafka/client.hpp"
#include "engine/kafka/error_map.hpp"
#include "engine/kafka/handles.hpp"

namespace spool::kafka {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using base::Status;
using Limit = Cluster::Limit;

constexpr std::chrono::milliseconds kDestroyLimit{3000};

using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, Deleter<rd_kafka_NewTopic_destroy>>;
using DeleteTopicHandle =
    std::unique_ptr<rd_kafka_DeleteTopic_t, Deleter<rd_kafka_DeleteTopic_destroy>>;
using DeleteRecordsHandle =
    std::unique_ptr<rd_kafka_DeleteRecords_t, Deleter<rd_kafka_DeleteRecords_destroy>>;
using ListGroupOffsetsHandle = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                               Deleter<rd_kafka_ListConsumerGroupOffsets_destroy>>;
using ConfigResourceHandle =
    std::unique_ptr<rd_kafka_ConfigResource_t, Deleter<rd_kafka_ConfigResource_destroy>>;
using OptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;
using MetadataHandle =
    std::unique_ptr<const rd_kafka_metadata_t, Deleter<rd_kafka_metadata_destroy>>;

int milliseconds(Limit limit) {
  return static_cast<int>(limit.count());
}

Failure failure_of(const std::string& what, rd_kafka_resp_err_t code, const char* text = nullptr) {
  return Failure(admin_failure(code),
                 what + ": " +
                     (text != nullptr ? std::string(rd_kafka_err2name(code)) + ": " + text
                                      : error_text(code)));
}

// Sends one administrative request and waits for its answer.
using Send = std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;
Result<EventHandle> ask(rd_kafka_t* client, const std::string& what, Limit limit,
                        const Send& send) {
  OptionsHandle options(rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY));
  std::array<char, 256> text{};
  if (rd_kafka_AdminOptions_set_request_timeout(options.get(), milliseconds(limit), text.data(),
                                                text.size()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Failure(FailureKind::invalid, what + ": " + text.data());
  }
  const QueueHandle queue(rd_kafka_queue_new(client));
  send(options.get(), queue.get());
  // The client answers by its own deadline; a little longer, so that its reason is the one shown.
  EventHandle event(rd_kafka_queue_poll(queue.get(), milliseconds(limit) + 500));
  if (event == nullptr) return Failure(FailureKind::unavailable, what + ": no answer in time");
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return failure_of(what, code, rd_kafka_event_error_string(event.get()));
  }
  return event;
}

Status first_failure(const std::string& what, const rd_kafka_topic_result_t** results,
                     std::size_t count, rd_kafka_resp_err_t harmless) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == harmless) continue;
    return failure_of(what + " " + rd_kafka_topic_result_name(results[i]), code,
                      rd_kafka_topic_result_error_string(results[i]));
  }
  return {};
}

struct ConfigValue {
  std::string value;
  bool own = false;  // set on this topic, not inherited
};

Result<std::map<std::string, ConfigValue>> read_config(rd_kafka_t* client, const std::string& topic,
                                                       Limit limit) {
  const std::string what = "configuration of topic " + topic;
  const ConfigResourceHandle resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_ConfigResource_t* raw = resource.get();
  auto event = ask(client, what, limit, [&](const auto* options, auto* queue) {
    rd_kafka_DescribeConfigs(client, &raw, 1, options, queue);
  });
  if (!event) return event.failure();
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1) return Failure(FailureKind::unavailable, what + ": an empty answer");
  if (const auto code = rd_kafka_ConfigResource_error(resources[0])) {
    return failure_of(what, code, rd_kafka_ConfigResource_error_string(resources[0]));
  }
  std::map<std::string, ConfigValue> config;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    config[rd_kafka_ConfigEntry_name(entries[i])] = {
        value != nullptr ? value : "",
        rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG};
  }
  return config;
}

Result<TopicSpec> read_shape(rd_kafka_t* client, const std::string& name, Limit limit) {
  const TopicHandle topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
  if (topic == nullptr) return failure_of("topic " + name, rd_kafka_last_error());
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code = rd_kafka_metadata(client, 0, topic.get(), &raw, milliseconds(limit));
  const MetadataHandle metadata(raw);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return failure_of("topic " + name, code);
  if (metadata->topic_cnt != 1) {
    return Failure(FailureKind::unavailable, "topic " + name + ": an empty answer");
  }
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure_of("topic " + name, found.err);
  TopicSpec spec;
  spec.name = name;
  spec.partitions = found.partition_cnt;
  if (found.partition_cnt > 0) {
    spec.replication = static_cast<std::int16_t>(found.partitions[0].replica_cnt);
  }
  return spec;
}

Result<NewTopicHandle> to_new_topic(const TopicSpec& spec) {
  std::array<char, 256> text{};
  NewTopicHandle topic(rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, spec.replication,
                                             text.data(), text.size()));
  if (topic == nullptr) {
    return Failure(FailureKind::invalid, "topic " + spec.name + ": " + text.data());
  }
  for (const auto& [key, value] : spec.config) {
    rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str());
  }
  return topic;
}

}  // namespace

struct Cluster::Impl {
  ClientHandle client;
  ~Impl() { destroy_within(std::move(client), nullptr, kDestroyLimit); }
};

Result<std::unique_ptr<Cluster>> Cluster::open(const ClusterSettings& settings) {
  Properties tunables = common_tunables();
  if (!settings.client_id.empty()) tunables["client.id"] = settings.client_id;
  auto conf = make_conf(
      tunables, settings.properties,
      {{"bootstrap.servers", settings.bootstrap_servers}, {"allow.auto.create.topics", "false"}});
  if (!conf) return conf.failure();
  rd_kafka_conf_set_log_cb(conf->get(), nullptr);  // every call tells its own failure
  // A consumer without a group: unlike a producer it never creates a topic by asking for it.
  auto client = make_client(RD_KAFKA_CONSUMER, std::move(conf).value());
  if (!client) return client.failure();
  auto impl = std::make_unique<Impl>();
  impl->client = std::move(client).value();
  return std::unique_ptr<Cluster>(new Cluster(std::move(impl)));
}

Cluster::Cluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cluster::~Cluster() = default;

Result<std::string> Cluster::cluster_id(Limit limit) const {
  char* raw = rd_kafka_clusterid(impl_->client.get(), milliseconds(limit));
  if (raw == nullptr) {
    return Failure(FailureKind::unavailable, "cluster id: no broker answered in time");
  }
  std::string id(raw);
  rd_kafka_mem_free(impl_->client.get(), raw);
  return id;
}

Result<std::int32_t> Cluster::partition_count(const std::string& topic, Limit limit) const {
  auto shape = read_shape(impl_->client.get(), topic, limit);
  if (!shape) return shape.failure();
  return shape->partitions;
}

Result<Watermarks> Cluster::watermarks(const std::string& topic, std::int32_t partition,
                                       Limit limit) const {
  Watermarks marks;
  const auto code = rd_kafka_query_watermark_offsets(impl_->client.get(), topic.c_str(), partition,
                                                     &marks.low, &marks.high, milliseconds(limit));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return marks;
  return failure_of("watermarks of " + topic + "/" + std::to_string(partition), code);
}

Result<std::optional<TopicSpec>> Cluster::describe_topic(const std::string& topic,
                                                         Limit limit) const {
  auto shape = read_shape(impl_->client.get(), topic, limit);
  if (!shape) {
    if (shape.failure().kind == FailureKind::not_found) return std::optional<TopicSpec>();
    return shape.failure();
  }
  auto config = read_config(impl_->client.get(), topic, limit);
  if (!config) return config.failure();
  for (const auto& [key, entry] : *config) shape->config[key] = entry.value;
  return std::optional<TopicSpec>(std::move(shape).value());
}

base::Result<std::string> Cluster::committed_note(const std::string& group,
                                                  const std::string& topic, std::int32_t partition,
                                                  Limit limit) const {
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const ListGroupOffsetsHandle request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  rd_kafka_ListConsumerGroupOffsets_t* raw = request.get();
  const std::string what = "offsets of group " + group;
  auto event = ask(impl_->client.get(), what, limit, [&](const auto* options, auto* queue) {
    rd_kafka_ListConsumerGroupOffsets(impl_->client.get(), &raw, 1, options, queue);
  });
  if (!event) return event.failure();
  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event->get()), &count);
  if (count != 1) return Failure(FailureKind::unavailable, what + ": an empty answer");
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) {
    return failure_of(what, rd_kafka_error_code(error));
  }
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(groups[0]);
  if (found == nullptr || found->cnt != 1) return std::string();
  const rd_kafka_topic_partition_t& entry = found->elems[0];
  if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failure_of(what, entry.err);
  if (entry.metadata == nullptr) return std::string();
  return std::string(static_cast<const char*>(entry.metadata), entry.metadata_size);
}

Status Cluster::create_topics(std::span<const TopicSpec> specs, Limit limit) const {
  if (specs.empty()) return {};
  std::vector<NewTopicHandle> topics;
  std::vector<rd_kafka_NewTopic_t*> raw;
  for (const TopicSpec& spec : specs) {
    auto topic = to_new_topic(spec);
    if (!topic) return topic.failure();
    raw.push_back(topics.emplace_back(std::move(topic).value()).get());
  }
  auto event =
      ask(impl_->client.get(), "create topics", limit, [&](const auto* options, auto* queue) {
        rd_kafka_CreateTopics(impl_->client.get(), raw.data(), raw.size(), options, queue);
      });
  if (!event) return event.failure();
  std::size_t count = 0;
  const auto** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  return first_failure("create topic", results, count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS);
}

Status Cluster::alter_topic_config(const std::string& topic,
                                   const std::map<std::string, std::string>& config,
                                   Limit limit) const {
  const std::string what = "configure topic " + topic;
  auto existing = read_config(impl_->client.get(), topic, limit);
  if (!existing) return existing.failure();
  // The request replaces all that the topic has of its own, so that has to be sent along.
  std::map<std::string, std::string> full = config;
  for (const auto& [key, entry] : *existing) {
    if (entry.own) full.emplace(key, entry.value);
  }
  const ConfigResourceHandle resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [key, value] : full) {
    rd_kafka_ConfigResource_set_config(resource.get(), key.c_str(), value.c_str());
  }
  rd_kafka_ConfigResource_t* raw = resource.get();
  auto event = ask(impl_->client.get(), what, limit, [&](const auto* options, auto* queue) {
    rd_kafka_AlterConfigs(impl_->client.get(), &raw, 1, options, queue);
  });
  if (!event) return event.failure();
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources = rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(event->get()), &count);
  if (count != 1) return Failure(FailureKind::unavailable, what + ": an empty answer");
  const auto code = rd_kafka_ConfigResource_error(resources[0]);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return failure_of(what, code, rd_kafka_ConfigResource_error_string(resources[0]));
}

Status Cluster::delete_topic(const std::string& topic, Limit limit) const {
  const DeleteTopicHandle request(rd_kafka_DeleteTopic_new(topic.c_str()));
  rd_kafka_DeleteTopic_t* raw = request.get();
  auto event =
      ask(impl_->client.get(), "delete topic", limit, [&](const auto* options, auto* queue) {
        rd_kafka_DeleteTopics(impl_->client.get(), &raw, 1, options, queue);
      });
  if (!event) return event.failure();
  std::size_t count = 0;
  const auto** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  return first_failure("delete topic", results, count, RD_KAFKA_RESP_ERR_NO_ERROR);
}

Status Cluster::delete_records(const std::string& topic, std::int32_t partition,
                               std::int64_t before, Limit limit) const {
  const PartitionsHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = before;
  const DeleteRecordsHandle request(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* raw = request.get();
  const std::string what = "delete records of " + topic;
  auto event = ask(impl_->client.get(), what, limit, [&](const auto* options, auto* queue) {
    rd_kafka_DeleteRecords(impl_->client.get(), &raw, 1, options, queue);
  });
  if (!event) return event.failure();
  const rd_kafka_topic_partition_list_t* offsets =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
  if (offsets->cnt == 1 && offsets->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return failure_of(what, offsets->elems[0].err);
  }
  return {};
}

}  // namespace spool::kafka
