// Who changed what, and whether the books balance.
#include <chrono>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/store/audit_log.hpp"
#include "engine/store/lane_query.hpp"
#include "engine/store/ledger_audit.hpp"

namespace spool::app {
namespace {

using base::FailureKind;
using base::Result;
using store::LedgerFinding;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;
constexpr std::chrono::seconds kBrokerLimit{5};

int list(CommandContext& context) {
  const Arguments& arguments = context.arguments();
  const auto limit = arguments.number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  const auto before = arguments.number("before", 1, std::numeric_limits<std::int64_t>::max());
  if (!before) return context.fail(before.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page = store::list_audit(
      **connection, {arguments.get("handler"), arguments.get("actor"), arguments.get("action"),
                     arguments.get("subject"), limit->value_or(kLimit), *before});
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  for (const store::AuditRow& one : page->rows) {
    rows.push_back({one.number, Time{one.at}, one.actor, one.action,
                    one.handler ? Cell(*one.handler) : Cell(), one.subject, one.reason,
                    Json{one.detail_json}});
  }
  const std::string next = page->next ? std::to_string(*page->next) : "";
  context.output().page(
      {"number", "at", "actor", "action", "handler", "subject", "reason", "detail"}, rows,
      "nobody has changed anything", next);
  if (!next.empty()) context.note("more: --before " + next);
  return kOk;
}

// A lane's next offset must be one that the log has, or is about to write.
Result<std::vector<LedgerFinding>> beyond_the_log(const config::Settings& settings,
                                                  const std::vector<store::LaneInfo>& lanes) {
  std::vector<LedgerFinding> findings;
  if (lanes.empty()) return findings;
  const auto cluster = kafka::Cluster::open(cluster_settings(settings));
  if (!cluster) return cluster.failure();
  for (const store::LaneInfo& one : lanes) {
    const auto marks = (*cluster)->watermarks(one.topic, one.lane.partition, kBrokerLimit);
    if (!marks && marks.failure().kind == FailureKind::not_found) {
      findings.push_back({one.lane, "no_log", -1, -1, one.next, 0});
      continue;
    }
    if (!marks) return about_kafka(settings, marks.failure());
    if (one.next < marks->low)
      findings.push_back({one.lane, "before_log", one.next, marks->low, marks->low, one.next});
    if (one.next > marks->high)
      findings.push_back({one.lane, "beyond_log", marks->high, one.next, marks->high, one.next});
  }
  return findings;
}

void show_findings(CommandContext& context, const std::vector<LedgerFinding>& findings) {
  std::vector<std::vector<Cell>> rows;
  for (const LedgerFinding& one : findings) {
    const auto offset = [](std::int64_t at) { return at < 0 ? Cell() : Cell(at); };
    rows.push_back({one.lane.handler, std::int64_t{one.lane.partition}, one.what,
                    offset(one.from_offset), offset(one.to_offset), one.expected, one.found});
  }
  context.output().list({"handler", "partition", "what", "from", "to", "expected", "found"}, rows,
                        "the books balance");
}

// Losses that somebody has accepted are accounted for; they are said all the same.
void note_accepted(CommandContext& context, const std::vector<store::LaneInfo>& lanes) {
  for (const store::LaneInfo& one : lanes) {
    if (one.losses == 0 && one.counters.lost == 0) continue;
    context.note(delivery::lane_name(one.lane) + ": " + std::to_string(one.losses) +
                 " losses accepted, " + std::to_string(one.counters.lost) +
                 " offsets counted as lost (spool audit list --action 'accept_loss.*')");
  }
}

int ledger(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto report = store::audit_ledger(**connection, loaded->settings.retention.lane_batches);
  if (!report) return context.fail(report.failure());
  const auto wanted = context.arguments().get("handler");
  const auto lanes = store::list_lanes(**connection, wanted);
  if (!lanes) return context.fail(lanes.failure());
  std::vector<LedgerFinding> findings;
  for (const LedgerFinding& one : report->findings) {
    if (!wanted || one.lane.handler == *wanted) findings.push_back(one);
  }
  const auto outside = beyond_the_log(loaded->settings, *lanes);
  if (!outside) return context.fail(outside.failure());
  findings.insert(findings.end(), outside->begin(), outside->end());
  show_findings(context, findings);
  note_accepted(context, *lanes);
  context.note(std::to_string(lanes->size()) + " partitions, " + std::to_string(findings.size()) +
               " findings");
  return context.arguments().has("exit-code") && !findings.empty() ? kDifferent : kOk;
}

}  // namespace

std::vector<Command> audit_commands() {
  return {
      {.path = "audit", .help = "Who changed what, and whether the books balance", .footer = ""},
      {.path = "audit list",
       .help = "What operators have changed, newest first",
       .options = {{"--handler", "NAME", "Only of this handler"},
                   {"--actor", "NAME", "Only by this person"},
                   {"--action", "GLOB", "Only such actions, as replay.*"},
                   {"--subject", "TEXT", "Only of this id or topic"},
                   {"--limit", "N", "At most so many (default 50)"},
                   {"--before", "NUMBER", "Go on where the page before ended"}},
       .footer =
           "Examples:\n  spool audit list\n  spool audit list --action 'dead_letter.*' -o json",
       .run = list},
      {.path = "audit ledger",
       .help = "Whether every offset is accounted for, and lies within the log",
       .options = {{"--handler", "NAME", "Only of this handler"},
                   {"--exit-code", "", "Exit with 8 if something does not add up"}},
       .footer =
           "Findings: a counter that differs from the rows it counts (open, dead), a hole or an "
           "overlap\nbetween batches (chain), a batch that does not add up (batch), a position "
           "outside of "
           "its log\n(before_log, beyond_log, no_log). Looks through every batch that is kept.\n"
           "Examples:\n  spool audit ledger\n  spool audit ledger --exit-code -o json",
       .run = ledger},
  };
}

}  // namespace spool::app
