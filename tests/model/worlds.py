"""The small worlds that are explored."""
from collections import namedtuple

# fail: handler failures left. fault: faults left of any kind - a worker crash, a reassignment that leaves a zombie, a
# commit in doubt, a database crash. request: operators' requests left. log: losses of the log left. hand: dead letters
# that a hand re-publishes. drop: how often a living worker loses or gives up a lane (where events kill). restore: how
# often the database goes back to an earlier state, durable commits and all (where calls are made).
Budget = namedtuple("Budget", "fail fault request log hand drop restore", defaults=(0, 0, 0, 0, 0, 0, 0))

# A world of one lane with one key. logs: the records of each incarnation of the main partition (None: a control or
# compacted record; capitals: an event that cannot be applied). inbox: whether the handler keeps one. loss: what a
# database loss may take: "crash": commits that nobody waited for; "failover": any of the newest ones, as an older
# replica would (then what was announced may be undone, so deaths are announced under "crash" only; there, too, reading
# an outbox row and publishing it are two steps). attempts: after how many an event dies. hold: whether a death keeps
# the key held. records: whether retry records are written, published, kept and lost. later: scheduled events.
Scenario = namedtuple("Scenario", "logs budget inbox loss attempts hold records later",
                      defaults=(False, "crash", 3, False, False, ""))

# A world of events that kill their process: per lane its log, and the names that kill.
Killing = namedtuple("Killing", "logs deadly budget")

# A world of events whose effect is a call to another service: its log (an event in capitals swallows what waits before
# it and has not begun). restores: whether what a database loses is durable (else: commits that nobody waited for).
Calling = namedtuple("Calling", "log budget restores", defaults=(False,))

SCENARIOS = {
    # A producer publishes 'a' twice; an inbox makes the second a duplicate.
    "inbox": Scenario((("a", "b", "a"),), Budget(fail=4, fault=1, request=2), inbox=True, loss="failover"),
    # No inbox: the fenced position alone keeps a redelivered event from a second effect.
    "positions": Scenario((("a", "b", "c"),), Budget(fail=4, fault=1, request=2), loss="failover"),
    # An event that cannot be applied, published twice.
    "rejects": Scenario((("X", "b", "X"),), Budget(fail=1, fault=2)),
    # Deaths by exhausted attempts, with announcements and replays, under crashes alone.
    "deaths": Scenario((("a", "b"),), Budget(fail=4, fault=1, request=1)),
    # Retention, a recreated topic, a gap.
    "log": Scenario((("a", None, "B", None), ("d", "e", "f", "g", "h")), Budget(fault=2, request=1, log=1)),
    # A drain that takes several transactions, and a record that comes meanwhile.
    "drain": Scenario((("a", "b", "c", "d"),), Budget(fail=2, fault=2), attempts=2),
    # Retry records that expire, come late or come again.
    "due": Scenario((("a", "b"),), Budget(fail=3, fault=1, request=1), attempts=2, records=True),
    # Deaths hold the key; operators replay, discard and release.
    "hold": Scenario((("a", "B", "c"),), Budget(fail=3, fault=1, request=2), attempts=2, hold=True),
    # Operators and hands who ask for the same replay.
    "replays": Scenario((("a",),), Budget(fail=4, fault=1, request=2, hand=1), attempts=2),
    # An event that is to run later, between two of the same key.
    "scheduled": Scenario((("a", "s", "b"),), Budget(fail=2, fault=1), attempts=2, later="s"),
    # An event that kills its process, among healthy ones of its lane.
    "deadly": Killing((("a", "x", "b"),), "x", Budget(fault=2, request=1, drop=2)),
    # ... and in another lane of the same process.
    "neighbours": Killing((("x",), ("a",)), "x", Budget(fault=2)),
    # Calls to another service: owners that crash or are replaced while they call.
    "calls": Calling(("a", "b"), Budget(fail=1, fault=2)),
    # ... that are refused, whose answers are lost, or who cannot be asked about.
    "answers": Calling(("a", "b"), Budget(fail=3, fault=1)),
    # ... that are called off, by an operator or by a later event, before they begin.
    "called_off": Calling(("a", "B"), Budget(fail=1, fault=1, request=1)),
    # ... that the database forgets.
    "restored": Calling(("a", "B"), Budget(fault=1, restore=1), restores=True),
}
