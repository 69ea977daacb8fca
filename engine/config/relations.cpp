#include "engine/config/relations.hpp"

#include <algorithm>

namespace spool::config {
namespace {

class Check {
 public:
  Check(const KeyTable& table, const Loaded& loaded, const std::set<std::string>& failed)
      : table_(table), loaded_(loaded), failed_(failed) {}

  // `left` * `times` < `right`
  void below(const std::string& left, std::int64_t times, const std::string& right) {
    const std::string share = times == 1 ? "" : times == 2 ? "half of " : "a third of ";
    if (number(left) * times >= number(right)) {
      broken({left, right}, named(left) + " must be below " + share + named(right));
    }
  }

  void at_most(const std::string& left, const std::string& right) {
    if (number(left) > number(right)) {
      broken({left, right}, named(left) + " must not be more than " + named(right));
    }
  }

  void broken(const std::vector<std::string>& paths, std::string text) {
    const bool judged = std::none_of(paths.begin(), paths.end(), [&](const std::string& path) {
      return failed_.count(path) != 0;
    });
    if (judged) lines.push_back(std::move(text));
  }

  // "consumer.linger (5s, spool.toml:3:4)"
  std::string named(const std::string& path) const {
    const Key& key = *table_.find(path)->key;
    const auto origin = loaded_.origins.find(path);
    return path + " (" + to_text(key.shape, masked(key.shape, key.read(loaded_.settings))) + ", " +
           (origin == loaded_.origins.end() ? Origin{}.where : origin->second.where) + ")";
  }

  std::vector<std::string> lines;

 private:
  std::int64_t number(const std::string& path) const {
    return std::get<std::int64_t>(table_.find(path)->key->read(loaded_.settings));
  }

  const KeyTable& table_;
  const Loaded& loaded_;
  const std::set<std::string>& failed_;
};

void check_security(Check& check, const Kafka& kafka) {
  const std::string protocol = "kafka.security_protocol";
  const std::string mechanism = "kafka.sasl.mechanism";
  const bool sasl = kafka.security_protocol.starts_with("sasl_");
  if (sasl && kafka.sasl.mechanism.empty()) {
    check.broken({protocol, mechanism}, check.named(protocol) + " needs " + mechanism);
  }
  if (!sasl && !kafka.sasl.mechanism.empty()) {
    check.broken(
        {protocol, mechanism},
        check.named(mechanism) + " needs kafka.security_protocol sasl_plaintext or sasl_ssl");
  }
  const bool by_password =
      sasl && (kafka.sasl.mechanism == "PLAIN" || kafka.sasl.mechanism.starts_with("SCRAM"));
  for (const auto& [path, value] :
       {std::pair{std::string("kafka.sasl.username"), &kafka.sasl.username},
        std::pair{std::string("kafka.sasl.password"), &kafka.sasl.password}}) {
    if (by_password && value->empty())
      check.broken({mechanism, path}, check.named(mechanism) + " needs " + path);
  }
  if (kafka.tls.cert.empty() != kafka.tls.key.empty()) {
    check.broken({"kafka.tls.cert", "kafka.tls.key"},
                 "kafka.tls.cert and kafka.tls.key need each other");
  }
  const bool tls = kafka.security_protocol == "ssl" || kafka.security_protocol == "sasl_ssl";
  for (const auto& [path, value] : {std::pair{std::string("kafka.tls.ca"), &kafka.tls.ca},
                                    std::pair{std::string("kafka.tls.cert"), &kafka.tls.cert}}) {
    if (!tls && !value->empty()) {
      check.broken({protocol, path},
                   check.named(path) + " needs kafka.security_protocol ssl or sasl_ssl");
    }
  }
}

std::string handler_key(const std::string& handler, std::string_view name) {
  std::string path = "handlers.";
  return path.append(handler).append(".").append(name);
}

// One handler per topic and group; nothing that one cannot apply may come back as input.
void check_handlers(Check& check, const Settings& settings) {
  const auto differ = [&](const std::string& left, const std::string& right) {
    check.broken({left, right}, check.named(left) + " and " + check.named(right) + " must differ");
  };
  for (const auto& [name, one] : settings.handlers) {
    for (const auto& [others_name, other] : settings.handlers) {
      if (!one.enabled || !other.enabled) continue;
      if (one.dlt_topic == other.topic) {
        differ(handler_key(name, "dlt.topic"), handler_key(others_name, "topic"));
      }
      if (name >= others_name) continue;  // each pair once
      if (one.topic == other.topic) {
        differ(handler_key(name, "topic"), handler_key(others_name, "topic"));
      }
      if (one.group == other.group) {
        differ(handler_key(name, "group"), handler_key(others_name, "group"));
      }
    }
  }
}

// The topics of retries are named by the engine: nobody else's topic may stand among them.
void check_retry_topics(Check& check, const Settings& settings) {
  for (const auto& [name, one] : settings.handlers) {
    const std::string kept = one.topic + ".retry.";
    for (const auto& [others_name, other] : settings.handlers) {
      if (!one.enabled || !other.enabled) continue;
      for (const auto& [key, topic] :
           {std::pair{"topic", &other.topic}, std::pair{"dlt.topic", &other.dlt_topic}}) {
        if (!topic->starts_with(kept)) continue;
        const std::string path = handler_key(others_name, key);
        const std::string source = handler_key(name, "topic");
        check.broken({path, source}, check.named(path) + " must not be among the retry topics of " +
                                         check.named(source));
      }
    }
  }
}

void check_retries(Check& check, const KeyTable& table, const Loaded& loaded) {
  for (const auto& [name, handler] : loaded.settings.handlers) {
    const std::string prefix = handler_key(name, "retry.");
    const std::string cap = prefix + "max_delay";
    const auto not_above_cap = [&, &own = handler](const std::string& path) {
      const auto delays =
          std::get<std::vector<std::int64_t>>(table.find(path)->key->read(loaded.settings));
      if (std::ranges::any_of(delays,
                              [&](std::int64_t d) { return d > own.retry.max_delay.count(); })) {
        check.broken({path, cap},
                     check.named(path) + " must not have more than " + check.named(cap));
      }
    };
    not_above_cap(prefix + "delays");
    for (const std::string& type : error_types())
      not_above_cap(prefix + "classes." + type + ".delays");
  }
}

}  // namespace

std::vector<std::string> broken_relations(const KeyTable& table, const Loaded& loaded,
                                          const std::set<std::string>& failed) {
  Check check(table, loaded, failed);
  check.below("consumer.heartbeat_interval", 3, "consumer.session_timeout");
  check.below("database.idle_in_transaction_timeout", 2, "consumer.session_timeout");
  check.below("database.tcp_user_timeout", 2, "consumer.session_timeout");
  check.below("database.lock_timeout", 1, "database.statement_timeout");
  check.below("producer.linger", 1, "producer.delivery_timeout");
  check.below("retention.dead_letters", 1, "retention.tombstones");
  check.at_most("consumer.lane_buffer_bytes", "consumer.prefetch_bytes");
  for (const auto& [name, handler] : loaded.settings.handlers)
    check.at_most(handler_key(name, "key_events_max"), handler_key(name, "open_events_max"));
  check_security(check, loaded.settings.kafka);
  check_handlers(check, loaded.settings);
  check_retry_topics(check, loaded.settings);
  check_retries(check, table, loaded);
  return std::move(check.lines);
}

}  // namespace spool::config
