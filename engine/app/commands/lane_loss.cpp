// Accepting that a lane has lost its position, so that it goes on.
#include <chrono>

#include "engine/app/command_context.hpp"
#include "engine/app/command_watch.hpp"
#include "engine/app/commands/commands.hpp"
#include "engine/app/operator_input.hpp"
#include "engine/app/worker_settings.hpp"
#include "engine/delivery/lane_name.hpp"
#include "engine/delivery/loss.hpp"
#include "engine/kafka/cluster.hpp"
#include "engine/store/lane_query.hpp"
#include "engine/store/operator_commands.hpp"

namespace spool::app {
namespace {

using base::Failure;
using base::FailureKind;
using base::Result;
using delivery::Loss;
using store::LaneInfo;

constexpr std::chrono::seconds kBrokerLimit{5};

// What the person has said of it.
struct Asked {
  delivery::LaneId lane;
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
};

Result<Asked> read_asked(const Arguments& arguments) {
  const auto partition = arguments.number("PARTITION", 0, kPartitionMax);
  if (!partition) return partition.failure();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const auto from = arguments.number("from", 0, kMax);
  if (!from) return from.failure();
  const auto to = arguments.number("to", 0, kMax);
  if (!to) return to.failure();
  if (arguments.has("yes") && !arguments.has("dry-run") && !(*from && *to)) {
    return Failure(FailureKind::invalid,
                   "--yes needs --from and --to, the loss that you saw: --dry-run shows it");
  }
  return Asked{{arguments.get_or("HANDLER", ""), static_cast<std::int32_t>(partition->value_or(0))},
               *from,
               *to};
}

Result<delivery::LogBounds> bounds_of(const config::Settings& settings, const LaneInfo& lane) {
  const auto cluster = kafka::Cluster::open(cluster_settings(settings));
  if (!cluster) return about_kafka(settings, cluster.failure());
  const auto marks = (*cluster)->watermarks(lane.topic, lane.lane.partition, kBrokerLimit);
  if (!marks) return about_kafka(settings, marks.failure());
  return delivery::LogBounds{marks->low, marks->high};
}

// What is lost, if it is what was asked for and may be given up.
Result<Loss> loss_of(const LaneInfo& lane, const Asked& asked, const delivery::LogBounds& bounds) {
  if (!lane.position_lost()) {
    return Failure(FailureKind::conflict, "lane " + delivery::lane_name(lane.lane) +
                                              " has not lost its position: it is " + lane.state +
                                              " at " + std::to_string(lane.next));
  }
  const Loss loss{asked.from.value_or(lane.next), asked.to.value_or(bounds.low)};
  if (const auto why = delivery::refused(loss, lane.next, bounds))
    return Failure(FailureKind::conflict, *why);
  return loss;
}

std::string in_words(const LaneInfo& lane, const Loss& loss) {
  const std::string name = "lane " + delivery::lane_name(lane.lane);
  const std::string from = std::to_string(loss.from);
  if (!delivery::goes_forward(loss)) {
    return "position " + from + " is none of the log that topic " + lane.topic + " has now; " +
           name + " goes on at " + std::to_string(loss.to) +
           ", and whatever the old log had from " + from + " on is lost";
  }
  return "offsets " + from + " to " + std::to_string(loss.to - 1) + " of " + name + ", " +
         std::to_string(delivery::lost_offsets(loss)) + " in all, are lost; it goes on at " +
         std::to_string(loss.to);
}

Record record_of(const LaneInfo& lane, const Loss& loss) {
  return {{"handler", lane.lane.handler},
          {"partition", std::int64_t{lane.lane.partition}},
          {"topic", lane.topic},
          {"from", loss.from},
          {"to", loss.to},
          {"lost", delivery::goes_forward(loss) ? Cell(delivery::lost_offsets(loss)) : Cell()},
          {"another_log", !delivery::goes_forward(loss)}};
}

int show_dry(CommandContext& context, const LaneInfo& lane, const Loss& loss,
             const delivery::LogBounds& bounds) {
  Record record = record_of(lane, loss);
  record.push_back({"log_begin", bounds.low});
  record.push_back({"log_end", bounds.high});
  record.push_back({"detail", lane.detail});
  context.output().record(record);
  context.note(in_words(lane, loss));
  if (loss.from > bounds.high) {
    context.note("if the topic is the same and has lost its end only: --to " +
                 std::to_string(bounds.high) + ", so that nothing is applied again");
  }
  context.note("nothing was done: --dry-run");
  return kOk;
}

// The owner had the last word.
int report(CommandContext& context, postgres::Connection& connection, const LaneInfo& lane,
           const Loss& loss, const Watched& watched) {
  const store::CommandInfo& command = watched.commands.front().info;
  Record record = record_of(lane, loss);
  record.insert(record.begin(), {"id", base::to_string(command.id)});
  record.push_back({"state", command.state});
  record.push_back({"done", command.done == 1});
  context.output().record(record);
  if (command.done == 1) return kOk;
  if (watched.end != WatchEnd::ended) return kPartlyDone;
  const auto now = store::show_lane(connection, lane.lane);
  if (!now) return context.fail(now.failure());
  return context.fail(kConflict,
                      "its owner has refused, for the loss is another one by now: lane " +
                          delivery::lane_name(lane.lane) + " is " + now->state + " at " +
                          std::to_string(now->next) + ", see lanes show");
}

int give(CommandContext& context, postgres::Connection& connection, const LaneInfo& lane,
         const Loss& loss, const store::Operator& who, std::chrono::milliseconds wait) {
  const auto given = store::give_acceptance(connection, lane.lane, loss, who);
  if (!given) return context.fail(given.failure());
  const auto watched = watch_commands(context, connection, {given->id}, wait);
  if (!watched) return context.fail(watched.failure());
  const int code = report(context, connection, lane, loss, *watched);
  if (watched->end == WatchEnd::ended) return code;
  const std::string id = base::to_string(given->id);
  context.note("no worker has carried it out yet (the last owner was " + lane.owner +
               "); the next one does. spool replay watch " + id + ", or spool replay cancel " + id);
  if (watched->end == WatchEnd::interrupted) return kInterrupted;
  return wait == std::chrono::milliseconds(0) ? kOk : code;
}

int accept_loss(CommandContext& context) {
  const bool dry = context.arguments().has("dry-run");
  const auto asked = read_asked(context.arguments());
  if (!asked) return context.fail(asked.failure());
  const auto who = read_operator(context.arguments());
  if (!who && !dry) return context.fail(who.failure());
  const auto wait = read_wait(context.arguments());
  if (!wait) return context.fail(wait.failure());
  const auto& loaded = context.configuration();
  if (!loaded) return context.fail(loaded.failure());
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto lane = store::show_lane(**connection, asked->lane);
  if (!lane) return context.fail(lane.failure());
  const auto bounds = bounds_of(loaded->settings, *lane);
  if (!bounds) return context.fail(bounds.failure());
  const auto loss = loss_of(*lane, *asked, *bounds);
  if (!loss) return context.fail(loss.failure());
  if (dry) return show_dry(context, *lane, *loss, *bounds);
  const auto yes = context.confirmed(in_words(*lane, *loss) + ". Accept?");
  if (!yes) return context.fail(yes.failure());
  if (!*yes) return context.fail(kFailed, "nothing was done");
  return give(context, **connection, *lane, *loss, *who, *wait);
}

}  // namespace

std::vector<Command> lane_loss_commands() {
  return {
      {.path = "lanes accept-loss",
       .help = "Give up what a lane has lost with its position, so that it goes on",
       .positionals = {{"HANDLER", "Its handler"}, {"PARTITION", "The number of its partition"}},
       .options = with(
           {{"--from", "OFFSET", "The lost position that you saw; refused if it is another one"},
            {"--to", "OFFSET", "Where the lane goes on (default: where its log begins)"}},
           with(change_options(), {kYesOption, kWaitOption})),
       .footer =
           "If retention removed records before they were applied, the offsets up to the first "
           "record are\ncounted as lost. If the topic was made anew, the lane goes back to its "
           "beginning, and what it has\ncounted stays counted. If the topic is the same and has "
           "lost its end, say --to with that end, or\nwhat is left of it is applied again.\n"
           "Carried out by the partition's owner, which looks at the log once more; it waits for "
           "one if there\nis none. --yes needs --from and --to.\n"
           "Exit codes: 3 not within --wait, 4 there is no such lane, 5 it is not lost, or another "
           "loss.\n"
           "Examples:\n  spool lanes accept-loss progress_events 3 --dry-run\n"
           "  spool lanes accept-loss progress_events 3 --reason 'retention was too short'\n"
           "  spool lanes accept-loss progress_events 3 --from 500 --to 700 --yes --reason r",
       .run = accept_loss},
  };
}

}  // namespace spool::app
