// How lists and operations stand in the tables of schema `media`: the words of their columns and
// pieces of SQL that several files have in common. Pure but for Rows, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/base/uuid.hpp"
#include "engine/postgres/array_text.hpp"
#include "engine/postgres/rows.hpp"
#include "engine/postgres/time_columns.hpp"
#include "handlers/list_operations/list_state.hpp"
#include "handlers/list_operations/status.hpp"

// Of lists as l: what read_list_state() reads.
#define SPOOL_LIST_COLUMNS "l.existence, l.name, l.description, l.public, l.language, l.complete"

namespace spool::list_operations {

inline constexpr std::size_t kListColumns = 6;

std::string_view to_string(Existence existence);

// SPOOL_LIST_COLUMNS from `column` on; no movies.
ListState read_list_state(const postgres::Rows& rows, std::size_t row, std::size_t column);

// operation_type and operation_data, from `column` on. Fails (schema) if they are not as this
// handler writes them.
base::Result<Change> read_change(Decoder& decoder, const postgres::Rows& rows, std::size_t row,
                                 std::size_t column);

std::optional<std::int32_t> read_optional_int32(const postgres::Rows& rows, std::size_t row,
                                                std::size_t column);
std::optional<base::Uuid> read_optional_uuid(const postgres::Rows& rows, std::size_t row,
                                             std::size_t column);

void add_optional(postgres::ArrayText& array, const std::optional<std::int32_t>& value);
void add_optional(postgres::ArrayText& array, const std::optional<base::Uuid>& value);
void add_optional(postgres::ArrayText& array, const std::optional<std::string>& value);
void add_optional(postgres::ArrayText& array, const std::optional<bool>& value);
// Null if it is empty.
void add_text(postgres::ArrayText& array, std::string_view text);

// As text[]: the statuses that may become this one, by the table of status.hpp; and all legal
// transitions, as "from>to".
std::string statuses_before(OperationStatus to);
std::string legal_transitions();

// The tables are not as this handler leaves them: our own fault, whose only cure is to stop.
base::Failure disagree(std::string_view what);

}  // namespace spool::list_operations
