#include "engine/observe/health.hpp"

#include <utility>

#include "engine/base/assert.hpp"

namespace spool::observe {

void Health::add(Probe probe, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const bool added = entries_.try_emplace(name, Entry{probe, {false, "not known yet"}, {}}).second;
  SPOOL_ASSERT(added, "two checks of one name");
}

void Health::add(Probe probe, const std::string& name, std::function<CheckState()> ask) {
  const std::lock_guard lock(mutex_);
  const bool added = entries_.try_emplace(name, Entry{probe, {}, std::move(ask)}).second;
  SPOOL_ASSERT(added, "two checks of one name");
}

void Health::set(const std::string& name, CheckState state) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  SPOOL_ASSERT(it != entries_.end(), "a check that was never added");
  it->second.state = std::move(state);
}

CheckState Health::state_of(const Entry& entry) {
  return entry.ask ? entry.ask() : entry.state;
}

HealthReport Health::report(Probe probe) const {
  const std::lock_guard lock(mutex_);
  HealthReport report;
  for (const auto& [name, entry] : entries_) {
    if (entry.probe != probe) continue;
    report.checks.push_back({name, state_of(entry)});
    report.ok = report.ok && report.checks.back().state.ok;
  }
  return report;
}

std::optional<CheckState> Health::check(Probe probe, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.probe != probe) return std::nullopt;
  return state_of(it->second);
}

std::string render(const HealthReport& report, bool verbose) {
  std::string lines;
  std::string failed;
  for (const auto& [name, state] : report.checks) {
    lines += (state.ok ? "[+] " : "[-] ") + name + ": " + state.text + "\n";
    if (!state.ok) failed += (failed.empty() ? "" : ", ") + name;
  }
  return (verbose ? lines : "") + (report.ok ? "ok\n" : "failed: " + failed + "\n");
}

}  // namespace spool::observe
