"""What happens inside one transaction of the lane: pure functions from a database to the next one."""
from rules import RULES
from state import BLOCKED, DRAIN_BOUND, Letter, announces, has_inbox, rejected, scenario


def count(db, **changes):
    return db._replace(counts=db.counts._replace(**{k: getattr(db.counts, k) + n for k, n in changes.items()}))


def without(items, item):
    """The items, one occurrence of this one removed."""
    at = items.index(item)
    return items[:at] + items[at + 1:]


def bury(db, event, life):
    """The event is dead: for people in the dead letters, for other systems through the outbox. Where deaths hold, it
    stays the head of its key."""
    letter = Letter(event, life)
    if letter in db.dead + db.discarded and RULES["dead_once"]:
        return count(db, duplicate=1)
    db = count(db._replace(dead=db.dead + (letter,)), dead=1)
    if scenario().hold and db.head is None:
        db = db._replace(head=(event, BLOCKED, life))
        db = db if RULES["held_dead_is_dead"] else count(db, open=1)
    return db._replace(outbox=db.outbox + (("dlt", letter),)) if RULES["outbox"] and announces() else db


def settle(db, event, attempt, life, ok):
    """Try one event inside a transaction: the handler says ok or fails transiently."""
    db = db._replace(head=None)
    if rejected(event):
        return bury(db, event, life)
    ended = (event, scenario().attempts, life) in db.tried if RULES["inbox_keeps_ended"] else (event, life) in db.dead
    if has_inbox() and (event in db.applied or ended):
        return count(db, duplicate=1)
    db = db._replace(tried=db.tried + ((event, attempt, life),))
    if ok:
        return count(db._replace(applied=db.applied + (event,)), applied=1)
    if attempt >= scenario().attempts:
        return bury(db, event, life)
    head = (event, attempt + 1, life)
    db = count(db._replace(head=head), open=1)
    return db._replace(outbox=db.outbox + (("retry", head),)) if scenario().records else db


def holds(db):
    """Must the next event of the key wait?"""
    if db.scheduled and not RULES["scheduled_holds_nothing"]:
        return True
    if db.head is None or not RULES["park"]:
        return False
    return {1: RULES["held_is_head_or_parked"], BLOCKED: RULES["dead_head_holds"]}.get(db.head[1], True)


def begin(db, event, ok):
    """A record of the log: behind a held key it waits, else it is tried."""
    if event is None:
        return count(db, gaps=1) if RULES["gap_counted"] else db
    if rejected(event) and not (scenario().hold and RULES["reject_waits_its_turn"]):
        return bury(db, event, 0)   # nothing of it is ever applied, so where deaths do not hold it holds up nobody
    if event in scenario().later:
        return count(db._replace(scheduled=db.scheduled + ((event, 0),)), open=1)
    db = db._replace(places=db.places + ((event, 0),))
    if holds(db):
        return count(db._replace(parked=db.parked + ((event, 0),)), open=1)
    return overtake(db, event, 0, ok)


def overtake(db, event, life, ok):
    """Tries an event whatever the head is: there is none, but for the mutants."""
    after = settle(db, event, 1, life, ok)
    return after._replace(head=db.head) if after.head is None else after


def take_place(db, event, life):
    """An open event that becomes due or is replayed goes behind whatever holds its key, or is the head, due at once."""
    db = db._replace(places=db.places + ((event, life),))
    if db.head is None:
        return db._replace(head=(event, 1, life))
    return db._replace(parked=db.parked + ((event, life),))


def due_txn(db, item, ok):
    """The time of a scheduled event has come."""
    db = db._replace(scheduled=without(db.scheduled, item))
    if RULES["scheduled_takes_its_place"]:
        return take_place(db, *item)
    return overtake(count(db._replace(places=db.places + (item,)), open=-1), *item, ok)


def head_txn(db, ok):
    event, attempt, life = db.head
    return settle(count(db, open=-1), event, attempt, life, ok)


def promote(db):
    """The first of what is parked becomes the head: not tried yet, due at once, without a retry record."""
    (event, life), rest = db.parked[0], db.parked[1:]
    return db._replace(head=(event, 1, life), parked=rest)


def drain_txn(db, ok):
    """One parked event, applied by whoever finished the head, in the same transaction."""
    (event, life), rest = db.parked[0], db.parked[1:]
    return settle(count(db._replace(parked=rest), open=-1), event, 1, life, ok)


def drained(db, budget):
    """What a transaction that finished a head goes on to do with the events parked behind it."""
    todo, done = [(db, budget, "", 0)], []
    while todo:
        d, b, trail, n = todo.pop()
        if d.head is not None or not d.parked or not RULES["drain_before_release"]:
            done.append((d, b, trail))
        elif n == DRAIN_BOUND:
            done.append((promote(d) if RULES["drain_keeps_held"] else d, b, trail))
        else:
            for nd, nb, ok in tries(d, b, drain_txn):
                todo.append((nd, nb, f"{trail}, drains {d.parked[0]} {ok}", n + 1))
    return done


def tries(db, budget, txn, *args):
    """A transaction that runs the handler: how it may go, and what that costs."""
    after = txn(db, *args, True)
    if len(after.tried) == len(db.tried):
        yield after, budget, "without trying it"
        return
    yield after, budget, "ok"
    if budget.fail:
        yield txn(db, *args, False), budget._replace(fail=budget.fail - 1), "failed"


def replay_txn(db, letter):
    """A replay of a dead letter: it leaves the dead letters and begins a new life, where it stands if it holds its
    key, else behind whatever does."""
    event, life = letter
    if not RULES["replay_names_life"]:
        life = next((d.life for d in db.dead if d.event == event), life)
    if (event, life) not in db.dead:
        if RULES["replay_checks_dead"]:
            return db
    else:
        db = count(db._replace(dead=without(db.dead, (event, life))), dead=-1)
    db = count(db, open=1)
    if db.head != (event, BLOCKED, life):
        return take_place(db, event, life + 1)
    if RULES["replay_in_place"]:
        return db._replace(head=(event, 1, life + 1))
    return promote(db._replace(parked=db.parked + ((event, life + 1),)))


def decide_txn(db, what, letter):
    """An operator discards a dead letter, or releases the key that it holds: what is parked is drained."""
    if letter not in db.dead:
        return db
    holder = db.head == (letter.event, BLOCKED, letter.life)
    if what == "discard":
        db = db._replace(dead=without(db.dead, letter), discarded=db.discarded + (letter,))
    elif holder:
        db = db._replace(let_go=db.let_go + (letter,))
    if not holder:
        return db
    db = db._replace(head=None)
    return promote(db) if db.parked and RULES["decision_starts_drain"] else db


def accept_loss_txn(db, log):
    """An operator writes off what retention removed: the position moves to what is left, and says so. If the topic is
    another one now, nothing of it is gone: the position goes to its beginning, and what was counted stays counted."""
    if db.next_m >= log.low:
        to = log.low if RULES["restart_at_beginning"] else min(db.next_m, log.high)
        start = db.start + to - db.next_m if RULES["restart_moves_start"] else db.start
        return db._replace(next_m=to, start=start, mark=None, stopped=False)
    gone = tuple(range(db.next_m, log.low))
    db = db._replace(next_m=log.low, mark=None, stopped=False, lost=db.lost + gone)
    return count(db, lost=len(gone)) if RULES["loss_counted"] else db
