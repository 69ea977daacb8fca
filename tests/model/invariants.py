"""What must be true in every state, and what must be true once nothing is left to do."""
from state import BLOCKED, Exploration, announces, rejected, scenario


def broken(w):
    db = w.db
    if len(set(db.applied)) != len(db.applied):
        return "an event was applied twice"
    dead = [letter.event for letter in db.dead + db.discarded]
    if set(db.applied) & set(dead) or len(set(dead)) != len(dead):
        return "an event is both applied and dead, or dead twice"
    attempts = range(1, scenario().attempts + 1)
    for event, life in db.dead + db.discarded:
        if not rejected(event) and any(db.tried.count((event, n, life)) != 1 for n in attempts):
            return "an event died without its full number of attempts"
    if len(set(db.tried)) != len(db.tried):
        return "an attempt was counted twice"
    if db.early:
        return "a head acted before its time"
    return disordered(db) or unasked(w) or announced_but_alive(w) or miscounted(db)


def place(db, event, life):
    """Where in the key's order the event stands: a life that was not given a place of its own keeps the last one."""
    return -max(((p[1], -n) for n, p in enumerate(db.places) if p[0] == event and p[1] <= life), default=(0, 1))[1]


def disordered(db):
    lives = {event: life for event, _, life in db.tried}
    order = [place(db, event, lives[event]) for event in db.applied]
    if order != sorted(order):
        return "a later event of the key was applied before an earlier one"
    if scenario().hold and order:
        for event, life in db.dead:
            if (event, life) not in db.let_go and place(db, event, life) < order[-1]:
                return f"applied past {event}, which is dead and holds its key"
    return None


def unasked(w):
    """Nobody but an operator, or a hand that copies a dead letter, begins a new life."""
    db = w.db
    lives = [(e, life) for e, _, life in db.tried + ((db.head,) if db.head else ())] + list(db.parked)
    for event, life in lives:
        if life and (event, life - 1) not in w.asked:
            return f"life {life} of {event} was begun, and nobody had asked for it"
    return None


def announced_but_alive(w):
    """What was announced is dead for good, or has been replayed since."""
    for event, life in w.dlt:
        dead = (event, life) in w.db.dead + w.db.discarded
        if not (dead if rejected(event) else (event, scenario().attempts, life) in w.db.tried):
            return f"announced as dead, but not dead: {event}"
    return None


def miscounted(db):
    if db.start is None or not Exploration.counts_watched:
        return None
    if db.next_m - db.start != sum(db.counts):
        return f"conservation: {db.next_m} - {db.start} is not the sum of {tuple(db.counts)}"
    waiting = db.head is not None and db.head[1] != BLOCKED
    truth = (len(db.applied), len(db.dead) + len(db.discarded), len(db.parked) + len(db.scheduled) + waiting,
             len(db.lost))
    counts = db.counts
    if truth != (counts.applied, counts.dead, counts.open, counts.lost):
        return f"the counters {tuple(counts)} tell something else than the tables"
    return None


def blocked(db):
    """The key waits for an operator."""
    return db.head is not None and db.head[1] == BLOCKED and (db.head[0], db.head[2]) in db.dead


def stuck(w):
    db = w.db
    held = (db.head is not None or bool(db.parked)) and not blocked(db)
    return bool(held or db.outbox or db.commands or w.ripe & set(db.scheduled))


def quiescent_broken(w):
    db = w.db
    owner = next(m for m in w.mem if m is not None)
    waiting = {event for event, _ in db.scheduled + (db.parked if blocked(db) else ())}
    if owner.stopped:
        if not db.stopped:
            return "stopped, and nobody was told"
    else:
        records = scenario().logs[w.log.made]
        expected = {records[n] for n in range(w.offered, min(w.log.high, len(records))) if n not in db.lost} - {None}
        lost = expected - set(db.applied) - {d.event for d in db.dead + db.discarded} - waiting
        if lost:
            return f"lost: {sorted(lost)}"
    silent = sorted(tuple(letter) for letter in db.dead if announces() and letter not in w.dlt)
    if silent:
        return f"dead, but never announced: {silent}"
    ignored = [tuple(letter) for letter in w.copies + w.log.tail if letter in db.dead]
    if ignored:
        return f"asked for by a hand, and never replayed: {ignored}"
    return "stuck: something is still held" if stuck(w) else None
