#include "engine/app/output.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <ctime>

#include "engine/app/text_form.hpp"

namespace spool::app {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

std::string local_time(base::EpochMicros at) {
  const std::time_t seconds = static_cast<std::time_t>(at / kMicros);
  std::tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return base::format_rfc3339(at);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &parts);
  return std::string(text.data(), length);
}

std::string relative_time(base::EpochMicros at, base::EpochMicros now) {
  const std::int64_t seconds = std::abs(now - at) / kMicros;
  std::string amount;
  if (seconds < 120) {
    amount = std::to_string(seconds) + " s";
  } else if (seconds < 2L * 3600) {
    amount = std::to_string(seconds / 60) + " min";
  } else if (seconds < 2L * 86'400) {
    amount = std::to_string(seconds / 3600) + " h";
  } else {
    amount = std::to_string(seconds / 86'400) + " d";
  }
  return at > now ? "in " + amount : amount + " ago";
}

std::string time_text(base::EpochMicros at, const OutputSettings& settings) {
  switch (settings.time_format) {
    case TimeFormat::rfc3339:
      return base::format_rfc3339(at);
    case TimeFormat::local:
      return local_time(at);
    case TimeFormat::relative:
      return relative_time(at, settings.now);
    case TimeFormat::unix_seconds:
      return std::to_string(at / kMicros);
  }
  return base::format_rfc3339(at);
}

// "error_type" -> "ERROR TYPE"
std::string title(const std::string& key) {
  std::string out = key;
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c == '_' ? ' ' : static_cast<char>(std::toupper(c));
  });
  return out;
}

Record as_record(const std::vector<std::string>& keys, const std::vector<Cell>& row) {
  Record record;
  for (std::size_t i = 0; i < keys.size(); ++i) record.push_back({keys[i], row.at(i)});
  return record;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, columns(text)), ' ');
  return right ? space + text : text + space;
}

}  // namespace

std::string to_text(const Cell& cell, const OutputSettings& settings) {
  struct Visitor {
    const OutputSettings& settings;
    std::string operator()(std::monostate) const { return "-"; }
    std::string operator()(const std::string& text) const { return visible(text); }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "yes" : "no"; }
    std::string operator()(const Time& time) const { return time_text(time.at, settings); }
    std::string operator()(const Json& json) const { return visible(json.text); }
  };
  return std::visit(Visitor{settings}, cell);
}

std::string to_json(const Cell& cell) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(const std::string& text) const { return json_quoted(text); }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(const Time& time) const {
      return json_quoted(base::format_rfc3339(time.at));
    }
    std::string operator()(const Json& json) const { return json.text; }
  };
  return std::visit(Visitor{}, cell);
}

std::string to_json(const Record& record) {
  std::string out = "{";
  for (const Field& field : record) {
    if (out.size() > 1) out += ", ";
    out += json_quoted(field.key) + ": " + to_json(field.value);
  }
  return out + "}";
}

Output::Output(std::ostream& stream, OutputSettings settings)
    : stream_(stream), settings_(settings) {}

void Output::list(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
                  std::string_view when_empty) {
  switch (settings_.format) {
    case OutputFormat::text:
      table(keys, rows, when_empty);
      break;
    case OutputFormat::json:
      stream_ << "[";
      json_items(keys, rows, "  ");
      stream_ << "]\n";
      break;
    case OutputFormat::jsonl:
      for (const auto& row : rows) stream_ << to_json(as_record(keys, row)) << "\n";
      break;
    case OutputFormat::none:
      break;
  }
}

void Output::page(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
                  std::string_view when_empty, const std::string& next) {
  if (settings_.format != OutputFormat::json) return list(keys, rows, when_empty);
  stream_ << "{\n  \"items\": [";
  json_items(keys, rows, "    ");
  stream_ << (rows.empty() ? "" : "  ")
          << "],\n  \"next\": " << (next.empty() ? "null" : json_quoted(next)) << "\n}\n";
}

void Output::json_items(const std::vector<std::string>& keys,
                        const std::vector<std::vector<Cell>>& rows, std::string_view indent) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    stream_ << (i == 0 ? "\n" : ",\n") << indent << to_json(as_record(keys, rows[i]));
  if (!rows.empty()) stream_ << "\n";
}

void Output::record(const Record& record) {
  switch (settings_.format) {
    case OutputFormat::text: {
      std::size_t width = 0;
      for (const Field& field : record) width = std::max(width, field.key.size());
      for (const Field& field : record) {
        std::string name = field.key;
        std::replace(name.begin(), name.end(), '_', ' ');
        stream_ << padded(name, width, false) << "  " << to_text(field.value, settings_) << "\n";
      }
      break;
    }
    case OutputFormat::json: {
      stream_ << "{";
      for (std::size_t i = 0; i < record.size(); ++i) {
        stream_ << (i == 0 ? "\n  " : ",\n  ") << json_quoted(record[i].key) << ": "
                << to_json(record[i].value);
      }
      stream_ << "\n}\n";
      break;
    }
    case OutputFormat::jsonl:
      stream_ << to_json(record) << "\n";
      break;
    case OutputFormat::none:
      break;
  }
}

void Output::line(const Record& record) {
  if (settings_.format == OutputFormat::none) return;
  if (settings_.format != OutputFormat::text) {
    stream_ << to_json(record) << "\n";
    return;
  }
  for (std::size_t i = 0; i < record.size(); ++i)
    stream_ << (i == 0 ? "" : " ") << to_text(record[i].value, settings_);
  stream_ << "\n";
}

void Output::document(std::string_view text) {
  if (settings_.format == OutputFormat::none) return;
  stream_ << text;
  if (!text.empty() && text.back() != '\n') stream_ << "\n";
}

void Output::say(std::string_view text, const Record& record) {
  if (settings_.format == OutputFormat::text) {
    stream_ << text << "\n";
  } else {
    line(record);
  }
}

void Output::table(const std::vector<std::string>& keys, const std::vector<std::vector<Cell>>& rows,
                   std::string_view when_empty) {
  if (rows.empty()) {
    if (!when_empty.empty()) stream_ << when_empty << "\n";
    return;
  }
  std::vector<std::vector<std::string>> texts;
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    widths.push_back(keys[i].size());
    right.push_back(std::holds_alternative<std::int64_t>(rows.front().at(i)));
  }
  for (const auto& row : rows) {
    auto& line = texts.emplace_back();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      line.push_back(to_text(row.at(i), settings_));
      widths[i] = std::max(widths[i], columns(line.back()));
    }
  }
  const auto put = [&](const auto& text_of) {
    std::string line;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      line += (i == 0 ? "" : "  ") + padded(text_of(i), widths[i], right[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  const std::string head = put([&](std::size_t i) { return title(keys[i]); });
  stream_ << (settings_.color ? std::string(kBold) + head + std::string(kPlain) : head) << "\n";
  for (const auto& line : texts) stream_ << put([&](std::size_t i) { return line[i]; }) << "\n";
}

}  // namespace spool::app
