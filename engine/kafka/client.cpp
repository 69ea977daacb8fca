#include "engine/kafka/client.hpp"

#include <array>
#include <cstdint>
#include <future>
#include <string_view>
#include <thread>

namespace spool::kafka {
namespace {

bool may_be_secret(std::string_view name) {
  for (std::string_view part : {"password", "secret", "pem", "oauthbearer.config", "jaas"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

base::Status set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, 512> text{};
  const auto result =
      rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size());
  if (result == RD_KAFKA_CONF_OK) return {};
  const bool known = result != RD_KAFKA_CONF_UNKNOWN;
  return base::Failure(base::FailureKind::invalid,
                       "kafka property " + name + ": " +
                           (known && may_be_secret(name) ? "the value is refused" : text.data()));
}

}  // namespace

base::Result<ConfHandle> make_conf(const Properties& tunables, const Properties& properties,
                                   const Properties& fixed) {
  if (const auto servers = fixed.find("bootstrap.servers");
      servers == fixed.end() || servers->second.empty()) {
    return base::Failure(base::FailureKind::invalid, "kafka bootstrap servers are not set");
  }
  for (const auto& [name, value] : properties) {
    if (fixed.contains(name)) {
      return base::Failure(base::FailureKind::invalid,
                           "kafka property " + name + " is set by the engine itself");
    }
  }
  ConfHandle conf(rd_kafka_conf_new());
  for (const Properties* layer : {&tunables, &properties, &fixed}) {
    for (const auto& [name, value] : *layer) {
      if (const base::Status status = set(conf.get(), name, value); !status) {
        return status.failure();
      }
    }
  }
  return conf;
}

Properties common_tunables() {
  return {{"reconnect.backoff.max.ms", "1000"},
          {"socket.nagle.disable", "true"},
          {"socket.keepalive.enable", "true"},
          {"topic.metadata.refresh.interval.ms", "10000"}};
}

base::Result<ClientHandle> make_client(rd_kafka_type_t type, ConfHandle conf) {
  std::array<char, 512> text{};
  ClientHandle client(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (client == nullptr) {
    return base::Failure(base::FailureKind::invalid, std::string("kafka: ") + text.data());
  }
  static_cast<void>(conf.release());  // the client owns it now
  return client;
}

void wake_on_arrival(rd_kafka_queue_t* queue, const WakeFd& wake) {
  static constexpr std::uint64_t kOne = 1;
  rd_kafka_queue_io_event_enable(queue, wake.fd(), &kOne, sizeof(kOne));
}

void wake_no_more(rd_kafka_queue_t* queue) {
  rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
}

void destroy_within(ClientHandle client, std::shared_ptr<WakeFd> wake,
                    std::chrono::milliseconds limit) {
  if (client == nullptr) return;
  std::promise<void> promise;
  const std::future<void> done = promise.get_future();
  std::thread thread(
      [promise = std::move(promise), wake = std::move(wake), raw = client.release()]() mutable {
        // A consumer has left its group by now, or could not: in neither case try again.
        rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        promise.set_value();
      });
  if (done.wait_for(limit) == std::future_status::ready) {
    thread.join();
  } else {
    thread.detach();
  }
}

}  // namespace spool::kafka
