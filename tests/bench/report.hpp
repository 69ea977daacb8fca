// What a benchmark says: lines of Markdown, for people.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace spool::bench {

// A line of at most 511 bytes, in the words of printf.
template <typename... Values>
std::string line(const char* format, Values... values) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return std::string(text.data()) + "\n";
}

// "1.20 [1.10..1.35]": the median, and from where to where. Of at least one value.
std::string spread(const std::vector<double>& values, int digits);
// Of each pair the quotient, their median, and the quotient of the medians.
std::string ratios(const std::vector<double>& above, const std::vector<double>& below);

void say(const std::string& text);  // at once: the next line may be minutes away
// Appends it to the file, if there is one.
void write_down(const std::string& text, const std::string& record);

}  // namespace spool::bench
