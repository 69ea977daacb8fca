#include "handlers/list_operations/stored.hpp"

#include <utility>
#include <variant>

#include "engine/base/assert.hpp"
#include "engine/message/record_batch.hpp"

namespace spool::list_operations {
namespace {

std::optional<std::string> read_optional_text(const postgres::Rows& rows, std::size_t row,
                                              std::size_t column) {
  const auto text = rows.at(row, column);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

Existence parse_existence(std::string_view word) {
  for (const Existence existence :
       {Existence::unknown, Existence::never, Existence::exists, Existence::gone}) {
    if (to_string(existence) == word) return existence;
  }
  SPOOL_ASSERT(false, "the table takes no other word");
}

}  // namespace

std::string_view to_string(Existence existence) {
  switch (existence) {
    case Existence::unknown:
      return "unknown";
    case Existence::never:
      return "never";
    case Existence::exists:
      return "exists";
    case Existence::gone:
      return "gone";
  }
  return "";
}

ListState read_list_state(const postgres::Rows& rows, std::size_t row, std::size_t column) {
  ListState state;
  state.existence = parse_existence(rows.text(row, column));
  state.fields.name = read_optional_text(rows, row, column + 1);
  state.fields.description = read_optional_text(rows, row, column + 2);
  if (rows.at(row, column + 3)) state.fields.is_public = rows.boolean(row, column + 3);
  state.fields.language = read_optional_text(rows, row, column + 4);
  state.complete = rows.boolean(row, column + 5);
  return state;
}

base::Result<Change> read_change(Decoder& decoder, const postgres::Rows& rows, std::size_t row,
                                 std::size_t column) {
  const auto type = parse_operation_type(rows.text(row, column));
  if (!type) return disagree("an operation of an unknown type");
  std::string json = rows.text(row, column + 1);
  const std::size_t size = json.size();
  json.append(message::kReadAheadBytes, ' ');
  auto change = decoder.decode_data(*type, std::string_view(json).substr(0, size));
  if (const auto* refused = std::get_if<message::Rejection>(&change))
    return disagree("operation_data: " + refused->message());
  return std::get<Change>(std::move(change));
}

std::optional<std::int32_t> read_optional_int32(const postgres::Rows& rows, std::size_t row,
                                                std::size_t column) {
  if (!rows.at(row, column)) return std::nullopt;
  return rows.int32(row, column);
}

std::optional<base::Uuid> read_optional_uuid(const postgres::Rows& rows, std::size_t row,
                                             std::size_t column) {
  if (!rows.at(row, column)) return std::nullopt;
  return rows.uuid(row, column);
}

void add_optional(postgres::ArrayText& array, const std::optional<std::int32_t>& value) {
  if (!value) return array.add_null();
  array.add_int64(*value);
}

void add_optional(postgres::ArrayText& array, const std::optional<base::Uuid>& value) {
  if (!value) return array.add_null();
  array.add_uuid(*value);
}

void add_optional(postgres::ArrayText& array, const std::optional<std::string>& value) {
  if (!value) return array.add_null();
  array.add_text(*value);
}

void add_optional(postgres::ArrayText& array, const std::optional<bool>& value) {
  if (!value) return array.add_null();
  array.add_bool(*value);
}

void add_text(postgres::ArrayText& array, std::string_view text) {
  if (text.empty()) return array.add_null();
  array.add_text(text);
}

std::string statuses_before(OperationStatus to) {
  postgres::ArrayText words;
  for (const OperationStatus from : kOperationStatuses) {
    if (may_become(from, to)) words.add_text(to_string(from));
  }
  return std::string(words.text());
}

std::string legal_transitions() {
  postgres::ArrayText pairs;
  for (const OperationStatus from : kOperationStatuses) {
    for (const OperationStatus to : kOperationStatuses) {
      if (may_become(from, to))
        pairs.add_text(std::string(to_string(from)) + ">" + std::string(to_string(to)));
    }
  }
  return std::string(pairs.text());
}

base::Failure disagree(std::string_view what) {
  return {base::FailureKind::schema, "the tables of list operations: " + std::string(what)};
}

}  // namespace spool::list_operations
