#include "tests/bench/report.hpp"

#include <algorithm>
#include <fstream>

#include "tests/bench/statistics.hpp"

namespace spool::bench {
namespace {

std::string number(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

}  // namespace

std::string spread(const std::vector<double>& values, int digits) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return number(median(values), digits) + " [" + number(*least, digits) + ".." +
         number(*most, digits) + "]";
}

std::string ratios(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> pairs;
  std::string each;
  for (std::size_t i = 0; i < std::min(above.size(), below.size()); ++i) {
    pairs.push_back(above[i] / below[i]);
    each += " " + number(pairs.back(), 3);
  }
  return number(median(above) / median(below), 3) + " of the medians; per pair" + each +
         ", median " + number(median(pairs), 3);
}

void say(const std::string& text) {
  std::printf("%s", text.c_str());
  std::fflush(stdout);
}

void write_down(const std::string& text, const std::string& record) {
  if (!record.empty()) std::ofstream(record, std::ios::app) << text;
}

}  // namespace spool::bench
