// Bugs that can be planted into the simulated world (never into the engine), each the removal of
// one rule of the delivery protocol. A simulation that does not notice them proves nothing.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace spool::simulation {

enum class Plant {
  none,

  // Who may write
  fence_ignores_token,
  fence_ignores_seq,
  token_twice,       // a database that went back gives out the same token again
  no_comparison,     // owners without work do not compare their claims
  take_relaxed,      // taking a lane is not durable when it is answered
  doubt_is_failure,  // a commit in doubt is reported as one that certainly failed

  // The position and the counters
  position_outside,    // the position moves in a transaction of its own
  resume_from_group,   // a lane resumes from the group's committed offset
  no_low_check,        // the log's first offset is not known, the consumer resets to what there is
  no_high_check,       // the log's end is not known, likewise
  no_timestamp_check,  // the record before the position is not compared
  last_record_forgotten,  // ... nor remembered, once offsets without a record follow it
  gaps_uncounted,
  lost_uncounted,     // what an operator gave up
  counters_outside,   // the counters move in a transaction of their own
  copies_uncounted,   // a record that asks for a replay is not counted itself
  stale_fetch,        // records fetched for an earlier placement reach the lane after a new one
  savepoint_ignored,  // rolling back to a savepoint undoes nothing

  // What leaves
  publish_early,             // dead letters are announced before their transaction has committed
  outbox_relaxed,            // transactions with outbox rows are not durable when they are answered
  outbox_deleted_when_read,  // rows are deleted before Kafka has acknowledged them
  failure_is_published,      // a publication that failed is taken as done

  // A producer's duplicates
  bury_not_unique,
  inbox_empty,             // what was settled is not found again
  inbox_forgets_the_dead,  // what ended dead is not remembered

  // Held keys
  open_loses_one,        // of the events that open in a transaction the first is not written
  parked_as_heads,       // what waits behind its key's head is written as one more head
  close_skipped,         // rows that are done with stay
  promote_forgotten,     // the next of a key is named, but does not become its head
  decision_strands,      // ... after an operator's decision only
  drain_loses_the_rest,  // what a drain does not get to is lost
  take_forgets_held,     // who takes a lane does not learn which keys are held
  take_forgets_untried,  // ... or not those that are held by a head which was never tried
  take_forgets_drains,   // ... or not that heads which were never tried are due at once

  // Attempts and due times
  take_forgets_due,  // ... or not when heads are due
  attempts_not_stored,
  own_clock,            // due times are compared with the worker's own clock
  record_hastens,       // a retry record makes its head act when it is read
  head_needs_record,    // a head acts only once its retry record has been read
  scheduled_as_head,    // an event that is not due yet holds its key
  awakened_as_heads,    // an event that became due does not go behind what holds its key
  scheduled_forgotten,  // nobody knows when the next scheduled event is due

  // Replays
  replays_the_replayed,  // what is being replayed can be replayed once more
  life_unchecked,        // a request acts on whatever life there is
  replay_by_tool,        // an operator's tool writes the lane itself; the owner is not told
  marks_lost,            // a copy of a dead letter arrives without its headers
  retry_record_asks,     // a late retry record, which names its life too, counts as a request
  requests_later,        // a retry topic's position moves before the request in it is carried out
  companions_at_end,     // a retry topic is read from its end, not from where the lane was
  resolve_forgotten,     // a replay that went well leaves its dead letter as it was
  page_forgotten,        // a command's page is not remembered
  command_never_ends,

  // Holding a key after a death
  dead_head_gone,  // the dead event's row goes
  dead_head_acts,  // ... or acts like any other head after a taking
  dead_head_counted_open,
  replay_goes_behind,  // a replay does not settle where the dead event stands
  refused_elsewhere,   // what a handler refuses it puts under another key, where it need not wait

  // Events that end the process
  end_unnoticed,      // a lane that was not let go is not suspect
  mark_relaxed,       // what a suspect lane runs is not marked durably
  mark_not_narrowed,  // who finds a mark runs as much at once
  any_end_condemns,   // an end counts as the last whatever ran
  end_counts_twice,
  drop_is_an_end,    // a worker that lives and takes its lane again counts as one that died
  drop_hands_back,   // a worker gives a lane whose run failed back, gets it anew, and forgets why
  two_boards,        // two workers of one process, each of which knows its own lanes only
  mark_not_cleared,  // the mark stays after the commit of what it covers
  mark_cleared_relaxed,   // ... which is not durable
  marks_overwrite_count,  // a mark takes the place of whom the last ends accuse
  heads_unmarked,         // heads run without a mark

  // Calls
  calls_before_commit,  // a call leaves while the transaction that marks it is still open
  marker_relaxed,       // ... which is not durable when it is answered
  calls_begin_late,     // a call begins though its grace is over
  calls_overrun,        // ... or goes on when its time is up
  not_begun_fails,      // a call that did not begin is told as one that failed
  doubt_calls_again,    // who finds a marker calls, and does not ask
  asked_at_once,        // ... or asks while that call may still go on
  lost_answer_fails,    // an answer that was lost is told as a failure without effect
  last_doubt_fails,     // ... at the last attempt only
  vain_asking_clears,   // asking that failed is told as if nothing had happened out there
  asking_charged,
  settled_outside,   // an end is settled in two transactions
  end_of_another,    // the end of a call of a lane that was lost is taken for that of a later one
  calls_apart,       // each event has a key of its own
  calls_unknown,     // a producer's duplicate is admitted like any other
  swallowed_called,  // what was swallowed stays, and is called
  begun_swallowed,   // what has begun is swallowed
  begun_cancelled,   // an operator cancels what has begun

  // A database that is set back
  note_unread,            // nobody reads the group's note
  calls_unnoted,          // calls leave before the group has heard of their marker
  note_from_anybody,      // the group listens to former members too
  restore_trusts_open,    // what is open then is called, and not asked about
  restore_trusts_log,     // ... or what is admitted again
  restore_asked_at_once,  // ... or is asked about while a forgotten call may still go on
  calls_before_log,       // calls go on before the log was heard again
};

struct PlantName {
  Plant plant;
  std::string_view name;
  // Which rules of tests/model it takes away; none: a promise that the model takes for granted.
  std::string_view rules = {};
};

std::optional<Plant> plant_of(std::string_view name);
std::string_view to_string(Plant plant);

inline constexpr std::array kPlants{
    PlantName{Plant::fence_ignores_token, "fence_ignores_token", "fence"},
    PlantName{Plant::fence_ignores_seq, "fence_ignores_seq", "sequence"},
    PlantName{Plant::token_twice, "token_twice", "token"},
    PlantName{Plant::no_comparison, "no_comparison", "notice"},
    PlantName{Plant::take_relaxed, "take_relaxed", "taking_durable quarantine_durable"},
    PlantName{Plant::doubt_is_failure, "doubt_is_failure", "doubt_drops"},
    PlantName{Plant::position_outside, "position_outside", "position_in_txn"},
    PlantName{Plant::resume_from_group, "resume_from_group", "resume_from_db"},
    PlantName{Plant::no_low_check, "no_low_check", "check_low"},
    PlantName{Plant::no_high_check, "no_high_check", "check_high"},
    PlantName{Plant::no_timestamp_check, "no_timestamp_check", "check_timestamp"},
    PlantName{Plant::last_record_forgotten, "last_record_forgotten", "mark_survives_gap"},
    PlantName{Plant::gaps_uncounted, "gaps_uncounted", "gap_counted"},
    PlantName{Plant::lost_uncounted, "lost_uncounted", "loss_counted"},
    PlantName{Plant::counters_outside, "counters_outside", "counts_in_txn"},
    PlantName{Plant::copies_uncounted, "copies_uncounted", "copy_is_duplicate"},
    PlantName{Plant::stale_fetch, "stale_fetch"},
    PlantName{Plant::savepoint_ignored, "savepoint_ignored"},
    PlantName{Plant::publish_early, "publish_early", "outbox"},
    PlantName{Plant::outbox_relaxed, "outbox_relaxed", "outbox_durable"},
    PlantName{Plant::outbox_deleted_when_read, "outbox_deleted_when_read", "delete_after_ack"},
    PlantName{Plant::failure_is_published, "failure_is_published", "delete_after_ack"},
    PlantName{Plant::bury_not_unique, "bury_not_unique", "dead_once"},
    PlantName{Plant::inbox_empty, "inbox_empty", "inbox"},
    PlantName{Plant::inbox_forgets_the_dead, "inbox_forgets_the_dead", "inbox_keeps_ended"},
    PlantName{Plant::open_loses_one, "open_loses_one"},
    PlantName{Plant::parked_as_heads, "parked_as_heads", "park"},
    PlantName{Plant::close_skipped, "close_skipped"},
    PlantName{Plant::promote_forgotten, "promote_forgotten", "drain_keeps_held"},
    PlantName{Plant::decision_strands, "decision_strands", "decision_starts_drain"},
    PlantName{Plant::drain_loses_the_rest, "drain_loses_the_rest", "drain_before_release"},
    PlantName{Plant::take_forgets_held, "take_forgets_held", "load_heads"},
    PlantName{Plant::take_forgets_untried, "take_forgets_untried", "held_is_head_or_parked"},
    PlantName{Plant::take_forgets_drains, "take_forgets_drains", "resume_drains"},
    PlantName{Plant::take_forgets_due, "take_forgets_due", "due_in_row"},
    PlantName{Plant::attempts_not_stored, "attempts_not_stored"},
    PlantName{Plant::own_clock, "own_clock", "not_early"},
    PlantName{Plant::record_hastens, "record_hastens", "not_early"},
    PlantName{Plant::head_needs_record, "head_needs_record", "acts_on_due_time"},
    PlantName{Plant::scheduled_as_head, "scheduled_as_head", "scheduled_holds_nothing"},
    PlantName{Plant::awakened_as_heads, "awakened_as_heads", "scheduled_takes_its_place"},
    PlantName{Plant::scheduled_forgotten, "scheduled_forgotten"},
    PlantName{Plant::replays_the_replayed, "replays_the_replayed", "replay_checks_dead"},
    PlantName{Plant::life_unchecked, "life_unchecked", "replay_names_life"},
    PlantName{Plant::replay_by_tool, "replay_by_tool", "replay_by_owner"},
    PlantName{Plant::marks_lost, "marks_lost", "copy_is_request"},
    PlantName{Plant::retry_record_asks, "retry_record_asks", "copy_has_marks"},
    PlantName{Plant::requests_later, "requests_later", "copy_moves_position"},
    PlantName{Plant::companions_at_end, "companions_at_end"},
    PlantName{Plant::resolve_forgotten, "resolve_forgotten"},
    PlantName{Plant::page_forgotten, "page_forgotten"},
    PlantName{Plant::command_never_ends, "command_never_ends"},
    PlantName{Plant::dead_head_gone, "dead_head_gone", "dead_head_holds"},
    PlantName{Plant::dead_head_acts, "dead_head_acts", "dead_head_rests"},
    PlantName{Plant::dead_head_counted_open, "dead_head_counted_open", "held_dead_is_dead"},
    PlantName{Plant::replay_goes_behind, "replay_goes_behind", "replay_in_place"},
    PlantName{Plant::refused_elsewhere, "refused_elsewhere", "reject_waits_its_turn"},
    PlantName{Plant::end_unnoticed, "end_unnoticed", "unclean_is_suspect"},
    PlantName{Plant::mark_relaxed, "mark_relaxed", "crash_mark_durable"},
    PlantName{Plant::mark_not_narrowed, "mark_not_narrowed", "narrows"},
    PlantName{Plant::any_end_condemns, "any_end_condemns", "only_alone_counts"},
    PlantName{Plant::end_counts_twice, "end_counts_twice", "end_counts_once"},
    PlantName{Plant::drop_is_an_end, "drop_is_an_end", "drop_is_no_end"},
    PlantName{Plant::drop_hands_back, "drop_hands_back", "dropped_first"},
    PlantName{Plant::two_boards, "two_boards", "alone_in_process"},
    PlantName{Plant::mark_not_cleared, "mark_not_cleared", "mark_cleared_by_commit"},
    PlantName{Plant::mark_cleared_relaxed, "mark_cleared_relaxed", "mark_cleared_durably"},
    PlantName{Plant::marks_overwrite_count, "marks_overwrite_count", "marked_goes_first"},
    PlantName{Plant::heads_unmarked, "heads_unmarked", "mark_covers_heads"},
    PlantName{Plant::calls_before_commit, "calls_before_commit", "marked_first"},
    PlantName{Plant::marker_relaxed, "marker_relaxed", "marker_durable"},
    PlantName{Plant::calls_begin_late, "calls_begin_late", "begins_in_grace"},
    PlantName{Plant::calls_overrun, "calls_overrun"},
    PlantName{Plant::not_begun_fails, "not_begun_fails"},
    PlantName{Plant::doubt_calls_again, "doubt_calls_again", "doubt_asks_first"},
    PlantName{Plant::asked_at_once, "asked_at_once", "asks_after_the_call"},
    PlantName{Plant::lost_answer_fails, "lost_answer_fails", "lost_answer_asks"},
    PlantName{Plant::last_doubt_fails, "last_doubt_fails", "no_death_in_doubt"},
    PlantName{Plant::vain_asking_clears, "vain_asking_clears", "asked_in_vain_still_doubts"},
    PlantName{Plant::asking_charged, "asking_charged", "asking_is_no_attempt"},
    PlantName{Plant::settled_outside, "settled_outside", "end_settles_once"},
    PlantName{Plant::end_of_another, "end_of_another", "lost_lanes_end_ignored"},
    PlantName{Plant::calls_apart, "calls_apart", "calls_in_order"},
    PlantName{Plant::calls_unknown, "calls_unknown"},
    PlantName{Plant::swallowed_called, "swallowed_called", "cancelled_not_called"},
    PlantName{Plant::begun_swallowed, "begun_swallowed", "begun_not_swallowed"},
    PlantName{Plant::begun_cancelled, "begun_cancelled", "begun_not_cancelled"},
    PlantName{Plant::note_unread, "note_unread", "note_tells_restore"},
    PlantName{Plant::calls_unnoted, "calls_unnoted", "noted_before_calls"},
    PlantName{Plant::note_from_anybody, "note_from_anybody", "note_from_members"},
    PlantName{Plant::restore_trusts_open, "restore_trusts_open", "restore_doubts_open"},
    PlantName{Plant::restore_trusts_log, "restore_trusts_log", "restore_doubts_log"},
    PlantName{Plant::restore_asked_at_once, "restore_asked_at_once", "restore_doubts_wait"},
    PlantName{Plant::calls_before_log, "calls_before_log", "log_before_calls"},
};

}  // namespace spool::simulation
