"""The rules of the protocol, one line each, and the worlds that must notice if one is missing."""

RULES = {
    # Who may write
    "fence": True,          # a commit requires the token that the worker was assigned with
    "token": True,          # a token is never given out twice, also not by a database that lost the last one
    "sequence": True,       # a commit requires the sequence number that the owner's last commit left
    "notice": True,         # an owner without work compares token and sequence too, now and then
    "taking_durable": True,  # taking a lane is committed synchronously
    "doubt_drops": True,    # after a doubtful commit the owner forgets what it remembered
    # The position
    "position_in_txn": True,  # the position advances in the same transaction as the effect
    "resume_from_db": True,  # a new owner resumes from the database's position, not the broker's
    "check_low": True,      # a lane whose next offset lies below the log's first one stops
    "check_high": True,     # ... or beyond the log's end
    "check_timestamp": True,  # ... or whose last record is another one now
    "mark_survives_gap": True,  # ... which is remembered also when offsets without a record follow it
    "restart_at_beginning": True,  # once an operator has accepted it, a lane goes back to the beginning of another log
    # The counters
    "gap_counted": True,    # offsets without a record are counted as gaps
    "loss_counted": True,   # offsets that an operator wrote off are counted as lost
    "restart_moves_start": True,  # the first offset follows the position into another log: what was counted stays
    "counts_in_txn": True,  # the counters change in the transaction that moves the position
    "copy_is_duplicate": True,  # a record that asks for a replay counts as a duplicate itself
    "held_dead_is_dead": True,  # a dead event that holds its key counts as dead, not as open
    # A producer's duplicates
    "inbox": True,          # an event id already applied or dead is skipped
    "inbox_keeps_ended": True,  # ... also a life that ended dead and has been replayed since
    "dead_once": True,      # dead letters are unique: a producer's duplicate of a dead event is a duplicate
    # Held keys and draining them
    "park": True,           # later events of a held key wait behind its head
    "drain_before_release": True,  # parked events are applied before the key is released
    "drain_keeps_held": True,  # what a transaction leaves parked keeps the key held: the next one becomes the head
    "held_is_head_or_parked": True,  # ... and a head that has never been tried holds the key like any other
    "load_heads": True,     # who takes a lane reads the heads of its keys
    "resume_drains": True,  # ... and acts on those that are due; no record will remind it
    # Due times
    "acts_on_due_time": True,  # a head acts when its time has come, whatever became of its retry record
    "not_early": True,      # a retry record never makes a head act before its time
    "due_in_row": True,     # the due time is in the head's row, so a new owner knows it too
    "scheduled_holds_nothing": True,  # an event that is not due yet does not hold its key
    "scheduled_takes_its_place": True,  # ... when due it goes behind whatever holds the key then
    # What leaves
    "outbox": True,         # what leaves is stored in the transaction, published afterwards
    "outbox_durable": True,  # a transaction that writes outbox rows is committed synchronously
    "delete_after_ack": True,  # an outbox row is deleted once the broker has acknowledged it
    # Replays
    "replay_checks_dead": True,  # a replay acts only on a dead letter that is open
    "replay_names_life": True,  # ... and only on the life that it was asked for
    "replay_by_owner": True,  # a replay is carried out by the lane's owner, in a fenced transaction
    "copy_is_request": True,  # a record that carries a dead letter's headers asks for that letter's replay
    "copy_has_marks": True,  # ... which a late retry record, though it names the same life, does not do
    "copy_moves_position": True,  # ... and is passed in the transaction that carries the request out
    # Holding a key after a death
    "dead_head_holds": True,  # a dead event that holds its key keeps the later ones waiting
    "dead_head_rests": True,  # ... is never due
    "replay_in_place": True,  # ... begins its next life where it stands
    "decision_starts_drain": True,  # ... and when an operator discards or releases it, the next one becomes the head
    "reject_waits_its_turn": True,  # where deaths hold, an event that cannot be applied dies in its turn
    # Events that kill the process
    "unclean_is_suspect": True,  # a lane that its last owner did not let go cleanly is suspect
    "crash_mark_durable": True,  # what a suspect lane runs is marked first, synchronously
    "narrows": True,        # who finds a mark runs less at once
    "only_alone_counts": True,  # an end counts against an event only if it was marked alone
    "alone_in_process": True,  # ... and nothing else ran in the same process, of no lane
    "end_counts_once": True,  # ... once for each time that it ran
    "drop_is_no_end": True,  # ... and not if the worker lives and has only lost touch with the database
    "dropped_first": True,  # ... which then takes its lanes again before it runs anything: their marks still blame it
    "mark_cleared_by_commit": True,  # the mark goes with the commit of what it covers
    "mark_cleared_durably": True,  # ... synchronously, or a crash of the database brings back a mark that was done with
    "mark_covers_heads": True,  # heads are marked like what comes from the log
    "marked_goes_first": True,  # who finds a mark runs what it names before anything else of the lane
    "quarantine_durable": True,  # a taking that counts an end is committed synchronously
    # Calls to another service
    "marked_first": True,   # a call is handed over only once the commit of its marker is known
    "marker_durable": True,  # ... which is synchronous
    "begins_in_grace": True,  # a call begins within the grace of its marker, or not at all
    "doubt_asks_first": True,  # who finds a marker without an end asks the service before anybody calls again
    "asks_after_the_call": True,  # ... and not before the call that was marked is surely over
    "lost_answer_asks": True,  # an answer that was lost leaves a doubt
    "asked_in_vain_still_doubts": True,  # ... which asking in vain does not end
    "asking_is_no_attempt": True,  # ... nor does it use up an attempt
    "no_death_in_doubt": True,  # nobody dies in doubt, also of the last attempt
    "end_settles_once": True,  # an end goes with the transaction that settles it
    "lost_lanes_end_ignored": True,  # ... and counts for nothing once its lane was lost, also if it was taken again
    "calls_in_order": True,  # only the first of a key is called
    "note_tells_restore": True,  # who takes a lane compares the group's note with the row's epoch and number
    "note_names_epoch": True,  # ... which say whose numbers they are
    "noted_before_calls": True,  # no call leaves before the group has heard of its marker
    "note_from_members": True,  # ... and the group listens to its present members only
    "restore_doubts_open": True,  # whatever is open in a database that went back is in doubt
    "restore_doubts_log": True,  # ... and whatever the log holds up to its end at that time
    "restore_doubts_wait": True,  # ... and is not asked about before calls that were begun are over
    "log_before_calls": True,  # ... nor is anything called before the log has been admitted again up to there
    "cancelled_not_called": True,  # what was cancelled or swallowed before it had begun is never called
    "begun_not_cancelled": True,  # what has begun, or is in doubt, is not cancelled
    "begun_not_swallowed": True,  # ... and what has begun is not swallowed
    "readmitted_swallows_begun": True,  # ... but by an event that is admitted again after a restore, which may know it
}

# The worlds in which each rule's removal must be caught.
KILLED_IN = {
    "fence": ("inbox", "positions"), "token": ("inbox", "positions"), "sequence": ("inbox", "positions"),
    "notice": ("inbox", "positions"), "taking_durable": ("log",), "doubt_drops": ("positions", "rejects", "log"),
    "position_in_txn": ("positions",), "resume_from_db": ("inbox", "positions"),
    "check_low": ("log",), "check_high": ("log",), "check_timestamp": ("log",), "mark_survives_gap": ("log",),
    "restart_at_beginning": ("log",), "restart_moves_start": ("log",),
    "gap_counted": ("log",), "loss_counted": ("log",), "counts_in_txn": ("positions", "rejects", "log"),
    "copy_is_duplicate": ("replays",), "held_dead_is_dead": ("hold",),
    "inbox": ("inbox",), "inbox_keeps_ended": ("inbox",), "dead_once": ("rejects",),
    "park": ("inbox", "positions", "drain"), "drain_before_release": ("positions", "drain"),
    "drain_keeps_held": ("drain",), "held_is_head_or_parked": ("drain",),
    "load_heads": ("positions", "drain"), "resume_drains": ("drain",),
    "acts_on_due_time": ("due",), "not_early": ("due",), "due_in_row": ("due",),
    "scheduled_holds_nothing": ("scheduled",), "scheduled_takes_its_place": ("scheduled",),
    "outbox": ("rejects", "deaths"), "outbox_durable": ("rejects", "deaths"),
    "delete_after_ack": ("rejects", "deaths"),
    "replay_checks_dead": ("positions", "hold"), "replay_names_life": ("replays",),
    "replay_by_owner": ("positions", "hold"),
    "copy_is_request": ("replays",), "copy_has_marks": ("due",), "copy_moves_position": ("replays",),
    "dead_head_holds": ("hold",), "dead_head_rests": ("hold",), "replay_in_place": ("hold",),
    "decision_starts_drain": ("hold",), "reject_waits_its_turn": ("hold",),
    "unclean_is_suspect": ("deadly",), "crash_mark_durable": ("deadly",), "narrows": ("deadly",),
    "only_alone_counts": ("deadly",), "alone_in_process": ("neighbours",), "dropped_first": ("neighbours",),
    "end_counts_once": ("deadly",),
    "drop_is_no_end": ("deadly",), "mark_cleared_by_commit": ("deadly",), "mark_covers_heads": ("deadly",),
    "marked_goes_first": ("deadly",), "mark_cleared_durably": ("deadly",), "quarantine_durable": ("deadly",),
    "marked_first": ("calls",), "marker_durable": ("calls",), "begins_in_grace": ("calls",),
    "doubt_asks_first": ("calls",), "asks_after_the_call": ("calls",), "lost_answer_asks": ("answers",),
    "asked_in_vain_still_doubts": ("answers",), "asking_is_no_attempt": ("answers",), "no_death_in_doubt": ("answers",),
    "end_settles_once": ("answers",), "lost_lanes_end_ignored": ("calls",), "calls_in_order": ("calls",),
    "note_tells_restore": ("restored",), "note_names_epoch": ("restored",), "noted_before_calls": ("restored",),
    "note_from_members": ("restored",), "restore_doubts_open": ("restored",),
    "restore_doubts_log": ("restored",), "restore_doubts_wait": ("restored",), "log_before_calls": ("restored",),
    "cancelled_not_called": ("called_off",), "begun_not_cancelled": ("called_off",),
    "begun_not_swallowed": ("called_off",), "readmitted_swallows_begun": ("restored",),
}

# The counters notice nearly everything; they are watched only for the mutants that are about them.
ABOUT_COUNTS = ("gap_counted", "loss_counted", "restart_moves_start", "counts_in_txn", "copy_is_duplicate",
                "held_dead_is_dead")
