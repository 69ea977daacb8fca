#include "engine/app/dead_letter_form.hpp"

#include "engine/app/text_form.hpp"

namespace spool::app {
namespace {

constexpr base::EpochMicros kMicrosPerMs = 1000;

Cell maybe(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

// Bytes as they are if they are text, else in base64; null stays null.
Cell bytes_json(const std::optional<std::string>& bytes) {
  if (!bytes) return {};
  const bool plain = is_plain_text(*bytes);
  return Json{to_json(Record{{"encoding", std::string(plain ? "utf-8" : "base64")},
                             {"data", plain ? *bytes : base64(*bytes)}})};
}

Cell headers_json(const message::OwnedHeaders& headers) {
  std::string out = "[";
  for (const auto& [name, value] : headers) {
    out += (out.size() > 1 ? ", " : "");
    out += to_json(Record{{"name", name}, {"value", bytes_json(value)}});
  }
  return Json{out + "]"};
}

void add_bytes(Record& record, const char* name, const std::optional<std::string>& bytes) {
  if (!bytes || is_plain_text(*bytes)) {
    record.push_back({name, bytes ? Cell(*bytes) : Cell()});
  } else {
    record.push_back({std::string(name) + "_base64", base64(*bytes)});
  }
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// A spreadsheet must not take what a producer sent for a formula.
std::string csv_text(const Cell& cell) {
  const std::string text = std::holds_alternative<std::monostate>(cell) ? "" : to_text(cell, {});
  const bool formula = std::holds_alternative<std::string>(cell) && !text.empty() &&
                       std::string("=+-@").find(text.front()) != std::string::npos;
  return csv_field(formula ? "'" + text : text);
}

Record csv_record(const store::DeadLetterDetail& letter) {
  Record record = letter_summary(letter.summary);
  record.push_back({"key", letter.key ? Cell(bytes_text(letter.key)) : Cell()});
  record.push_back({"payload", letter.value ? Cell(bytes_text(letter.value)) : Cell()});
  return record;
}

}  // namespace

std::string bytes_text(const std::optional<std::string>& bytes) {
  if (!bytes) return "(null)";
  return is_plain_text(*bytes) ? *bytes : "base64:" + base64(*bytes);
}

Record letter_summary(const store::DeadLetterSummary& letter) {
  return {{"id", base::to_string(letter.id)},
          {"state", letter.state},
          {"handler", letter.handler},
          {"source", letter.source},
          {"event_id", letter.event_id},
          {"event_type", maybe(letter.event_type)},
          {"life", std::int64_t{letter.life}},
          {"topic", letter.topic},
          {"partition", std::int64_t{letter.partition}},
          {"offset", letter.offset},
          {"timestamp",
           letter.timestamp_ms < 0 ? Cell() : Cell(Time{letter.timestamp_ms * kMicrosPerMs})},
          {"error_type", letter.error_type},
          {"error_field", maybe(letter.error_field)},
          {"error_message", letter.error_message},
          {"fingerprint", letter.fingerprint},
          {"attempts", std::int64_t{letter.attempts}},
          {"first_seen", Time{letter.first_seen}},
          {"dead_at", Time{letter.dead_at}},
          {"settled_at", letter.settled_at ? Cell(Time{*letter.settled_at}) : Cell()},
          {"edited", letter.edited},
          {"erased", letter.erased},
          {"note", letter.note ? Cell(*letter.note) : Cell()}};
}

Record letter_record(const store::DeadLetterDetail& letter) {
  Record record = letter_summary(letter.summary);
  record.push_back({"history", Json{letter.history_json}});
  record.push_back({"key", bytes_json(letter.key)});
  record.push_back({"headers", headers_json(letter.headers)});
  record.push_back({"payload", bytes_json(letter.value)});
  return record;
}

std::string kcat_envelope(const store::DeadLetterDetail& letter) {
  const store::DeadLetterSummary& one = letter.summary;
  Record record = {{"topic", one.topic},
                   {"partition", std::int64_t{one.partition}},
                   {"offset", one.offset},
                   {"tstype", std::string(one.timestamp_ms < 0 ? "unknown" : "create")},
                   {"ts", one.timestamp_ms}};
  std::string headers = "[";
  for (const auto& [name, value] : letter.headers) {
    headers += (headers.size() > 1 ? ", " : "") + json_quoted(name) + ", " +
               (value ? json_quoted(is_plain_text(*value) ? *value : base64(*value)) : "null");
  }
  record.push_back({"headers", Json{headers + "]"}});
  add_bytes(record, "key", letter.key);
  add_bytes(record, "payload", letter.value);
  return to_json(record);
}

std::string csv_head() {
  std::string line;
  for (const Field& field : csv_record({})) line += (line.empty() ? "" : ",") + field.key;
  return line;
}

std::string csv_line(const store::DeadLetterDetail& letter) {
  std::string line;
  bool first = true;
  for (const Field& field : csv_record(letter)) {
    line += (first ? "" : ",") + csv_text(field.value);
    first = false;
  }
  return line;
}

}  // namespace spool::app
