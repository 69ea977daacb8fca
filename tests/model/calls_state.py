"""What a state of the model of calls consists of, and what must be true of it.

Time passes in ticks. The grace of a marker is the first tick after it, the call that it announces is over with the
second: a call that begins in time has ended, and has had its effect if it ever has one, before anybody asks.
"""
from collections import namedtuple

from rules import RULES
from state import Counts, Exploration, scenario

CALL_LENGTH = 2   # ticks from a marker until its call is over
GRACE = 1         # ... of which the call may begin in the first
ATTEMPTS = 2

# An open event. doubt: None, or the ticks until whoever may have begun to perform it has surely ended; 0: it may be
# asked about. begun: it was marked; what was withdrawn before any attempt is as if it had not been.
Row = namedtuple("Row", "event attempts doubt begun")
# The database: the lane's row and what its transactions wrote. below, until: offsets before `below` may have been
# performed by somebody whom the database has forgotten; ticks until they may be asked about. rows: the open events of
# the one key, in order. ended: what was cancelled or swallowed.
Db = namedtuple("Db", "token epoch seq next below until rows applied ended dead counts")
# A worker's lane. mark: the number of its last transaction that has marked a call, or else of the taking.
Lane = namedtuple("Lane", "token epoch seq mark")
# A call in the hands of a process (None: it crashed meanwhile), handed over by the taking `token`. asks: what became of
# the event, instead of performing it. left: ticks until it is over. phase: "held" until it begins, "out", "ended".
# end: "effect" while it is out and has had it; afterwards done, refused, lost, or had, none, vain, or late. noted:
# whether the consumer group has heard of its marker.
Call = namedtuple("Call", "who token event asks left phase end noted")
# record: the effects, as the service keeps them. note: epoch and number that the consumer group remembers; member: to
# whom it has given the lane last. procs: the workers' lanes. failed: attempts that failed. spared: what may have had
# its effect before a restore.
World = namedtuple("World", "db durable note member procs calls record failed spared budget")


def initial():
    db = Db(0, 0, 0, 0, 0, 0, (), (), (), (), Counts(0, 0, 0, 0, 0, 0))
    return World(db, db, (0, 0), None, (None, None), (), (), (), frozenset(), scenario().budget)


def owns(w, who):
    lane = w.procs[who]
    return lane is not None and (lane.token, lane.seq) == (w.db.token, w.db.seq)


def canonical(w):
    """The workers are alike. Of claims only those matter that the database shows, or may show again, and of epochs and
    numbers whether they lie beyond what it may go back to; what is durable only while it may still lose something."""
    db = w.db
    durable = w.durable if w.budget.restore or (w.budget.fault and not scenario().restores) else db
    if not RULES["note_names_epoch"]:
        return w._replace(durable=durable)   # numbers are told apart by their sizes alone
    now, then = (db.token, db.seq), (durable.token, durable.seq)
    names = {then: (0, 0)}
    names.setdefault(now, (int(db.token != durable.token), int(db.seq != durable.seq)))

    def beyond(epoch, number):
        if epoch != durable.epoch:
            return int(epoch > durable.epoch), 0
        return 0, int(number > durable.seq)

    def known(lane):
        token, seq = names.get((lane.token, lane.seq), (-1, 0))
        epoch, mark = beyond(lane.epoch, lane.mark)
        return Lane(token, epoch, seq, mark)

    procs, member = [lane and known(lane) for lane in w.procs], w.member
    calls = []
    for call in w.calls:
        lane = None if call.who is None else w.procs[call.who]
        ours = lane is not None and lane.token == call.token
        if call.phase != "ended" or ours or not RULES["lost_lanes_end_ignored"]:
            calls.append(call._replace(token=procs[call.who].token if ours else -2))
    order = [(lane or (-2,), member == who) for who, lane in enumerate(procs)]
    if order[0] > order[1]:
        procs.reverse()
        calls = [call if call.who is None else call._replace(who=1 - call.who) for call in calls]
        member = member if member is None else 1 - member
    if len(calls) > 1:
        calls.sort(key=repr)
    now_epoch = int(db.epoch != durable.epoch)
    return w._replace(db=db._replace(token=names[now][0], epoch=now_epoch, seq=names[now][1]),
                      durable=durable._replace(token=0, epoch=0, seq=0), note=beyond(*w.note), member=member,
                      procs=tuple(procs), calls=tuple(calls))


def broken(w):
    db, log = w.db, scenario().log
    if len(set(w.record)) != len(w.record):
        return "an event had its effect twice"
    if sorted(w.record, key=log.index) != list(w.record):
        return "a later event of the key had its effect before an earlier one"
    if set(db.applied) - set(w.record):
        return "an event was settled as performed, and never was"
    if set(db.dead) & set(w.record):
        return "an event died, and has had its effect"
    if (set(db.ended) & set(w.record)) - w.spared:
        return "an event that was cancelled or swallowed has had its effect"
    if any(w.failed.count(event) < ATTEMPTS for event in db.dead):
        return "an event died without its full number of attempts"
    settled = db.applied + db.ended + db.dead
    if len(set(settled)) != len(settled):
        return "an event was settled twice"
    open_rows = tuple(row.event for row in db.rows if row.event not in db.ended)
    if sorted(settled + open_rows, key=log.index) != list(log[:db.next]):
        return "an event is neither open nor settled, or both"
    return miscounted(db) if Exploration.counts_watched else None


def miscounted(db):
    truth = Counts(len(db.applied + db.ended), 0, len(db.dead), len(db.rows), 0, 0)
    return None if db.counts == truth else f"the counters {tuple(db.counts)} tell something else than the tables"


NOT_PROGRESS = ("crash", "wal flush", "db crash", "restore", "assign", "operator", "the group")


def broken_at_rest(w, labels):
    if not any(owns(w, who) for who in (0, 1)) or any(not label.startswith(NOT_PROGRESS) for label in labels):
        return None
    return "stuck: something is still open" if w.db.rows or w.db.next < len(scenario().log) else None
