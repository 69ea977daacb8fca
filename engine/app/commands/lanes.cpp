// Lanes to look at: who has each, where it stands in its log, why it stands still.
#include <algorithm>
#include <chrono>

#include "engine/app/command_context.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/store/lane_query.hpp"

namespace spool::app {
namespace {

using store::LaneInfo;

constexpr std::chrono::seconds kBrokerLimit{5};

Cell word(const std::string& text) {
  return text.empty() ? Cell() : Cell(text);
}

// The broker, asked for as many lanes as it answers for: what it does not know is left out.
class LogEnds {
 public:
  explicit LogEnds(CommandContext& context) : context_(context) {
    const auto& loaded = context.configuration();
    auto opened = kafka::Cluster::open(cluster_settings(loaded->settings));
    if (opened) cluster_ = std::move(*opened);
    if (!opened) give_up(opened.failure());
  }

  std::optional<kafka::Watermarks> of(const LaneInfo& lane) {
    if (!cluster_) return std::nullopt;
    const auto marks = cluster_->watermarks(lane.topic, lane.lane.partition, kBrokerLimit);
    if (marks) return *marks;
    if (marks.failure().kind == base::FailureKind::unavailable) give_up(marks.failure());
    return std::nullopt;
  }

 private:
  void give_up(const base::Failure& failure) {
    cluster_.reset();
    context_.note("how far the logs go is not known: " +
                  about_kafka(context_.configuration()->settings, failure).text);
  }

  CommandContext& context_;
  std::unique_ptr<kafka::Cluster> cluster_;
};

Cell lag_of(const LaneInfo& lane, const std::optional<kafka::Watermarks>& marks) {
  if (!marks || lane.position_lost()) return {};
  return std::max<std::int64_t>(0, marks->high - lane.next);
}

void note_lost(CommandContext& context, const LaneInfo& lane) {
  if (!lane.position_lost()) return;
  const std::string name = lane.lane.handler + " " + std::to_string(lane.lane.partition);
  context.note(lane.acceptance ? "the acceptance of its loss waits for an owner: command " +
                                     base::to_string(*lane.acceptance)
                               : "what is lost: spool lanes accept-loss " + name + " --dry-run");
}

int list(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto lanes = store::list_lanes(**connection, context.arguments().get("handler"));
  if (!lanes) return context.fail(lanes.failure());
  std::optional<LogEnds> ends;
  if (!lanes->empty()) ends.emplace(context);
  std::vector<std::vector<Cell>> rows;
  for (const LaneInfo& one : *lanes) {
    rows.push_back({one.lane.handler, std::int64_t{one.lane.partition}, one.state, word(one.reason),
                    one.owner, one.next, lag_of(one, ends->of(one)), one.counters.open,
                    one.held_keys, one.counters.dead, one.counters.lost, Time{one.updated_at}});
  }
  context.output().list({"handler", "partition", "state", "reason", "owner", "next", "lag", "open",
                         "held_keys", "dead", "lost", "updated_at"},
                        rows, "no worker has had a lane yet");
  return kOk;
}

int show(CommandContext& context) {
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  const auto partition = context.arguments().number("PARTITION", 0, kPartitionMax);
  if (!partition) return context.fail(partition.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto found =
      store::show_lane(**connection, {context.arguments().get_or("HANDLER", ""),
                                      static_cast<std::int32_t>(partition->value_or(0))});
  if (!found) return context.fail(found.failure());
  const LaneInfo& lane = *found;
  const auto marks = LogEnds(context).of(lane);
  context.output().record(
      {{"handler", lane.lane.handler},
       {"partition", std::int64_t{lane.lane.partition}},
       {"topic", lane.topic},
       {"state", lane.state},
       {"reason", word(lane.reason)},
       {"detail", word(lane.detail)},
       {"owner", lane.owner},
       {"epoch", lane.epoch},
       {"taken_at", Time{lane.taken_at}},
       {"updated_at", Time{lane.updated_at}},
       {"start", lane.start},
       {"next", lane.next},
       {"log_begin", marks ? Cell(marks->low) : Cell()},
       {"log_end", marks ? Cell(marks->high) : Cell()},
       {"lag", lag_of(lane, marks)},
       {"applied", lane.counters.applied},
       {"duplicate", lane.counters.duplicate},
       {"dead", lane.counters.dead},
       {"open", lane.counters.open},
       {"gaps", lane.counters.gaps},
       {"lost", lane.counters.lost},
       {"losses_accepted", lane.losses},
       {"held_keys", lane.held_keys},
       {"open_bytes", lane.open_bytes},
       {"acceptance", lane.acceptance ? Cell(base::to_string(*lane.acceptance)) : Cell()}});
  note_lost(context, lane);
  return kOk;
}

}  // namespace

std::vector<Command> lanes_commands() {
  return {
      {.path = "lanes",
       .help = "Lanes: one partition of one handler each, with its owner and its position",
       .footer = "A lane that has lost its position stands still until its loss is accepted."},
      {.path = "lanes list",
       .help = "Every lane: owner, position, lag, what it holds, why it stands still",
       .options = {{"--handler", "NAME", "Only of this handler"}},
       .footer =
           "States: running, stopped (for `reason`), free (its last owner has let go of it). An "
           "owner that\ndied is noticed when the next one takes the lane. The lag is left out if "
           "it is not known.\n"
           "Examples:\n  spool lanes list\n  spool lanes list --handler progress_events -o json",
       .run = list},
      {.path = "lanes show",
       .help = "One lane, with its counters and the bounds of its log",
       .positionals = {{"HANDLER", "Its handler"}, {"PARTITION", "The number of its partition"}},
       .footer =
           "next - start = applied + duplicate + dead + open + gaps + lost, always. `start` is "
           "negative if\nthe topic was made anew since: what was counted before stays counted.\n"
           "Example:\n  spool lanes show progress_events 3",
       .run = show},
  };
}

}  // namespace spool::app
