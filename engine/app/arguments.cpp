#include "engine/app/arguments.hpp"

#include <charconv>

namespace spool::app {

std::optional<std::string> Arguments::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::string Arguments::get_or(const std::string& name, const std::string& fallback) const {
  return get(name).value_or(fallback);
}

std::vector<std::string> Arguments::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

base::Result<std::optional<std::int64_t>> Arguments::number(const std::string& name,
                                                            std::int64_t min,
                                                            std::int64_t max) const {
  const std::optional<std::string> text = get(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stopped != end || value < min || value > max) {
    return base::Failure(base::FailureKind::invalid,
                         name + ": \"" + *text + "\" is not a whole number between " +
                             std::to_string(min) + " and " + std::to_string(max));
  }
  return std::optional<std::int64_t>(value);
}

}  // namespace spool::app
