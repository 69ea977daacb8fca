"""What the model's world consists of, which rules hold in it, and the small worlds that are explored."""
from collections import namedtuple

MAX_ATTEMPTS = 3

# The database: one lane's row (token, seq, positions, start, mark, counts, stopped) and what its transactions wrote.
# start: the first offset ever counted, None while the lane has no row. mark: (offset, timestamp) of the last record
# before next_m. head: (event, attempt, life) that holds the key, or None; an event begins a new life with each replay.
# parked: (event, life)s waiting behind it. outbox: rows ("retry", message) and ("dlt", letter). applied/dead: the
# effects in order, dead as (event, life). tried: (event, attempt, life)s. commands: what operators asked for.
# lost: offsets that an operator wrote off.
Db = namedtuple("Db", "token seq next_m next_r start mark stopped head parked outbox applied dead tried commands "
                      "lost counts")
# Conservation: next_m - start is always the sum of these.
Counts = namedtuple("Counts", "applied duplicate dead open gaps lost")
# durable: what a database crash leaves. retry: the retry partition. dlt: the dead letters announced, as a set.
# log: the main partition. mem: per worker, what it believes of the lane, or None when it does not own it.
# tokens: how many were ever given out (a database that went back does not give one out twice).
# offered: the lowest offset from which the lane was ever taken; what follows it must not vanish unseen.
World = namedtuple("World", "db durable retry dlt log mem budget tokens offered")
# made: which incarnation of the topic this is (its records' timestamps differ); it holds [low, high).
Log = namedtuple("Log", "made low high")
# page: (outbox row in hand, published?) or None. stopped: the log lost the lane's position. made: of the log it reads.
Lane = namedtuple("Lane", "token seq next_m next_r head page stopped made")
# fail: handler failures left. fault: faults left of any kind - a worker crash, a reassignment that leaves a
# zombie, a commit in doubt, a database crash. replay: operators' requests left. log: losses of the log left.
Budget = namedtuple("Budget", "fail fault replay log")

# A small world: the records of each incarnation of the main partition (None: a control or compacted record; capitals:
# an event that cannot be applied), whether the handler keeps an inbox, and what a database loss may take:
# "crash": commits that nobody waited for; "failover": any of the newest ones, as an older replica would (then what was
# announced may be undone, so deaths are announced under "crash" only; there, too, reading an outbox row and publishing
# it are two steps).
Scenario = namedtuple("Scenario", "logs inbox loss budget")

SCENARIOS = {
    # A producer publishes 'a' twice; an inbox makes the second a duplicate.
    "inbox": Scenario((("a", "b", "a"),), True, "failover", Budget(4, 1, 2, 0)),
    # No inbox: the fenced position alone keeps a redelivered event from a second effect.
    "positions": Scenario((("a", "b", "c"),), False, "failover", Budget(4, 1, 2, 0)),
    # An event that cannot be applied, published twice.
    "rejects": Scenario((("X", "b", "X"),), False, "crash", Budget(1, 2, 0, 0)),
    # Deaths by exhausted attempts, with announcements and replays, under crashes alone.
    "deaths": Scenario((("a", "b"),), False, "crash", Budget(4, 1, 1, 0)),
    # Retention, a recreated topic, a gap.
    "log": Scenario((("a", None, "B", None), ("d", "e", "f", "g", "h")), False, "crash", Budget(0, 2, 1, 1)),
}

RULES = {
    "fence": True,          # a commit requires the token that the worker was assigned with
    "token": True,          # a token is never given out twice, also not by a database that lost the last one
    "sequence": True,       # a commit requires the sequence number that the owner's last commit left
    "notice": True,         # an owner without work compares token and sequence too, now and then
    "position_in_txn": True,  # the position advances in the same transaction as the effect
    "inbox": True,          # an event id already applied or dead is skipped
    "inbox_keeps_ended": True,  # ... also a life that ended dead and has been replayed since
    "park": True,           # later events of a held key wait behind its head
    "attempt_check": True,  # a retry message counts only if it names the current head and attempt
    "outbox": True,         # what leaves is stored in the transaction, published afterwards
    "drain_before_release": True,  # parked events are applied before the key is released
    "resume_from_db": True,  # a new owner resumes from the database's position, not the broker's
    "replay_checks_dead": True,  # a replay acts only on the life of a dead letter that it was asked for
    "replay_by_owner": True,  # a replay is carried out by the lane's owner, in a fenced transaction
    "outbox_durable": True,  # a transaction that writes outbox rows is committed synchronously
    "delete_after_ack": True,  # an outbox row is deleted once the broker has acknowledged it
    "dead_once": True,      # dead letters are unique: a producer's duplicate of a dead event is a duplicate
    "taking_durable": True,  # taking a lane is committed synchronously
    "doubt_drops": True,    # after a doubtful commit the owner forgets what it remembered
    "check_low": True,      # a lane whose next offset lies below the log's first one stops
    "check_high": True,     # ... or beyond the log's end
    "check_timestamp": True,  # ... or whose last record is another one now
    "mark_survives_gap": True,  # ... which is remembered also when offsets without a record follow it
    "gap_counted": True,    # offsets without a record are counted as gaps
    "loss_counted": True,   # offsets that an operator wrote off are counted as lost
    "counts_in_txn": True,  # the counters change in the transaction that moves the position
}

# The worlds in which each rule's removal must be caught.
KILLED_IN = {
    "fence": ("inbox", "positions"), "token": ("inbox", "positions"), "sequence": ("inbox", "positions"),
    "notice": ("inbox", "positions"), "position_in_txn": ("positions",), "inbox": ("inbox",),
    "inbox_keeps_ended": ("inbox",), "park": ("inbox", "positions"), "attempt_check": ("inbox", "positions"),
    "outbox": ("inbox", "positions", "rejects"), "drain_before_release": ("inbox", "positions"),
    "resume_from_db": ("inbox", "positions"), "replay_checks_dead": ("positions",),
    "replay_by_owner": ("inbox", "positions"),
    "outbox_durable": ("rejects", "deaths"), "delete_after_ack": ("rejects", "deaths"), "dead_once": ("rejects",),
    "taking_durable": ("log",), "doubt_drops": ("positions", "rejects", "log"),
    "check_low": ("log",), "check_high": ("log",), "check_timestamp": ("log",),
    "mark_survives_gap": ("log",),
    "gap_counted": ("log",), "loss_counted": ("log",), "counts_in_txn": ("positions", "rejects", "log"),
}


ABOUT_COUNTS = ("gap_counted", "loss_counted", "counts_in_txn")


class Exploration:
    """The exploration at hand; set by it, read by everything else."""
    scenario = SCENARIOS["inbox"]
    counts_watched = True


def scenario():
    return Exploration.scenario


def rejected(event):
    return event.isupper()


def record(log, offset):
    """What a reader finds at this offset; None where there is no record (any more)."""
    return scenario().logs[log.made][offset] if log.low <= offset < log.high else None


def has_inbox():
    return RULES["inbox"] and scenario().inbox


def announces():
    return scenario().loss == "crash"


def initial():
    made = scenario()
    db = Db(0, 0, 0, 0, None, None, False, None, (), (), (), (), (), (), (), Counts(0, 0, 0, 0, 0, 0))
    return World(db, db, (), frozenset(), Log(0, 0, len(made.logs[0])), (None, None), made.budget, 0, None)
