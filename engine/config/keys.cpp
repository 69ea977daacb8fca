#include "engine/config/keys.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "engine/base/text.hpp"

namespace spool::config {
namespace {

std::pair<std::string, std::string> split_last(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", std::string(path)};
  return {std::string(path.substr(0, dot)), std::string(path.substr(dot + 1))};
}

}  // namespace

KeyTable::KeyTable(const KnownHandlers& handlers)
    : keys_(list_keys(handlers)), defaults_(default_settings(handlers)) {
  for (const Key& key : keys_) {
    if (key.derive) key.derive(defaults_);
  }
}

std::optional<KeyTable::Found> KeyTable::find(std::string_view path) const {
  for (const Key& key : keys_) {
    if (key.members) {
      const std::string prefix = key.section + ".";
      if (path.starts_with(prefix) && path.size() > prefix.size()) {
        return Found{&key, std::string(path.substr(prefix.size()))};
      }
    } else if (key.path() == path) {
      return Found{&key, {}};
    }
  }
  return std::nullopt;
}

bool KeyTable::is_section(std::string_view path) const {
  const std::string prefix = std::string(path) + ".";
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const Key& key) { return key.path().starts_with(prefix); });
}

bool KeyTable::is_open_section(std::string_view path) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const Key& key) { return key.members && key.section == path; });
}

// A slip within the right section, the right name in the wrong section, then any slip.
std::string KeyTable::nearest(std::string_view path) const {
  const auto [section, name] = split_last(path);
  std::vector<std::string> names;
  std::vector<std::string> paths;
  std::string elsewhere;
  for (const Key& key : keys_) {
    if (key.members) continue;
    paths.push_back(key.path());
    if (key.section == section) names.push_back(key.name);
    if (key.name == name && elsewhere.empty()) elsewhere = key.path();
  }
  const std::string within = base::nearest(name, names);
  if (!within.empty()) return section + "." + within;
  if (!elsewhere.empty()) return elsewhere;
  return base::nearest(path, paths);
}

std::string KeyTable::nearest_section(std::string_view path) const {
  std::set<std::string> sections;
  for (const Key& key : keys_) {
    for (std::string section = split_last(key.path()).first; !section.empty();) {
      sections.insert(section);
      section = split_last(section).first;
    }
  }
  std::string near = base::nearest(path, {sections.begin(), sections.end()});
  if (!near.empty()) return near;
  const std::string name = split_last(path).second;
  for (const std::string& section : sections) {
    if (split_last(section).second == name) return section;
  }
  return {};
}

const std::map<std::string, std::string>& reserved_properties() {
  static const std::map<std::string, std::string> reserved = {
      {"acks", ""},
      {"auto.offset.reset", ""},
      {"enable.auto.commit", ""},
      {"enable.auto.offset.store", ""},
      {"enable.idempotence", ""},
      {"isolation.level", ""},
      {"request.required.acks", ""},
      {"bootstrap.servers", "kafka.bootstrap_servers"},
      {"metadata.broker.list", "kafka.bootstrap_servers"},
      {"client.id", "kafka.client_id"},
      {"group.id", "handlers.<name>.group"},
      {"group.instance.id", "kafka.group_instance_id"},
      {"security.protocol", "kafka.security_protocol"},
      {"sasl.mechanism", "kafka.sasl.mechanism"},
      {"sasl.mechanisms", "kafka.sasl.mechanism"},
      {"sasl.username", "kafka.sasl.username"},
      {"sasl.password", "kafka.sasl.password"},
      {"ssl.ca.location", "kafka.tls.ca"},
      {"ssl.certificate.location", "kafka.tls.cert"},
      {"ssl.key.location", "kafka.tls.key"},
      {"ssl.key.password", "kafka.tls.key_password"},
      {"enable.ssl.certificate.verification", "kafka.tls.verify"},
      {"partition.assignment.strategy", "consumer.assignor"},
      {"session.timeout.ms", "consumer.session_timeout"},
      {"heartbeat.interval.ms", "consumer.heartbeat_interval"},
      {"linger.ms", "producer.linger"},
      {"queue.buffering.max.ms", "producer.linger"},
      {"compression.codec", "producer.compression"},
      {"compression.type", "producer.compression"},
      {"delivery.timeout.ms", "producer.delivery_timeout"},
      {"message.timeout.ms", "producer.delivery_timeout"},
  };
  return reserved;
}

Shape property_shape(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSecretWords = {
      "password", "secret", "token", "key.pem", "jaas", "oauthbearer.config"};
  const bool is_secret = std::any_of(kSecretWords.begin(), kSecretWords.end(), [&](auto word) {
    return name.find(word) != std::string_view::npos;
  });
  return is_secret ? secret() : text();
}

}  // namespace spool::config
