// A text that nobody is to see: wiped from memory when it goes or is moved from, and shown by
// nothing that prints values. As every value, one thread at a time.
#pragma once

#include <string>
#include <utility>

namespace spool::crypto {

// Overwrites all that the text holds room for, and empties it.
void wipe(std::string& text);

class Secret {
 public:
  Secret() = default;
  // What is moved in is wiped where it stood.
  explicit Secret(std::string&& text) : text_(std::move(text)) { wipe(text); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(text_); }

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace spool::crypto
