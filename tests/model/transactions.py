"""What happens inside one transaction of the lane: pure functions from a database to the next one."""
from state import MAX_ATTEMPTS, RULES, announces, has_inbox, rejected


def count(db, **changes):
    return db._replace(counts=db.counts._replace(**{k: getattr(db.counts, k) + n for k, n in changes.items()}))


def bury(db, event, life):
    """The event is dead: for people in the dead letters, for other systems through the outbox."""
    letter = (event, life)
    if letter in db.dead and RULES["dead_once"]:
        return count(db, duplicate=1)
    db = count(db._replace(dead=db.dead + (letter,)), dead=1)
    return db._replace(outbox=db.outbox + (("dlt", letter),)) if RULES["outbox"] and announces() else db


def settle(db, event, attempt, life, ok):
    """Apply one event inside a transaction: the handler says ok or fails transiently."""
    ended = (event, MAX_ATTEMPTS, life) in db.tried if RULES["inbox_keeps_ended"] else (event, life) in db.dead
    if has_inbox() and (event in db.applied or ended):
        return count(db._replace(head=None), duplicate=1)
    db = db._replace(tried=db.tried + ((event, attempt, life),))
    if ok:
        return count(db._replace(applied=db.applied + (event,), head=None), applied=1)
    if attempt >= MAX_ATTEMPTS:
        return bury(db._replace(head=None), event, life)
    nxt = (event, attempt + 1, life)
    db = count(db._replace(head=nxt), open=1)
    return db._replace(outbox=db.outbox + (("retry", nxt),)) if RULES["outbox"] else db


def begin(db, event, life, ok):
    """An event that comes for the first time in this life: behind a held key it waits, else it is tried."""
    if event is None:
        return (count(db, gaps=1) if RULES["gap_counted"] else db), False
    if rejected(event):
        return bury(db, event, life), False   # nothing of it is ever applied, so it holds up nobody
    if db.head is not None and RULES["park"]:
        return count(db._replace(parked=db.parked + ((event, life),)), open=1), False
    keep = db.head
    after = settle(db, event, 1, life, ok)
    if keep is not None and after.head is None:
        after = after._replace(head=keep)   # only reached by the mutant without parking
    return after, after.tried != db.tried and not ok


def retry_txn(db, message, ok):
    event, attempt, life = message
    if RULES["attempt_check"]:
        if db.head != message:
            return db, False                 # stale or duplicate retry message
    elif db.head is None or db.head[0] != event:
        return db, False
    after = settle(count(db, open=-1), event, attempt, life, ok)
    return after, after.tried != db.tried and not ok


def replay_txn(db, command, ok):
    """An operator's replay of a dead letter: it leaves the dead letters and begins a new life."""
    event, life = command
    db = db._replace(commands=tuple(c for c in db.commands if c != command))
    if RULES["replay_checks_dead"] and command not in db.dead:
        return db, False
    db = count(db._replace(dead=tuple(d for d in db.dead if d != command)), dead=-1)
    return begin(db, event, life + 1, ok)


def drain_txn(db, ok):
    """One parked event, applied by whoever released the head, in the same transaction as the release."""
    (event, life), rest = db.parked[0], db.parked[1:]
    return settle(count(db._replace(parked=rest), open=-1), event, 1, life, ok)


def drained(before, db, budget):
    """What a transaction that released a head goes on to do with the events parked behind it."""
    todo, done = [(db, budget, "")], []
    while todo:
        d, b, trail = todo.pop()
        if not (RULES["drain_before_release"] and d.head is None and d.parked and d != before):
            done.append((d, b, trail))
            continue
        for ok in [True] + ([False] if b.fail else []):
            nd = drain_txn(d, ok)
            failed = nd.tried != d.tried and not ok
            todo.append((nd, b._replace(fail=b.fail - 1) if failed else b, f"{trail} drain {d.parked[0]} ok={ok}"))
    return done


def accept_loss_txn(db, log):
    """An operator writes off what retention removed: the position moves to what is left, and says so."""
    gone = tuple(range(db.next_m, log.low))
    db = db._replace(next_m=log.low, mark=None, stopped=False, lost=db.lost + gone)
    return count(db, lost=len(gone)) if RULES["loss_counted"] else db
