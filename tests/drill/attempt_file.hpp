// Failed attempts, told where no rollback reaches: a line each, appended to the file that
// DRILL_ATTEMPTS names. Several processes and threads may write the same file. Columns, separated
// by tabs: handler, source, id, life, attempt, process, time of the attempt, time before which no
// other attempt may come (0: not said); both in microseconds of the database's clock.
#pragma once

#include <string>
#include <string_view>

#include "tests/drill/drill_event.hpp"

namespace spool::drill {

class AttemptFile {
 public:
  // Without the variable nothing is written.
  AttemptFile();
  ~AttemptFile();
  AttemptFile(const AttemptFile&) = delete;
  AttemptFile& operator=(const AttemptFile&) = delete;

  bool open() const { return fd_ >= 0; }
  // All lines of one apply(), in one write.
  void write(std::string_view lines) const;

 private:
  int fd_ = -1;
};

// A line, with its end.
std::string attempt_line(const std::string& handler, const Event& event, base::EpochMicros due);

}  // namespace spool::drill
