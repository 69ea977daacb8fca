#include "engine/delivery/dead_letter.hpp"

#include <cctype>
#include <cstddef>

#include "engine/base/text.hpp"

namespace spool::delivery {
namespace {

constexpr std::size_t kMessageBytesMax = 1024;
constexpr std::size_t kFingerprintBytesMax = 300;
constexpr std::size_t kUuidBytes = 36;
constexpr std::size_t kHeadersAddedMax = 14;

bool ours(std::string_view name) {
  return name.starts_with("spool-") || name.starts_with("__dlq.errors.");
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// What binds digits into one number, date, version or uuid when digits or letters follow.
bool joins(char c) {
  return c == '.' || c == ':' || c == '-' || c == '+';
}

// The end of the token that starts at `from`: words together with what joins them.
std::size_t token_end(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size() && (is_word(text[at]) ||
                              (joins(text[at]) && at + 1 < text.size() && is_word(text[at + 1])))) {
    ++at;
  }
  return at;
}

bool varies(std::string_view token) {
  if (base::parse_uuid(token)) return true;
  // A field name such as list2 stays; what begins with a digit is a number or a date.
  return is_digit(token.front()) ||
         (token.front() == '-' && token.size() > 1 && is_digit(token[1]));
}

message::OwnedHeaders originals(const message::Record& record) {
  message::OwnedHeaders headers;
  headers.reserve(record.headers.size() + kHeadersAddedMax);
  for (const message::Header& header : record.headers) {
    if (ours(header.name)) continue;
    headers.emplace_back(std::string(header.name),
                         header.value ? std::optional(std::string(*header.value)) : std::nullopt);
  }
  return headers;
}

struct Count {
  std::int32_t attempt;
  std::int32_t life;
  base::EpochMicros first_seen;  // when its first attempt failed
};

void add_facts(message::OwnedHeaders& headers, const message::Record& record, const Count& count,
               const message::Rejection& why, const Sender& sender) {
  const auto add = [&headers](const char* name, std::string_view value) {
    headers.emplace_back(name, std::string(value));
  };
  add("spool-attempt", std::to_string(count.attempt));
  add("spool-life", std::to_string(count.life));
  add("spool-origin-timestamp", std::to_string(record.timestamp_ms));
  add("spool-first-seen", base::format_rfc3339(count.first_seen));
  add("spool-error-type", message::to_string(why.type));
  add("spool-error-message", base::printable(why.message(), kMessageBytesMax));
  add("spool-handler", sender.handler);
  add("spool-release", sender.release);
}

}  // namespace

std::string fingerprint(std::string_view handler, const message::Rejection& why) {
  const std::string text = why.message();
  std::string out(handler);
  out.append(" ").append(message::to_string(why.type)).append(" ");
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      const std::size_t end = text.find(c, at + 1);
      if (end != std::string::npos) {
        out.push_back('?');
        at = end + 1;
        continue;
      }
    }
    const bool negative = c == '-' && at + 1 < text.size() && is_digit(text[at + 1]);
    if (is_word(c) || negative) {
      const std::size_t end = token_end(text, at + (negative ? 1 : 0));
      const std::string_view token = std::string_view(text).substr(at, end - at);
      if (varies(token)) {
        out.push_back('?');
      } else {
        out.append(token);
      }
      at = end;
      continue;
    }
    out.push_back(c);
    ++at;
  }
  return base::printable(out, kFingerprintBytesMax);
}

base::Uuid retry_id(std::string_view source, std::string_view id, const OpenRow& row) {
  return base::name_uuid(source, id, std::to_string(row.life),
                         "retry." + std::to_string(row.attempts));
}

base::Uuid dead_letter_id(const DeadLetter& letter) {
  return base::name_uuid(letter.source, letter.id, std::to_string(letter.life), "dead_letter");
}

std::string replay_header_prefix() {
  const std::string block = message::pack_headers(
      message::OwnedHeaders{{"spool-replay-id", std::string(kUuidBytes, '0')}});
  return block.substr(0, block.size() - kUuidBytes);
}

message::OwnedHeaders retry_headers(const message::Record& record, const OpenRow& row,
                                    const message::Rejection& why, const Sender& sender) {
  message::OwnedHeaders headers = originals(record);
  const base::EpochMicros first = row.first_failed_at == 0 ? sender.now : row.first_failed_at;
  add_facts(headers, record, {row.attempts + 1, row.life, first}, why, sender);
  headers.emplace_back("spool-due-at", base::format_rfc3339(row.due));
  return headers;
}

message::OwnedHeaders dead_letter_headers(const DeadLetter& letter, const Sender& sender) {
  message::OwnedHeaders headers = originals(letter.record);
  const base::EpochMicros first = letter.first_failed_at == 0 ? sender.now : letter.first_failed_at;
  add_facts(headers, letter.record, {letter.attempts, letter.life, first}, letter.why, sender);
  const auto add = [&headers](const char* name, std::string_view value) {
    headers.emplace_back(name, std::string(value));
  };
  add("__dlq.errors.topic", sender.topic);
  add("__dlq.errors.partition", std::to_string(sender.partition));
  add("__dlq.errors.offset", std::to_string(letter.record.offset));
  add("__dlq.errors.group", sender.group);
  add("__dlq.errors.delivery.count", std::to_string(letter.attempts));
  add("__dlq.errors.message", base::printable(letter.why.message(), kMessageBytesMax));
  return headers;
}

}  // namespace spool::delivery
