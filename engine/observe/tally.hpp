// Counts values into a histogram's buckets without locks, so that a batch of thousands reports
// once: the thread that works on the batch fills a tally per event and hands it over with the
// batch. A value, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spool::observe {

// Upper bounds of the buckets, ascending; seconds unless they say otherwise.
inline constexpr std::array<double, 15> kDurationBounds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
inline constexpr std::array<double, 16> kAgeBounds = {
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200};
// How late a retry starts: milliseconds are the aim.
inline constexpr std::array<double, 14> kLatenessBounds = {
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60};
// Attempts.
inline constexpr std::array<double, 6> kAttemptBounds = {1, 2, 3, 5, 8, 13};
// Events or rows.
inline constexpr std::array<double, 10> kSizeBounds = {1,   4,    16,   64,    256,
                                                       512, 1024, 4096, 16384, 65536};

class Tally {
 public:
  // `bounds` outlives the tally: one of the arrays above.
  explicit Tally(std::span<const double> bounds);

  // A negative value (clocks of two machines) counts as 0.
  void add(double value, std::uint32_t times = 1);

  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  // How many values fell into each bucket, the one above the last bound included.
  std::vector<double> increments() const;

 private:
  static constexpr std::size_t kBucketsMax = 24;

  std::span<const double> bounds_;
  std::array<std::uint32_t, kBucketsMax> buckets_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace spool::observe
