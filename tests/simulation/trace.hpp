// What happened, step by step, for people; and the exception that ends a run which broke an
// invariant. A trace that is off costs nothing: guard the making of the text with on().
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace spool::simulation {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Trace {
 public:
  explicit Trace(bool on) : on_(on) {}
  bool on() const { return on_; }
  void add(std::string line) {
    if (on_) lines_.push_back(std::move(line));
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  bool on_;
  std::vector<std::string> lines_;
};

}  // namespace spool::simulation
