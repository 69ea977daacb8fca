#include "engine/config/shape.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "engine/base/text.hpp"
#include "engine/config/list_shape.hpp"

namespace spool::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
// Largest first; the first that divides a value is the one it is written in. Days are read, never
// written.
constexpr std::array kDurationUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}, Unit{"d", 86'400'000}};
constexpr std::array kSizeUnits = {Unit{"GiB", 1LL << 30},
                                   Unit{"MiB", 1LL << 20},
                                   Unit{"KiB", 1LL << 10},
                                   Unit{"GB", 1'000'000'000},
                                   Unit{"MB", 1'000'000},
                                   Unit{"kB", 1'000},
                                   Unit{"B", 1}};

base::Failure invalid(std::string text) {
  return {base::FailureKind::invalid, std::move(text)};
}

base::Failure unexpected(const Shape& shape, std::string_view got) {
  if (shape.secrecy != Secrecy::open) return invalid("expected " + expectation(shape));
  return invalid("expected " + expectation(shape) + ", got " + quoted(base::printable(got, 80)));
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

template <typename T>
std::optional<T> number_of(std::string_view text) {
  T number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  return number_of<std::int64_t>(text);
}

template <std::size_t N>
std::optional<std::int64_t> with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::int64_t> number = whole_number(text.substr(0, digits));
  const std::string_view name = text.substr(digits);
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  if (!number || unit == units.end()) return std::nullopt;
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) return std::nullopt;
  return *number * unit->factor;
}

template <std::size_t N>
std::string in_units(std::int64_t value, const std::array<Unit, N>& units) {
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) {
    return u.factor == 1 || (value != 0 && value % u.factor == 0);
  });
  return std::to_string(value / unit->factor) + std::string(unit->name);
}

bool is_topic(std::string_view text) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return text != "." && text != ".." && std::all_of(text.begin(), text.end(), legal);
}

base::Result<Value> checked_text(const Shape& shape, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return invalid("a value must not hold a NUL byte");
  if (shape.secrecy != Secrecy::open && text.find(kMask) != std::string_view::npos) {
    return invalid("this is the mask that stands for a secret, not the secret");
  }
  if (shape.kind == Kind::choice) {
    const auto found = std::find_if(shape.choices.begin(), shape.choices.end(),
                                    [&](const std::string& c) { return same_letters(c, text); });
    if (found == shape.choices.end()) return unexpected(shape, text);
    return Value{*found};
  }
  if (shape.kind == Kind::endpoint) {
    const base::Result<Endpoint> parsed = parse_endpoint(text);
    if (!parsed) return unexpected(shape, text);
    return Value{to_string(*parsed)};
  }
  const auto length = static_cast<std::int64_t>(text.size());
  bool good = length >= shape.min && length <= shape.max;
  if (shape.kind == Kind::topic) good = good && is_topic(text);
  if (shape.kind == Kind::database_url) {
    good = text.starts_with("postgresql://") || text.starts_with("postgres://");
  }
  if (!good) return unexpected(shape, text);
  return Value{std::string(text)};
}

// "upstream.*" fits when a choice begins so.
base::Result<Value> checked_pattern(const Shape& shape, std::string_view text) {
  const bool open_end = text.ends_with('*');
  const std::string_view begin = text.substr(0, text.size() - (open_end ? 1 : 0));
  const bool fits = std::any_of(
      shape.choices.begin(), shape.choices.end(),
      [&](const std::string& c) { return open_end ? c.starts_with(begin) : c == begin; });
  if (fits) return Value{std::string(text)};
  base::Failure failure = unexpected(shape, text);
  const std::string near = base::nearest(text, shape.choices);
  if (!near.empty()) failure.text += "; did you mean " + near + "?";
  return failure;
}

base::Result<Value> checked_ratio(const Shape& shape, std::optional<double> number,
                                  std::string_view got) {
  if (!number || !(*number >= 0 && *number <= 1)) return unexpected(shape, got);
  return Value{*number};
}

base::Result<Value> checked_number(const Shape& shape, std::optional<std::int64_t> number,
                                   std::string_view got) {
  if (!number || *number < shape.min || *number > shape.max) return unexpected(shape, got);
  return Value{*number};
}

std::string range(const Shape& shape) {
  return " between " + to_text(shape, shape.min) + " and " + to_text(shape, shape.max);
}

// Conservative: what libpq would read as a host may be masked too, never the other way round.
std::string masked_url(std::string url) {
  constexpr std::string_view kParameter = "password=";  // sslpassword= as well
  for (std::size_t at = url.find(kParameter); at != std::string::npos;
       at = url.find(kParameter, at)) {
    at += kParameter.size();
    const std::size_t length = std::min(url.find('&', at), url.size()) - at;
    if (length != 0) url.replace(at, length, kMask);
  }
  const std::size_t user = url.find("://");
  const std::size_t host = url.rfind('@');
  if (user == std::string::npos || host == std::string::npos) return url;
  const std::size_t colon = url.find(':', user + 3);
  if (colon < host) url.replace(colon + 1, host - colon - 1, kMask);
  return url;
}

}  // namespace

Shape text(std::int64_t length_min) {
  return {.kind = Kind::text, .min = length_min};
}
Shape topic() {
  return {.kind = Kind::topic, .min = 1, .max = 249};
}
Shape choice(std::vector<std::string> choices) {
  return {.kind = Kind::choice, .choices = std::move(choices)};
}
Shape flag() {
  return {.kind = Kind::flag};
}
Shape count(std::int64_t min, std::int64_t max) {
  return {.kind = Kind::count, .min = min, .max = max};
}
Shape duration(std::chrono::milliseconds min, std::chrono::milliseconds max) {
  return {.kind = Kind::duration, .min = min.count(), .max = max.count()};
}
Shape size(std::int64_t min, std::int64_t max) {
  return {.kind = Kind::size, .min = min, .max = max};
}
Shape ratio() {
  return {.kind = Kind::ratio};
}
Shape pattern(std::vector<std::string> choices) {
  return {.kind = Kind::pattern, .choices = std::move(choices)};
}
Shape list_of(Shape one, std::size_t items_min) {
  one.list = true;
  one.items_min = items_min;
  return one;
}
Shape endpoint() {
  return {.kind = Kind::endpoint};
}
Shape secret() {
  return {.kind = Kind::text, .secrecy = Secrecy::whole};
}
Shape database_url() {
  return {.kind = Kind::database_url, .secrecy = Secrecy::url_password};
}

base::Result<Endpoint> parse_endpoint(std::string_view text) {
  const base::Failure failure = invalid("expected " + expectation(endpoint()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failure;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  // A colon in a host without brackets is an IPv6 address that lacks its port.
  if (host.empty() || (host.find(':') != std::string_view::npos) != bracketed) return failure;
  if (host.find_first_of("[]*/@ \t\r\n") != std::string_view::npos) return failure;
  const std::optional<std::int64_t> port = whole_number(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65'535) return failure;
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string to_string(const Endpoint& endpoint) {
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  return (brackets ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

std::string expectation(const Shape& shape) {
  if (shape.list) {
    return (shape.items_min > 0 ? "a list that is not empty, each " : "a list, each ") +
           expectation(item_of(shape));
  }
  switch (shape.kind) {
    case Kind::text:
      return shape.min > 0 ? "a text that is not empty" : "a text";
    case Kind::topic:
      return "a name of 1 to 249 letters, digits, '.', '_' or '-'";
    case Kind::choice: {
      std::string list;
      for (const std::string& c : shape.choices) list += (list.empty() ? "" : ", ") + quoted(c);
      return "one of " + list;
    }
    case Kind::flag:
      return "true or false";
    case Kind::count:
      return "a whole number" + range(shape);
    case Kind::duration:
      return "a duration" + range(shape) + " with a unit (ms, s, m, h, d), such as \"10s\"";
    case Kind::size:
      return "a size" + range(shape) +
             " in bytes or with a unit (kB, MB, GB, KiB, MiB, GiB), such as \"64MiB\"";
    case Kind::ratio:
      return "a number between 0 and 1";
    case Kind::pattern:
      return "one of the known words, or the beginning of one with '*' behind";
    case Kind::endpoint:
      return "an address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"";
    case Kind::database_url:
      return "a URL such as \"postgresql://user@host:5432/database\"";
  }
  return {};
}

base::Result<Value> parse(const Shape& shape, std::string_view text) {
  if (shape.list) return parse_list(shape, text);
  switch (shape.kind) {
    case Kind::flag:
      if (same_letters(text, "true")) return Value{true};
      if (same_letters(text, "false")) return Value{false};
      return unexpected(shape, text);
    case Kind::count:
      return checked_number(shape, whole_number(text), text);
    case Kind::duration:
      return checked_number(shape, with_unit(text, kDurationUnits), text);
    case Kind::size: {
      const std::optional<std::int64_t> bytes = whole_number(text);
      return checked_number(shape, bytes ? bytes : with_unit(text, kSizeUnits), text);
    }
    case Kind::ratio:
      return checked_ratio(shape, number_of<double>(text), text);
    case Kind::pattern:
      return checked_pattern(shape, text);
    default:
      return checked_text(shape, text);
  }
}

base::Result<Value> accept(const Shape& shape, const Value& typed) {
  if (const auto* items = std::get_if<std::vector<std::string>>(&typed))
    return shape.list ? accept_list(shape, *items) : unexpected(shape, "a list");
  if (const auto* written = std::get_if<std::string>(&typed)) {
    const bool number =
        shape.kind == Kind::flag || shape.kind == Kind::count || shape.kind == Kind::ratio;
    return number || shape.list ? base::Result<Value>(unexpected(shape, *written))
                                : parse(shape, *written);
  }
  if (const auto* truth = std::get_if<bool>(&typed)) {
    if (shape.kind == Kind::flag) return typed;
    return unexpected(shape, *truth ? "true" : "false");
  }
  if (shape.kind == Kind::ratio) {
    const auto* fraction = std::get_if<double>(&typed);
    return checked_ratio(shape,
                         fraction ? *fraction : static_cast<double>(std::get<std::int64_t>(typed)),
                         to_text(shape, typed));
  }
  const auto* whole = std::get_if<std::int64_t>(&typed);
  if (whole == nullptr) return unexpected(shape, to_text(shape, typed));
  const std::int64_t number = *whole;
  const bool counts = shape.kind == Kind::count || shape.kind == Kind::size;
  return checked_number(shape, counts ? std::optional(number) : std::nullopt,
                        std::to_string(number));
}

std::string to_text(const Shape& shape, const Value& value) {
  if (const auto* written = std::get_if<std::string>(&value)) return *written;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* fraction = std::get_if<double>(&value)) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *fraction).ptr;
    return {digits.data(), end};
  }
  if (shape.list) {
    return list_text(value, ",", [&](const Value& one) { return to_text(item_of(shape), one); });
  }
  const std::int64_t number = std::get<std::int64_t>(value);
  if (shape.kind == Kind::duration) return in_units(number, kDurationUnits);
  if (shape.kind == Kind::size) return in_units(number, kSizeUnits);
  return std::to_string(number);
}

std::string to_toml(const Shape& shape, const Value& value) {
  if (shape.list) {
    const auto one_toml = [&](const Value& one) { return to_toml(item_of(shape), one); };
    return "[" + list_text(value, ", ", one_toml) + "]";
  }
  const bool bare =
      shape.kind == Kind::flag || shape.kind == Kind::count || shape.kind == Kind::ratio;
  return bare ? to_text(shape, value) : quoted(to_text(shape, value));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04X", static_cast<unsigned>(byte));
      out += escaped.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

Value masked(const Shape& shape, Value value) {
  auto* written = std::get_if<std::string>(&value);
  if (written == nullptr || written->empty() || shape.secrecy == Secrecy::open) return value;
  if (shape.secrecy == Secrecy::whole) return std::string(kMask);
  return masked_url(std::move(*written));
}

}  // namespace spool::config
