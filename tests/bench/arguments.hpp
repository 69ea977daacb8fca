// `--name value` and `--name` of a benchmark's command line; an unknown name ends the program when
// done() is asked.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace spool::bench {

class Arguments {
 public:
  // What follows the program's name and the word for what to do.
  Arguments(int argc, char** argv);

  std::string text(const std::string& name, const std::string& otherwise);
  std::int64_t number(const std::string& name, std::int64_t otherwise);
  // Throws if something was given that nobody asked for.
  void done() const;

 private:
  std::map<std::string, std::string> given_;
};

}  // namespace spool::bench
