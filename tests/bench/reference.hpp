// Compares media.watch_progress with what the generator computed.
#pragma once

#include <map>
#include <string>

#include "tests/support/generator.hpp"
#include "tests/support/pg_database.hpp"

namespace spool::bench {

using ExpectedRows = std::map<test::ItemKey, test::ExpectedRow>;

// Empty if equal, else in what they differ.
std::string difference(const test::PgDatabase& database, const ExpectedRows& expected);

// The table after both: of each item the latest by (updated_at, id) and the earliest completion.
void merge(ExpectedRows& into, const ExpectedRows& more);

}  // namespace spool::bench
