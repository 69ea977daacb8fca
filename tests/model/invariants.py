"""What must be true in every state, and what must be true once nothing is left to do."""
from state import MAX_ATTEMPTS, Exploration, announces, rejected, scenario


def broken(w):
    db = w.db
    if len(set(db.applied)) != len(db.applied):
        return "an event was applied twice"
    dead = [e for e, _ in db.dead]
    if set(db.applied) & set(dead) or len(set(dead)) != len(dead):
        return "an event is both applied and dead, or dead twice"
    for event, life in db.dead:
        if not rejected(event) and any(db.tried.count((event, n + 1, life)) != 1 for n in range(MAX_ATTEMPTS)):
            return "an event died without its full number of attempts"
    if len(set(db.tried)) != len(db.tried):
        return "an attempt was counted twice"
    names = [e for records in scenario().logs for e in records]
    order = [names.index(e) for e in db.applied if not any(t[0] == e and t[2] for t in db.tried)]
    if order != sorted(order):
        return "a later event of the key was applied before an earlier one"
    return announced_but_alive(w) or miscounted(db)


def announced_but_alive(w):
    """What was announced is dead for good, or has been replayed since."""
    for event, life in w.dlt:
        ended = (event, life) in w.db.dead if rejected(event) else (event, MAX_ATTEMPTS, life) in w.db.tried
        if not ended:
            return f"announced as dead, but not dead: {event}"
    return None


def miscounted(db):
    if db.start is None or not Exploration.counts_watched:
        return None
    if db.next_m - db.start != sum(db.counts):
        return f"conservation: {db.next_m} - {db.start} is not the sum of {tuple(db.counts)}"
    truth = (len(db.applied), len(db.dead), len(db.parked) + (db.head is not None), len(db.lost))
    counts = db.counts
    if truth != (counts.applied, counts.dead, counts.open, counts.lost):
        return f"the counters {tuple(counts)} tell something else than the tables"
    return None


def quiescent_broken(w):
    db = w.db
    owner = next(m for m in w.mem if m is not None)
    if owner.stopped:
        if not db.stopped:
            return "stopped, and nobody was told"
    else:
        records = scenario().logs[w.log.made]
        expected = {records[n] for n in range(w.offered, w.log.high) if n not in db.lost} - {None}
        lost = expected - set(db.applied) - {e for e, _ in db.dead}
        if lost:
            return f"lost: {sorted(lost)}"
    silent = sorted(letter for letter in db.dead if announces() and letter not in w.dlt)
    if silent:
        return f"dead, but never announced: {silent}"
    if db.head or db.parked or db.outbox or db.commands:
        return "stuck: something is still held"
    return None
