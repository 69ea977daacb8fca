// A file system of a few megabytes in memory and a tablespace of the test's server on it, for what
// happens when a disk is full. WAL is never there. Unmounted, and the tablespace gone, when this
// goes: after everything that lay there. Mounting needs a right that not every machine gives; then
// why_not() says so and nothing else may be called. One test's thread.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/pg_database.hpp"

namespace spool::test {

class SmallDisk {
 public:
  explicit SmallDisk(std::int64_t megabytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& why_not() const { return why_not_; }  // "" if it is there

  // Moves the table there, with its indexes.
  void take(const PgDatabase& database, const std::string& table) const;
  // Puts rubbish there until the server says that not one more page has room.
  void fill(const PgDatabase& database) const;
  // Removes the rubbish.
  void free(const PgDatabase& database) const;

 private:
  std::string tablespace_;
  std::string folder_;
  bool mounted_ = false;
  std::string why_not_;
};

}  // namespace spool::test
