"""Everything that can happen next: workers, the database, the log, operators."""
from state import RULES, Lane, Log, announces, record, rejected, scenario
from transactions import accept_loss_txn, begin, drain_txn, drained, replay_txn, retry_txn


def spend(budget, **what):
    return budget._replace(**{k: getattr(budget, k) - n for k, n in what.items()})


def with_lane(w, who, lane):
    return tuple(lane if x == who else m for x, m in enumerate(w.mem))


def commit(w, newdb, durable, **kw):
    """A durable commit makes every earlier one durable too: the database's log is one."""
    flushed = newdb if durable and scenario().loss == "crash" else w.durable
    return w._replace(db=newdb, durable=flushed, **kw)


def position_lost(db, log):
    if db.next_m < log.low:
        return RULES["check_low"]
    if db.next_m > log.high:
        return RULES["check_high"]
    probe = db.mark is not None and log.low <= db.mark[0] < log.high
    return RULES["check_timestamp"] and probe and db.mark[1] != log.made


def take(w, who, owned):
    """Assignment; a previous owner is not told and goes on as a zombie."""
    db, log = w.db, w.log
    start = log.low if db.start is None else db.start
    nd = db._replace(token=(w.tokens if RULES["token"] else db.token) + 1, seq=db.seq + 1, start=start,
                     next_m=start if db.start is None else db.next_m)
    lane = Lane(nd.token, nd.seq, nd.next_m, nd.next_r, nd.head, None, bool(position_lost(nd, log)), log.made)
    offered = start if w.offered is None else min(start, w.offered)
    return f"assign w{who}", commit(w, nd, RULES["taking_durable"], tokens=max(w.tokens, nd.token), offered=offered,
                                    mem=with_lane(w, who, lane),
                                    budget=spend(w.budget, fault=1) if owned else w.budget)


def outcomes(w, who, lane):
    """The transactions that the owner may run now: (label, database, lane afterwards, budget)."""
    db, budget = w.db, w.budget
    oks = [True] + ([False] if budget.fail else [])
    if not lane.stopped and lane.next_m < w.log.high:
        item = record(w.log, lane.next_m)
        for ok in oks if item is not None and not rejected(item) else [True]:
            nd, failed = begin(db._replace(head=lane.head), item, 0, ok)
            mark = (lane.next_m, w.log.made)
            if item is None:
                mark = db.mark if RULES["mark_survives_gap"] else None
            yield (f"w{who} main {item} ok={ok}", nd._replace(next_m=lane.next_m + 1, mark=mark),
                   lane._replace(next_m=lane.next_m + 1), spend(budget, fail=1) if failed else budget)
    parts = []
    if lane.next_r < len(w.retry):
        parts += [("retry", w.retry[lane.next_r], ok) for ok in oks]
    parts += [("replay", c, ok) for c in db.commands if c != "accept loss" for ok in oks]
    for source, item, ok in parts:
        nd, failed = (retry_txn if source == "retry" else replay_txn)(db, item, ok)
        after = lane._replace(next_r=lane.next_r + 1) if source == "retry" else lane
        for d, b, trail in drained(db, nd, spend(budget, fail=1) if failed else budget):
            yield f"w{who} {source} {item} ok={ok}{trail}", d._replace(next_r=after.next_r), after, b
    if "accept loss" in db.commands and (not lane.stopped or db.stopped):
        nd = db._replace(commands=tuple(c for c in db.commands if c != "accept loss"))
        if lane.stopped and db.next_m < w.log.low:
            nd = accept_loss_txn(nd, w.log)
        yield (f"w{who} accepts the loss", nd, lane._replace(next_m=nd.next_m, stopped=lane.stopped and nd.stopped),
               budget)
    if lane.stopped and not db.stopped:
        yield f"w{who} marks the lane stopped", db._replace(stopped=True), lane, budget
    if RULES["delete_after_ack"] and lane.page and lane.page[1]:
        rest = tuple(row for row in db.outbox if row != lane.page[0])
        yield f"w{who} deletes {lane.page[0]}", db._replace(outbox=rest), lane._replace(page=None), budget
    if not RULES["delete_after_ack"] and db.outbox and not lane.page:
        yield (f"w{who} deletes {db.outbox[0]} unpublished", db._replace(outbox=db.outbox[1:]),
               lane._replace(page=(db.outbox[0], False)), budget)


def unrecorded(before, after):
    """Without the outbox: what the owner would have to publish itself, once it has committed."""
    rows = [("dlt", letter) for letter in after.dead if announces() and letter not in before.dead]
    return rows + ([("retry", after.head)] if after.head is not None and after.head != before.head else [])


def published(w, row):
    kind, what = row
    return {"retry": w.retry + (what,)} if kind == "retry" else {"dlt": w.dlt | {what}}


def transact(w, who, lane, label, nd, after, b):
    """One transaction and every way in which it can end."""
    db = w.db
    nd = nd._replace(seq=lane.seq + 1)
    after = after._replace(head=nd.head, seq=nd.seq)
    durable = any(row not in db.outbox for row in nd.outbox) and RULES["outbox_durable"]
    gone, less = with_lane(w, who, None), spend(b, fault=1)
    moved = nd.next_m != db.next_m or nd.next_r != db.next_r
    if not RULES["position_in_txn"] and b.fault and moved:
        back = nd._replace(seq=db.seq, next_m=db.next_m, next_r=db.next_r, counts=db.counts)
        yield label + ", crash before the position", commit(w, back, durable, mem=gone, budget=less)
    if not RULES["counts_in_txn"] and b.fault and nd.counts != db.counts:
        yield label + ", crash before the counters", commit(w, nd._replace(counts=db.counts), durable, mem=gone,
                                                            budget=less)
    done = commit(w, nd, durable, mem=with_lane(w, who, after), budget=b)
    rows = [] if RULES["outbox"] else unrecorded(db, nd)
    if rows and b.fault:
        yield label + ", crash before publishing", done._replace(mem=gone, budget=less)
        yield label + ", crash after publishing, before the commit", w._replace(
            mem=gone, budget=less, **published(w, rows[0]))
    for row in rows:
        done = done._replace(**published(done, row))
    yield label, done
    if b.fault:   # committed, but the worker never heard
        keeps = None if RULES["doubt_drops"] else lane._replace(seq=nd.seq)   # asks for the number only
        yield label + ", in doubt", done._replace(mem=with_lane(w, who, keeps), budget=less)


def worker(w, who, lane):
    db, budget = w.db, w.budget
    if budget.fault:
        yield f"crash w{who}", w._replace(mem=with_lane(w, who, None), budget=spend(budget, fault=1))
    other, older = db.token != lane.token, db.seq != lane.seq
    if (other or older) and RULES["notice"]:
        yield f"w{who} notices", w._replace(mem=with_lane(w, who, None))
    if lane.made != w.log.made or (RULES["check_low"] and not lane.stopped and lane.next_m < w.log.low):
        # the broker refuses the fetch: the lane is taken again, and its position judged then
        yield f"w{who} cannot fetch", w._replace(mem=with_lane(w, who, None))
        return
    # outbox: read a row, publish it, delete it; whoever holds the lane, or believes so
    if RULES["delete_after_ack"] and lane.page is None and db.outbox:
        row = db.outbox[0]
        now = {} if announces() else published(w, row)
        yield f"w{who} reads {row}", w._replace(mem=with_lane(w, who, lane._replace(page=(row, bool(now)))), **now)
    if lane.page and not lane.page[1]:
        page = (lane.page[0], True) if RULES["delete_after_ack"] else None
        yield f"w{who} publishes {lane.page[0]}", w._replace(mem=with_lane(w, who, lane._replace(page=page)),
                                                             **published(w, lane.page[0]))
    possible = list(outcomes(w, who, lane))
    if possible and (RULES["fence"] and other or RULES["sequence"] and not other and older):
        yield f"w{who} fenced", w._replace(mem=with_lane(w, who, None))
        return
    for label, nd, after, b in possible:
        yield from transact(w, who, lane, label, nd, after, b)


def operators(w):
    db, budget = w.db, w.budget
    if budget.replay:
        letters = [d for d in db.dead if not rejected(d[0])] + [(e, life - 1) for e, _, life in db.tried if life]
        for letter in dict.fromkeys(letters):
            yield (f"operator asks to replay {letter}",
                   w._replace(db=db._replace(commands=db.commands + (letter,)), budget=spend(budget, replay=1)))
        if db.stopped and "accept loss" not in db.commands:
            yield ("operator accepts the loss",
                   w._replace(db=db._replace(commands=db.commands + ("accept loss",)), budget=spend(budget, replay=1)))
    if RULES["replay_by_owner"]:
        return
    for command in db.commands:         # the operator's tool makes it the head itself; the owner is not told
        event, life = command
        if command in db.dead and db.head is None:
            head = (event, 1, life + 1)
            nd = db._replace(dead=tuple(d for d in db.dead if d != command), head=head,
                             outbox=db.outbox + (("retry", head),),
                             commands=tuple(c for c in db.commands if c != command),
                             counts=db.counts._replace(dead=db.counts.dead - 1, open=db.counts.open + 1))
            yield f"tool replays {command}", w._replace(db=nd)


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
    if w.budget.log:
        for low in range(log.low + 1, log.high + 1):
            yield f"retention removes what is before {low}", w._replace(log=log._replace(low=low),
                                                                        budget=spend(w.budget, log=1))
        if log.made + 1 < len(logs):
            yield "the topic is recreated", w._replace(log=Log(log.made + 1, 0, 1), budget=spend(w.budget, log=1))


def successors(w):
    owned = any(m is not None for m in w.mem)
    for who, lane in enumerate(w.mem):
        if lane is None:
            if not owned or w.budget.fault:
                yield take(w, who, owned)
        else:
            yield from worker(w, who, lane)
    yield from operators(w)
    db, budget = w.db, w.budget
    # without drain_before_release: parked events are drained on their own, later
    if not RULES["drain_before_release"] and db.parked and db.head is None:
        for ok in [True] + ([False] if budget.fail else []):
            yield (f"late drain {db.parked[0]} ok={ok}",
                   w._replace(db=drain_txn(db, ok), budget=budget if ok else spend(budget, fail=1)))
    yield from database(w)
    yield from log_loss(w)


# What the surroundings do: a world in which nothing else is left to happen has come to rest.
NOT_PROGRESS = ("crash", "wal flush", "db crash", "assign", "operator", "retention", "the topic is recreated")
