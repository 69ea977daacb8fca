// Writes a list as a file, movie by movie: what read_list_file() reads. CSV after RFC 4180 has the
// movies alone, JSON the list's words as well. One thread; the stream outlives it and says itself
// whether it took everything.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>

#include "engine/base/time.hpp"
#include "handlers/local_lists/list_file.hpp"

namespace spool::local_lists {

class ListWriter {
 public:
  ListWriter(std::ostream& out, FileFormat format) : out_(out), format_(format) {}

  void begin(const list_operations::ListFields& fields);
  // `added_at`: 0 if nobody knows.
  void movie(std::int32_t movie_id, std::int64_t position, base::EpochMicros added_at);
  void end();

 private:
  std::ostream& out_;
  FileFormat format_;
  bool any_ = false;
};

}  // namespace spool::local_lists
