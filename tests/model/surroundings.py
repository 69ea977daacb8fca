"""What happens around the workers: operators, hands, time, the database, the log."""
from rules import RULES
from state import BLOCKED, Letter, Log, rejected, scenario
from steps import spend, take, worker
from transactions import decide_txn, drain_txn, replay_txn, tries, without


def operators(w):
    db, budget = w.db, w.budget
    if budget.request:
        less = spend(budget, request=1)
        letters = [d for d in db.dead + db.discarded if not rejected(d.event)]
        letters += [Letter(e, life - 1) for e, _, life in db.tried if life]
        wanted = [("replay", letter) for letter in letters]
        if scenario().hold:
            wanted += [(what, d) for what in ("discard", "release") for d in db.dead]
        if db.stopped and ("accept loss", None) not in db.commands:
            wanted += [("accept loss", None)]
        for what, letter in dict.fromkeys(wanted):
            asked = w.asked | {letter} if what == "replay" else w.asked
            yield (f"operator wants: {what} {letter}",
                   w._replace(db=db._replace(commands=db.commands + ((what, letter),)), budget=less, asked=asked))
    if RULES["replay_by_owner"]:
        return
    for command in db.commands:         # the operator's tool writes the lane itself; the owner is not told
        what, letter = command
        if letter in db.dead and (db.head is None or db.head[1] == BLOCKED):
            nd = db._replace(commands=without(db.commands, command))
            nd = replay_txn(nd, letter) if what == "replay" else decide_txn(nd, what, letter)
            yield f"tool {what}s {letter}", w._replace(db=nd)


def hands(w):
    """Somebody copies a dead letter from its topic, headers and all, to the main topic or to a retry topic."""
    if not w.budget.hand:
        return
    for letter in w.dlt:
        now = {"asked": w.asked | {letter}, "budget": spend(w.budget, hand=1)}
        tail = w.log._replace(high=w.log.high + 1, tail=w.log.tail + (letter,))
        yield f"hand copies {letter} to the main topic", w._replace(log=tail, **now)
        yield f"hand copies {letter} to a retry topic", w._replace(copies=w.copies + (letter,), **now)


def time(w):
    """It comes for whatever waits for it. The clock is the database's, so every worker sees the same. What is scheduled
    may be far ahead: a world can come to rest before it."""
    head = w.db.head
    if head and head[1] > 1 and head not in w.ripe:
        yield f"the time of {head} comes", w._replace(ripe=w.ripe | {head})
    for item in w.db.scheduled:
        if item not in w.ripe:
            yield f"one day the time of {item} comes", w._replace(ripe=w.ripe | {item})


def database(w):
    """It makes what it has durable, or loses what is not; owners reconnect and go on with what they remember."""
    if w.durable == w.db:
        return
    yield "wal flush", w._replace(durable=w.db)
    if w.budget.fault:
        back = w.durable
        if not RULES["resume_from_db"]:
            back = back._replace(next_m=max(back.next_m, w.db.next_m), next_r=max(back.next_r, w.db.next_r))
        yield "db crash", w._replace(db=back, budget=spend(w.budget, fault=1))


def log_loss(w):
    log, logs = w.log, scenario().logs
    if log.made and log.high < len(logs[log.made]):
        yield "the new topic grows", w._replace(log=log._replace(high=len(logs[log.made])))
    for record in w.retry:
        yield f"retention removes the retry record {record}", w._replace(retry=w.retry - {record})
    if w.budget.log:
        for low in range(log.low + 1, log.high + 1):
            yield f"retention removes what is before {low}", w._replace(log=log._replace(low=low),
                                                                        budget=spend(w.budget, log=1))
        if log.made + 1 < len(logs):
            yield "the topic is recreated", w._replace(log=Log(log.made + 1, 0, 1, ()), budget=spend(w.budget, log=1))


def late_drain(w):
    """Without the rules that keep a key held while something is parked: that is drained on its own, later."""
    if w.db.parked and w.db.head is None and not (RULES["drain_before_release"] and RULES["drain_keeps_held"]):
        for nd, b, how in tries(w.db, w.budget, drain_txn):
            yield f"late drain {w.db.parked[0]} {how}", w._replace(db=nd, budget=b)


def successors(w):
    owned = any(m is not None for m in w.mem)
    for who, lane in enumerate(w.mem):
        if lane is None:
            if not owned or w.budget.fault:
                yield take(w, who, owned)
        else:
            yield from worker(w, who, lane)
    yield from operators(w)
    yield from hands(w)
    yield from time(w)
    yield from late_drain(w)
    yield from database(w)
    yield from log_loss(w)


# What the surroundings do: a world in which nothing else is left to happen has come to rest.
NOT_PROGRESS = ("crash", "wal flush", "db crash", "assign", "operator", "hand", "one day", "retention",
                "the topic is recreated")
