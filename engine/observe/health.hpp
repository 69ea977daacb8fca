// What /livez and /readyz answer from: named checks, set by whoever knows, or asked when somebody
// looks. One per process, passed by reference; any thread. Answering never waits for Kafka or
// PostgreSQL.
//  live:  the process is worth keeping; if not, restarting it helps.
//  ready: it can do its work now; if not, waiting or an operator helps.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spool::observe {

struct CheckState {
  bool ok = false;
  std::string text;  // for people: "connected", "no answer for 12 s"
};

struct HealthReport {
  struct Check {
    std::string name;
    CheckState state;
  };
  bool ok = true;  // all checks are
  std::vector<Check> checks;
};

enum class Probe { live, ready };

class Health {
 public:
  // A check that is set from outside; not ok until it was. Names are unique over both probes.
  void add(Probe probe, const std::string& name);
  // A check that is asked: any thread may call `ask`, it answers at once and does not call back
  // here.
  void add(Probe probe, const std::string& name, std::function<CheckState()> ask);
  void set(const std::string& name, CheckState state);

  HealthReport report(Probe probe) const;
  // Empty if the probe has no such check.
  std::optional<CheckState> check(Probe probe, std::string_view name) const;

 private:
  struct Entry {
    Probe probe = Probe::ready;
    CheckState state;
    std::function<CheckState()> ask;
  };
  static CheckState state_of(const Entry& entry);

  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

// "ok" or "failed: database, kafka"; verbose: one line per check, "[+] kafka: connected" or "[-]
// ...", before it.
std::string render(const HealthReport& report, bool verbose);

}  // namespace spool::observe
