#include "engine/store/event_filter.hpp"

#include "engine/base/text.hpp"

namespace spool::store {
namespace {

class JsonObject {
 public:
  void add(const char* name, const std::optional<std::string>& text) {
    if (!text) return;
    begin(name);
    base::append_json_quoted(out_, *text);
  }
  void add(const char* name, const std::optional<base::EpochMicros>& time) {
    if (time) add(name, std::optional(base::format_rfc3339(*time)));
  }
  template <typename Items, typename Write>
  void add_list(const char* name, const Items& items, Write write) {
    if (items.empty()) return;
    begin(name);
    out_ += "[";
    for (std::size_t i = 0; i < items.size(); ++i) out_ += (i == 0 ? "" : ", ") + write(items[i]);
    out_ += "]";
  }
  void add_number(const char* name, std::int64_t number) {
    begin(name);
    out_ += std::to_string(number);
  }
  std::string text() const { return out_ + "}"; }

 private:
  void begin(const char* name) {
    out_ += (out_.size() > 1 ? ", \"" : "\"") + std::string(name) + "\": ";
  }

  std::string out_ = "{";
};

JsonObject words(const EventFilter& filter) {
  JsonObject object;
  object.add_list("ids", filter.ids,
                  [](const base::Uuid& id) { return "\"" + base::to_string(id) + "\""; });
  object.add("error", filter.error);
  object.add("topic", filter.topic);
  object.add("fingerprint", filter.fingerprint);
  object.add("key", filter.key);
  object.add("event_type", filter.event_type);
  object.add("source", filter.source);
  object.add("state", filter.state);
  object.add("older_than", filter.older_than);
  object.add("until", filter.until);
  object.add("user_field", filter.user_field);
  if (filter.partition) object.add_number("partition", *filter.partition);
  object.add_list("numbers", filter.numbers,
                  [](std::int64_t number) { return std::to_string(number); });
  return object;
}

}  // namespace

std::string filter_json(const EventFilter& filter) {
  JsonObject object = words(filter);
  object.add("user", filter.user);
  return object.text();
}

std::string audit_json(const EventFilter& filter) {
  JsonObject object = words(filter);
  if (filter.user) object.add("user_mark", std::optional(user_mark(*filter.user)));
  return object.text();
}

std::string user_mark(const std::string& user) {
  return base::to_string(base::name_uuid("user", user));
}

}  // namespace spool::store
