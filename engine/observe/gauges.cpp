#include "engine/observe/gauges.hpp"

#include <prometheus/family.h>
#include <prometheus/gauge.h>

#include <utility>

namespace spool::observe {

OptionalGauge::OptionalGauge(GaugeFamily& family, Labels labels)
    : family_(family), labels_(std::move(labels)) {}

OptionalGauge::~OptionalGauge() {
  set(std::nullopt);
}

void OptionalGauge::set(std::optional<double> value) {
  if (!value) {
    if (gauge_ != nullptr) family_.Remove(gauge_);
    gauge_ = nullptr;
    return;
  }
  if (gauge_ == nullptr) gauge_ = &family_.Add(labels_);
  gauge_->Set(*value);
}

void GaugeSet::replace(const std::map<Labels, double>& values) {
  std::erase_if(gauges_, [&](const auto& known) { return !values.contains(known.first); });
  for (const auto& [labels, value] : values) {
    gauges_.try_emplace(labels, family_, labels).first->second.set(value);
  }
}

std::optional<double> unix_seconds(std::optional<base::EpochMicros> time) {
  if (!time) return std::nullopt;
  return static_cast<double>(*time) / 1e6;
}

}  // namespace spool::observe
