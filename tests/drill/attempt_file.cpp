#include "tests/drill/attempt_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/base/assert.hpp"

namespace spool::drill {

AttemptFile::AttemptFile() {
  const char* path = std::getenv("DRILL_ATTEMPTS");
  if (path == nullptr) return;
  fd_ = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  SPOOL_ASSERT(fd_ >= 0, "DRILL_ATTEMPTS names a file that cannot be written");
}

AttemptFile::~AttemptFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AttemptFile::write(std::string_view lines) const {
  if (fd_ < 0 || lines.empty()) return;
  const auto written = ::write(fd_, lines.data(), lines.size());
  SPOOL_ASSERT(written == static_cast<ssize_t>(lines.size()), "a line of the drill is lost");
}

std::string attempt_line(const std::string& handler, const Event& event, base::EpochMicros due) {
  std::string line = handler + '\t' + event.source + '\t' + event.id;
  for (const std::int64_t number :
       {static_cast<std::int64_t>(event.attempt.life),
        static_cast<std::int64_t>(event.attempt.number), static_cast<std::int64_t>(::getpid()),
        static_cast<std::int64_t>(event.attempt.now), static_cast<std::int64_t>(due)})
    line += '\t' + std::to_string(number);
  return line + '\n';
}

}  // namespace spool::drill
