#include "handlers/list_operations/operation_commands.hpp"

#include <string>
#include <utility>

#include "engine/app/command_context.hpp"
#include "engine/app/operator_input.hpp"
#include "handlers/list_operations/operation_change.hpp"
#include "handlers/list_operations/operation_enqueue.hpp"
#include "handlers/list_operations/operation_input.hpp"

namespace spool::list_operations {
namespace {

using app::Cell;
using app::CommandContext;

constexpr std::int64_t kLimit = 50;
constexpr std::int64_t kLimitMax = 1000;

int stats(CommandContext& context) {
  const auto user = read_user(context.arguments(), "user");
  if (!user) return context.fail(user.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto found = count_operations(**connection, *user);
  if (!found) return context.fail(found.failure());
  app::Record record;
  if (*user) record.push_back({"user_id", number_cell(*user)});
  const app::Record counts = {{"pending", found->pending},
                              {"processing", found->processing},
                              {"completed", found->completed},
                              {"failed", found->failed},
                              {"cancelled", found->cancelled},
                              {"total", found->total},
                              {"waiting_for_session", found->waiting_for_session},
                              {"scheduled", found->scheduled}};
  record.insert(record.end(), counts.begin(), counts.end());
  context.output().record(record);
  return app::kOk;
}

Cell list_cell(const OperationInfo& one) {
  if (one.tmdb_list_id) return std::to_string(*one.tmdb_list_id);
  return id_cell(one.list_ref);
}

std::vector<Cell> cells(const OperationInfo& one) {
  return {base::to_string(one.id),
          one.status,
          text_cell(waits_for(one)),
          one.type,
          std::int64_t{one.user},
          list_cell(one),
          std::int64_t{one.priority},
          app::Json{one.data},
          std::int64_t{one.retry_count},
          time_cell(one.scheduled ? one.scheduled_for : one.next_attempt_at),
          time_cell(one.inserted_at),
          text_cell(one.error_type),
          text_cell(one.error_message.empty() ? one.reason : one.error_message)};
}

int show_page(CommandContext& context, const OperationFilter& filter) {
  const auto limit = context.arguments().number("limit", 1, kLimitMax);
  if (!limit) return context.fail(limit.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto page = operation_page(**connection, filter, limit->value_or(kLimit),
                                   context.arguments().get_or("cursor", ""));
  if (!page) return context.fail(page.failure());
  std::vector<std::vector<Cell>> rows;
  rows.reserve(page->operations.size());
  for (const OperationInfo& one : page->operations) rows.push_back(cells(one));
  context.output().page({"id", "status", "waits_for", "type", "user_id", "list", "priority", "data",
                         "retry_count", "due_at", "inserted_at", "error_type", "why"},
                        rows, "no operation", page->next);
  if (!page->next.empty()) context.note("more: --cursor " + page->next);
  return app::kOk;
}

int list(CommandContext& context) {
  const auto filter = read_filter(context.arguments());
  if (!filter) return context.fail(filter.failure());
  return show_page(context, *filter);
}

int failed(CommandContext& context) {
  auto filter = read_filter(context.arguments());
  if (!filter) return context.fail(filter.failure());
  filter->status = "failed";
  return show_page(context, *filter);
}

int pending(CommandContext& context) {
  const auto user = read_user(context.arguments(), "USER");
  if (!user) return context.fail(user.failure());
  OperationFilter filter;
  filter.user = *user;
  filter.status = "pending";
  return show_page(context, filter);
}

int show(CommandContext& context) {
  const auto id = app::read_id(context.arguments(), "ID", "an operation");
  if (!id) return context.fail(id.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto detail = show_operation(**connection, *id);
  if (!detail) return context.fail(detail.failure());
  const OperationInfo& one = detail->info;
  context.output().record(
      {{"id", base::to_string(one.id)},
       {"status", one.status},
       {"waits_for", text_cell(waits_for(one))},
       {"type", one.type},
       {"user_id", std::int64_t{one.user}},
       {"tmdb_list_id", number_cell(one.tmdb_list_id)},
       {"list_ref", id_cell(one.list_ref)},
       {"list_name", text_cell(one.list_name)},
       {"data", app::Json{one.data}},
       {"attempts", detail->attempts ? Cell(*detail->attempts) : Cell()},
       {"retry_count", std::int64_t{one.retry_count}},
       {"life", std::int64_t{one.life}},
       {"priority", std::int64_t{one.priority}},
       {"scheduled_for", time_cell(one.scheduled_for)},
       {"next_attempt_at", time_cell(one.next_attempt_at)},
       {"last_retry_at", time_cell(one.last_retry_at)},
       {"begun_at", time_cell(one.begun_at)},
       {"doubted_at", time_cell(one.doubted_at)},
       {"finished_at", time_cell(one.finished_at)},
       {"inserted_at", time_cell(one.inserted_at)},
       {"updated_at", time_cell(one.updated_at)},
       {"error_type", text_cell(one.error_type)},
       {"error_message", text_cell(one.error_message)},
       {"reason", text_cell(one.reason)},
       {"result", text_cell(one.result)},
       {"details", detail->details.empty() ? Cell() : Cell(app::Json{detail->details})},
       {"dead_letter_id", id_cell(detail->dead_letter)},
       {"open_event", text_cell(detail->open_event)},
       {"open_state", text_cell(detail->open_state)},
       {"source", one.source},
       {"event_id", one.event_id},
       {"correlation_id", text_cell(one.correlation_id)}});
  return app::kOk;
}

std::vector<app::Option> page_options(std::vector<app::Option> first) {
  return app::with(std::move(first), {{"--limit", "N", "At most so many (default 50)"},
                                      {"--cursor", "CURSOR", "Go on where the page before ended"}});
}

const char* const kColumnsHelp =
    "waits_for: time (it is scheduled), session (nobody is logged in), attempt (the next one), "
    "turn.\n";

std::vector<app::Command> reading() {
  return {
      {.path = "operations",
       .help = "The queue of operations on lists at TMDB",
       .footer = "A failed operation is a dead letter: retrying it is replaying that."},
      {.path = "operations stats",
       .help = "How many operations are in which status",
       .options = {{"--user", "N", "Only of this TMDB user"}},
       .footer = "waiting_for_session and scheduled are among the pending ones.\n"
                 "Examples:\n  spool operations stats\n  spool operations stats --user 42 -o json",
       .run = stats},
      {.path = "operations list",
       .help = "Operations, newest first",
       .options =
           page_options(app::with({{"--status",
                                    "WORD",
                                    "Only in this status",
                                    {"pending", "processing", "completed", "failed", "cancelled"}}},
                                  selection_options())),
       .footer = std::string(kColumnsHelp) +
                 "Examples:\n  spool operations list --status failed\n"
                 "  spool operations list --user 42 --list 8136 --limit 200 -o jsonl",
       .run = list},
      {.path = "operations pending",
       .help = "What a user's lists wait for, newest first",
       .positionals = {{"USER", "TMDB user id"}},
       .options = page_options({}),
       .footer = std::string(kColumnsHelp) + "Example:\n  spool operations pending 42",
       .run = pending},
      {.path = "operations failed",
       .help = "Operations that failed for good, newest first",
       .options = page_options(selection_options()),
       .footer = "Example:\n  spool operations failed --user 42",
       .run = failed},
      {.path = "operations show",
       .help = "Everything about one operation",
       .positionals = {{"ID", "Its id, as `operations list` shows it"}},
       .footer = "dead_letter_id: for `spool dlt show`. open_event: as `spool retries list` has it."
                 "\nExample:\n  spool operations show ID -o json",
       .run = show},
  };
}

}  // namespace

std::vector<app::Command> operation_commands() {
  std::vector<app::Command> all = reading();
  all.push_back(enqueue_command());
  for (app::Command& command : operation_change_commands()) all.push_back(std::move(command));
  return all;
}

}  // namespace spool::list_operations
