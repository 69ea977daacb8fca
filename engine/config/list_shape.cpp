#include "engine/config/list_shape.hpp"

#include <algorithm>
#include <utility>

namespace spool::config {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Shape item_of(Shape list) {
  list.list = false;
  return list;
}

base::Result<Value> accept_list(const Shape& shape, const std::vector<std::string>& items) {
  const Shape one = item_of(shape);
  std::vector<std::int64_t> numbers;
  std::vector<std::string> texts;
  for (const std::string& item : items) {
    base::Result<Value> value = parse(one, item);
    if (!value) return value;
    if (const auto* number = std::get_if<std::int64_t>(&*value)) numbers.push_back(*number);
    if (const auto* written = std::get_if<std::string>(&*value)) texts.push_back(*written);
  }
  if (items.size() < shape.items_min)
    return base::Failure(base::FailureKind::invalid, "expected " + expectation(shape));
  if (shape.kind == Kind::duration) return Value{std::move(numbers)};
  return Value{std::move(texts)};
}

base::Result<Value> parse_list(const Shape& shape, std::string_view text) {
  std::vector<std::string> items;
  for (std::size_t end = 0; !text.empty() && end != std::string_view::npos;) {
    end = text.find(',');
    items.emplace_back(trimmed(text.substr(0, end)));
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
    if (text.empty()) items.emplace_back();  // nothing behind the last comma: an item all the same
  }
  return accept_list(shape, items);
}

std::string list_text(const Value& list, std::string_view between,
                      const std::function<std::string(const Value&)>& write) {
  std::string out;
  const auto add = [&](const auto& items) {
    for (const auto& item : items) {
      if (!out.empty()) out += between;
      out += write(Value{item});
    }
  };
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&list)) add(*numbers);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&list)) add(*texts);
  return out;
}

}  // namespace spool::config
