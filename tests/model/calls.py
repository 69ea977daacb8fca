"""The model of events whose effect is a call to another service, which must not be made twice: two worker processes,
one lane with one key. An event is admitted with the position, marked as begun, called, and settled in a later
transaction. What the lane's model shows (heads, due times, the outbox, replays) is taken for granted here.
"""
from calls_state import (ATTEMPTS, CALL_LENGTH, GRACE, Call, Lane, Row, broken, broken_at_rest, canonical,
                         initial, owns)
from rules import RULES
from state import scenario
from steps import spend
from transactions import count


def put(items, at, item):
    return items[:at] + (item,) + items[at + 1:]


def without_call(w, call):
    at = w.calls.index(call)
    return w.calls[:at] + w.calls[at + 1:]


def replaced(w, call, **changes):
    return w._replace(calls=without_call(w, call) + (call._replace(**changes),))


def commit(w, newdb, durable, **kw):
    flushed = newdb if durable and not scenario().restores else w.durable
    return w._replace(db=newdb, durable=flushed, **kw)


# Taking the lane.

def take(w, who):
    """Assignment; whoever had the lane is not told, and goes on as a zombie."""
    other = w.procs[1 - who] is not None
    if other and not w.budget.fault:
        return
    db = w.db
    lanes = [lane.token for lane in w.procs if lane]
    nd = db._replace(token=1 + max([db.token, w.durable.token] + lanes), epoch=db.epoch + 1, seq=db.seq + 1)
    behind = w.note > (db.epoch, db.seq) if RULES["note_names_epoch"] else w.note[1] > db.seq
    if behind and RULES["note_tells_restore"]:
        nd = set_back(nd)
    yield f"assign w{who}", commit(
        w, nd, True, procs=put(w.procs, who, Lane(nd.token, nd.epoch, nd.seq, nd.seq)), member=who,
        budget=spend(w.budget, fault=1) if other else w.budget)


def set_back(db):
    """The database has forgotten transactions: anything that it has open, or will admit again, may have been begun."""
    length = CALL_LENGTH if RULES["restore_doubts_wait"] else 0
    if RULES["restore_doubts_open"]:
        db = db._replace(rows=tuple(row._replace(doubt=length) for row in db.rows))
    return db._replace(below=len(scenario().log), until=length)


# The owner's transactions: (label, database, durable, calls).

def admit(w, who):
    db = w.db
    if db.next == len(scenario().log):
        return
    event, doubtful = scenario().log[db.next], db.next < db.below
    nd = db._replace(next=db.next + 1)
    if event.isupper():
        nd = end(nd, [row for row in nd.rows if swallowed(w, who, row, doubtful)])
    row = Row(event, 0, db.until if doubtful and RULES["restore_doubts_log"] else None, False)
    nd = nd._replace(rows=nd.rows + (row,))
    yield f"w{who} admits {event}", count(nd, open=1), False, w.calls


def swallowed(w, who, row, doubtful):
    """Not what has begun. But what is admitted again may have swallowed it before that was forgotten, and been called;
    if it did not, its own effect is the last in any case."""
    if not row.begun or not RULES["begun_not_swallowed"]:
        return True
    return doubtful and RULES["readmitted_swallows_begun"] and not runs(w, who, row.event)


def runs(w, who, event):
    return any((call.who, call.token, call.event) == (who, w.procs[who].token, event) for call in w.calls)


def end(db, rows):
    """These rows end without a call."""
    gone = [row for row in rows if row.event not in db.ended]
    db = count(db._replace(ended=db.ended + tuple(row.event for row in gone)), applied=len(gone), open=-len(gone))
    if not RULES["cancelled_not_called"]:
        return db
    return db._replace(rows=tuple(row for row in db.rows if row not in gone))


def cancel(w, who):
    for row in w.db.rows if w.budget.request else ():
        if row.event not in w.db.ended and (row.doubt is None or not RULES["begun_not_cancelled"]):
            yield f"operator cancels {row.event} at w{who}", end(w.db, [row]), True, w.calls


def turns(w, who):
    """What is marked as begun, and handed over once that is durable."""
    db = w.db
    if db.next < db.below and RULES["log_before_calls"]:
        return
    for at, row in enumerate(db.rows[:1] if RULES["calls_in_order"] else db.rows):
        if runs(w, who, row.event) or row.doubt and RULES["asks_after_the_call"] and RULES["doubt_asks_first"]:
            continue
        asks = row.doubt is not None and RULES["doubt_asks_first"]
        noted = not scenario().restores or not RULES["noted_before_calls"]
        calls = w.calls + (Call(who, w.procs[who].token, row.event, asks, CALL_LENGTH, "held", None, noted),)
        marked = db._replace(rows=put(db.rows, at, row._replace(doubt=CALL_LENGTH, begun=True)))
        what = f"{'asking about' if asks else 'calling'} {row.event}"
        yield f"w{who} marks and begins {what}", marked, RULES["marker_durable"], calls


def settle(w, who):
    """An end is judged, once, by the taking that handed the call over."""
    for call in w.calls:
        ours = call.token == w.procs[who].token or not RULES["lost_lanes_end_ignored"]
        if call.phase != "ended" or call.who != who or not ours:
            continue
        calls = without_call(w, call) if RULES["end_settles_once"] else w.calls
        at = next((n for n, row in enumerate(w.db.rows) if row.event == call.event), None)
        if at is not None:
            yield f"w{who} settles {call.event}: {call.end}", settled(w.db, at, call), True, calls


def settled(db, at, call):
    row, what = db.rows[at], call.end
    if what in ("done", "had"):
        return count(without_row(db, row)._replace(applied=db.applied + (row.event,)), applied=1, open=-1)
    if what == "late":
        begun = call.asks or row.attempts > 0
        return db._replace(rows=put(db.rows, at, row._replace(doubt=row.doubt if call.asks else None, begun=begun)))
    doubt = {"lost": RULES["lost_answer_asks"], "vain": RULES["asked_in_vain_still_doubts"]}.get(what, False)
    charged = not call.asks or what == "vain" and not RULES["asking_is_no_attempt"]
    row = row._replace(attempts=row.attempts + charged, doubt=0 if doubt else None)
    if row.attempts >= ATTEMPTS and not (doubt and RULES["no_death_in_doubt"]):
        return count(without_row(db, db.rows[at])._replace(dead=db.dead + (row.event,)), dead=1, open=-1)
    return db._replace(rows=put(db.rows, at, row))


def without_row(db, row):
    return db._replace(rows=tuple(other for other in db.rows if other != row))


def transact(w, who, label, nd, durable, calls):
    """One transaction and every way in which it can end. What is in doubt hands no call over."""
    nd = nd._replace(seq=nd.seq + 1)
    budget = spend(w.budget, request=1) if label.startswith("operator") else w.budget
    lane = w.procs[who]._replace(seq=nd.seq)
    if len(calls) > len(w.calls):
        lane = lane._replace(mark=nd.seq)
    yield label, commit(w, nd, durable, procs=put(w.procs, who, lane), calls=calls, budget=budget)
    if budget.fault:
        gone = {"procs": put(w.procs, who, None), "budget": spend(budget, fault=1)}
        yield label + ", in doubt", commit(w, nd, durable, **gone)
        yield label + ", in doubt, and not committed", w._replace(**gone)


def worker(w, who):
    lane = w.procs[who]
    if w.budget.fault and (lane or any(call.who == who for call in w.calls)):
        kept = tuple(c._replace(who=None) if c.who == who else c for c in w.calls if c.who != who or c.phase == "out")
        yield f"crash w{who}", w._replace(procs=put(w.procs, who, None), calls=kept,
                                          budget=spend(w.budget, fault=1))
    if lane is None:
        yield from take(w, who)
        return
    if not owns(w, who):
        yield f"w{who} notices", w._replace(procs=put(w.procs, who, None))
        return
    for step in (admit, cancel, turns, settle):
        for outcome in step(w, who):
            yield from transact(w, who, *outcome)
    if not RULES["marked_first"]:
        for label, _, _, calls in turns(w, who):
            yield label + ", and is about to mark it", w._replace(calls=calls)


def tells_group(w, who):
    """The group keeps what its member says last, whatever that was before."""
    lane = w.procs[who]
    if lane is None or not scenario().restores or w.member != who and RULES["note_from_members"]:
        return
    calls = tuple(c._replace(noted=True) if (c.who, c.token) == (who, lane.token) else c for c in w.calls)
    yield f"the group hears of w{who}'s marker", w._replace(note=(lane.epoch, lane.mark), calls=calls)


# What happens to calls, whoever has the lane by now.

def begins(w, call):
    in_grace = call.left > CALL_LENGTH - GRACE
    if not in_grace:
        yield f"it is too late for w{call.who} to call {call.event}", replaced(w, call, phase="ended", end="late")
    if not in_grace and RULES["begins_in_grace"] or not call.noted:
        return
    if not call.asks:
        yield f"w{call.who} calls {call.event}", replaced(w, call, phase="out", left=max(call.left, 1))
        return
    found = "had" if call.event in w.record else "none"
    yield f"w{call.who} asks about {call.event}: {found}", replaced(w, call, phase="ended", end=found)
    if w.budget.fail:
        yield f"w{call.who} asks about {call.event} in vain", replaced(w, call, phase="ended", end="vain")._replace(
            budget=spend(w.budget, fail=1))


def failing(w, call, how):
    failed = w.failed + (call.event,) * (w.failed.count(call.event) < ATTEMPTS)
    return replaced(w, call, phase="ended", end=how)._replace(failed=tuple(sorted(failed)),
                                                              budget=spend(w.budget, fail=1))


def goes_on(w, call):
    """A request that is out there, also that of a process which has crashed."""
    if call.end is None:
        yield f"the service performs {call.event}", replaced(w, call, end="effect")._replace(
            record=w.record + (call.event,))
    if call.who is None:
        return
    if call.end == "effect":
        yield f"w{call.who} hears that {call.event} is done", replaced(w, call, phase="ended", end="done")
    elif w.budget.fail:
        yield f"w{call.who} hears that {call.event} is refused", failing(w, call, "refused")
    if w.budget.fail:
        yield f"w{call.who} hears nothing of {call.event}", failing(w, call, "lost")


def sooner(db):
    rows = tuple(row._replace(doubt=row.doubt - 1) if row.doubt else row for row in db.rows)
    return db._replace(rows=rows, until=max(db.until - 1, 0))


def tick(w):
    """Time passes; a call whose time is up has ended before, but for one that nobody waits for."""
    if any(c.phase == "out" and c.left == 1 and c.who is not None for c in w.calls):
        return
    calls = tuple(c._replace(left=max(c.left - 1, 0)) if c.phase != "ended" else c for c in w.calls
                  if c.phase != "out" or c.left > 1)
    later = w._replace(db=sooner(w.db), durable=sooner(w.durable), calls=calls)
    if later != w:
        yield "a tick", later


# The database.

def database(w):
    if w.durable == w.db:
        return
    yield "wal flush", w._replace(durable=w.db)
    if not scenario().restores and w.budget.fault:
        yield "db crash", w._replace(db=w.durable, spared=perhaps_begun(w), budget=spend(w.budget, fault=1))
    if w.budget.restore:
        yield from restore(w)


def perhaps_begun(w):
    """What the database may have forgotten the calls of, and may be swallowed when the log is admitted again."""
    calls = [call.event for call in w.calls if not call.asks and call.phase != "ended"]
    swallowed = scenario().log[:next((at for at, event in enumerate(scenario().log) if event.isupper()), 0)]
    return frozenset(swallowed) & {*w.record, *calls}


def restore(w):
    """The database goes back; it may show the claim of somebody again who has lost the lane, and does not know."""
    yield "restore", w._replace(db=w.durable, spared=perhaps_begun(w), budget=spend(w.budget, restore=1))


def successors(w):
    for who in range(len(w.procs)):
        yield from worker(w, who)
        yield from tells_group(w, who)
    for call in w.calls:
        if call.phase == "held":
            yield from begins(w, call)
        elif call.phase == "out":
            yield from goes_on(w, call)
    yield from tick(w)
    yield from database(w)


__all__ = ["broken", "broken_at_rest", "canonical", "initial", "successors"]
