// Inner part of observe: gauges that are absent until what they show is known, and again when it is
// not. They leave their family when they die, and die before it. Whoever owns one guards it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/base/time.hpp"
#include "engine/observe/families.hpp"

namespace spool::observe {

using Labels = std::map<std::string, std::string>;

class OptionalGauge {
 public:
  OptionalGauge(GaugeFamily& family, Labels labels);
  ~OptionalGauge();
  OptionalGauge(const OptionalGauge&) = delete;
  OptionalGauge& operator=(const OptionalGauge&) = delete;

  void set(std::optional<double> value);

 private:
  GaugeFamily& family_;
  const Labels labels_;
  prometheus::Gauge* gauge_ = nullptr;
};

// Series of one family that are known together.
class GaugeSet {
 public:
  explicit GaugeSet(GaugeFamily& family) : family_(family) {}

  // What is not named goes.
  void replace(const std::map<Labels, double>& values);

 private:
  GaugeFamily& family_;
  std::map<Labels, OptionalGauge> gauges_;
};

// Seconds since the Unix epoch, as Prometheus has them.
std::optional<double> unix_seconds(std::optional<base::EpochMicros> time);

}  // namespace spool::observe
