#include "engine/app/handler_state.hpp"

#include <algorithm>
#include <map>

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using store::HandlerInfo;
using store::HandlerWorker;

Cell word(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

Cell time(const std::optional<base::EpochMicros>& at) {
  return at ? Cell(Time{*at}) : Cell();
}

std::vector<Record> worker_records(const HandlerState& state) {
  std::vector<Record> records;
  for (const HandlerWorker& worker : state.workers) {
    records.push_back({{"owner", worker.owner},
                       {"live", worker.live},
                       {"lanes", worker.lanes},
                       {"acknowledged", acts_on(worker, state.info.version)},
                       {"seen_at", time(worker.seen_at)}});
  }
  return records;
}

std::vector<Record> duty_records(const std::vector<store::DutyInfo>& duties) {
  std::vector<Record> records;
  records.reserve(duties.size());
  for (const store::DutyInfo& duty : duties) {
    records.push_back({{"duty", duty.duty},
                       {"last_run_at", time(duty.last_run_at)},
                       {"done_at", time(duty.done_at)},
                       {"rows", duty.rows},
                       {"events", duty.events},
                       {"failures", duty.failures},
                       {"last_error", word(duty.last_error)},
                       {"owner", word(duty.owner)}});
  }
  return records;
}

Json as_json(const std::vector<Record>& records) {
  std::string out = "[";
  for (const Record& record : records) out += (out.size() > 1 ? ", " : "") + to_json(record);
  return {out + "]"};
}

void table(CommandContext& context, const std::vector<Record>& records) {
  if (records.empty()) return;
  std::vector<std::string> keys;
  for (const Field& field : records.front()) keys.push_back(field.key);
  std::vector<std::vector<Cell>> rows;
  for (const Record& record : records) {
    auto& row = rows.emplace_back();
    for (const Field& field : record) row.push_back(field.value);
  }
  context.output().document("");
  context.output().list(keys, rows, "");
}

}  // namespace

Result<std::vector<HandlerInfo>> all_handlers(CommandContext& context,
                                              postgres::Connection& connection) {
  const auto& loaded = context.configuration();
  if (!loaded) return loaded.failure();
  auto known = store::list_handlers(connection, std::nullopt);
  if (!known) return known.failure();
  std::map<std::string, HandlerInfo> by_name;
  for (HandlerInfo& one : *known) by_name[one.handler] = std::move(one);
  for (const auto& [name, own] : loaded->settings.handlers) {
    HandlerInfo& one = by_name[name];
    one.handler = name;
    if (one.topic.empty()) one.topic = own.topic;
  }
  std::vector<HandlerInfo> all;
  all.reserve(by_name.size());
  for (auto& [name, one] : by_name) all.push_back(std::move(one));
  return all;
}

Result<HandlerState> look_at_handler(CommandContext& context, postgres::Connection& connection,
                                     const std::string& name) {
  const auto all = all_handlers(context, connection);
  if (!all) return all.failure();
  const auto found = std::ranges::find(*all, name, &HandlerInfo::handler);
  if (found == all->end())
    return Failure(FailureKind::not_found, "there is no handler " + name + ": see handlers list");
  auto workers = store::handler_workers(connection, name);
  if (!workers) return workers.failure();
  return HandlerState{*found, std::move(*workers)};
}

bool acts_on(const HandlerWorker& worker, std::int64_t version) {
  return worker.version && *worker.version >= version;
}

bool all_act_on(const HandlerState& state, std::int64_t version) {
  return std::ranges::all_of(state.workers, [&](const HandlerWorker& worker) {
    return !worker.live || acts_on(worker, version);
  });
}

void show_handler(CommandContext& context, const HandlerState& state) {
  const HandlerInfo& info = state.info;
  std::int64_t live = 0;
  std::int64_t acknowledged = 0;
  for (const HandlerWorker& worker : state.workers) {
    if (!worker.live) continue;
    ++live;
    acknowledged += acts_on(worker, info.version) ? 1 : 0;
  }
  Record record = {{"handler", info.handler},
                   {"topic", word(info.topic)},
                   {"paused", info.paused},
                   {"until", time(info.until)},
                   {"reason", word(info.reason)},
                   {"actor", word(info.actor)},
                   {"changed_at", time(info.changed_at)},
                   {"version", info.version},
                   {"lanes", info.lanes},
                   {"open", info.open_events},
                   {"workers", live},
                   {"acknowledged", acknowledged}};
  const std::vector<Record> workers = worker_records(state);
  std::vector<Record> duties;
  if (state.duties) duties = duty_records(*state.duties);
  const bool text = context.output().settings().format == OutputFormat::text;
  if (!text) {
    record.push_back({"workers_detail", as_json(workers)});
    if (state.duties) record.push_back({"duties", as_json(duties)});
  }
  context.output().record(record);
  if (!text) return;
  table(context, workers);
  table(context, duties);
}

void note_silent_workers(CommandContext& context, const HandlerState& state) {
  for (const HandlerWorker& worker : state.workers) {
    if (acts_on(worker, state.info.version) || (!worker.live && worker.lanes == 0)) continue;
    const std::string since = worker.seen_at
                                  ? "was heard of last at " + base::format_rfc3339(*worker.seen_at)
                                  : std::string("has never been heard of");
    context.note("worker " + worker.owner + " has not acknowledged: it " + since + " and has " +
                 std::to_string(worker.lanes) + " lanes" +
                 (worker.live ? "" : "; it seems to be gone"));
  }
}

}  // namespace spool::app
