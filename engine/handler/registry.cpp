#include "engine/handler/registry.hpp"

#include <algorithm>
#include <set>

namespace spool::handler {
namespace {

using base::Failure;
using base::FailureKind;

bool well_formed(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

}  // namespace

base::Status HandlerRegistry::add(Handler handler) {
  const HandlerSpec& spec = handler.spec;
  const auto refuse = [&](const std::string& why) {
    return Failure(FailureKind::invalid, "handler '" + spec.name + "': " + why);
  };
  if (!well_formed(spec.name)) return refuse("a name is 1..64 characters of a-z and _");
  if (spec.topic.empty()) return refuse("no topic");
  if (spec.types.empty()) return refuse("no event types");
  std::set<std::string> duties;
  for (const auto& duty : handler.duties) {
    if (!well_formed(duty->name()) || !duties.insert(duty->name()).second)
      return refuse("the duty '" + duty->name() + "' is no name, or there twice");
  }
  for (const Handler& other : handlers_) {
    if (other.spec.name == spec.name) return refuse("the name is taken");
    if (other.spec.topic == spec.topic)
      return refuse("topic '" + spec.topic + "' belongs to handler '" + other.spec.name + "'");
  }
  handlers_.push_back(std::move(handler));
  return {};
}

const Handler* HandlerRegistry::find(std::string_view name) const {
  const auto it = std::find_if(handlers_.begin(), handlers_.end(),
                               [&](const Handler& h) { return h.spec.name == name; });
  return it == handlers_.end() ? nullptr : &*it;
}

}  // namespace spool::handler
