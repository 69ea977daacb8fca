#include "engine/message/foreign_origin.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engine/base/text.hpp"

namespace spool::message {
namespace {

constexpr std::size_t kTextBytesMax = 500;
constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own bound

enum class Numbers { binary, text };

// How one system names its headers.
struct Family {
  std::string_view name;
  std::string_view topic;
  std::string_view partition;
  std::string_view offset;
  std::string_view exception;
  std::string_view text;
  Numbers numbers;
};

// In this order: what stands behind may have been put there before, by a system in between.
constexpr std::array kFamilies{
    Family{"spring", "kafka_original-topic", "kafka_original-partition", "kafka_original-offset",
           "kafka_exception-fqcn", "kafka_exception-message", Numbers::binary},
    Family{"spring", "kafka_dlt-original-topic", "kafka_dlt-original-partition",
           "kafka_dlt-original-offset", "kafka_dlt-exception-fqcn", "kafka_dlt-exception-message",
           Numbers::binary},
    Family{"stream", "x-original-topic", "x-original-partition", "x-original-offset",
           "x-exception-fqcn", "x-exception-message", Numbers::binary},
    Family{"connect", "__connect.errors.topic", "__connect.errors.partition",
           "__connect.errors.offset", "__connect.errors.exception.class.name",
           "__connect.errors.exception.message", Numbers::text},
    Family{"streams", "__streams.errors.topic", "__streams.errors.partition",
           "__streams.errors.offset", "__streams.errors.exception", "__streams.errors.message",
           Numbers::text},
    Family{"karafka", "source_topic", "source_partition", "source_offset", "", "", Numbers::text},
    Family{"kafka", "__dlq.errors.topic", "__dlq.errors.partition", "__dlq.errors.offset", "",
           "__dlq.errors.message", Numbers::text},
};

std::optional<std::string_view> first(std::span<const Header> headers, std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (const Header& header : headers) {
    if (header.name == name && header.value) return header.value;
  }
  return std::nullopt;
}

std::string last_text(std::span<const Header> headers, std::string_view name) {
  std::string text;
  if (name.empty()) return text;
  for (const Header& header : headers) {
    if (header.name == name && header.value) text = base::printable(*header.value, kTextBytesMax);
  }
  return text;
}

// Kafka's own rule for names of topics.
bool is_topic(std::string_view name) {
  if (name.empty() || name.size() > kTopicBytesMax || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

// Big endian, as Java's ByteBuffer writes an int or a long.
template <typename Number>
std::optional<Number> from_binary(std::string_view bytes) {
  if (bytes.size() != sizeof(Number)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  const auto number = static_cast<Number>(value);
  return number < 0 ? std::nullopt : std::optional<Number>(number);
}

template <typename Number>
std::optional<Number> from_text(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end || number < 0) return std::nullopt;
  return number;
}

template <typename Number>
std::optional<Number> number(std::span<const Header> headers, std::string_view name,
                             Numbers numbers) {
  const auto bytes = first(headers, name);
  if (!bytes) return std::nullopt;
  return numbers == Numbers::binary ? from_binary<Number>(*bytes) : from_text<Number>(*bytes);
}

}  // namespace

std::optional<ForeignOrigin> foreign_origin(std::span<const Header> headers) {
  for (const Family& family : kFamilies) {
    const auto topic = first(headers, family.topic);
    if (!topic || !is_topic(*topic)) continue;
    return ForeignOrigin{family.name,
                         std::string(*topic),
                         number<std::int32_t>(headers, family.partition, family.numbers),
                         number<std::int64_t>(headers, family.offset, family.numbers),
                         last_text(headers, family.exception),
                         last_text(headers, family.text)};
  }
  return std::nullopt;
}

}  // namespace spool::message
